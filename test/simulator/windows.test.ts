import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SimulatorOptions } from '../../src/simulator/index.js'
import { isLong } from '../support/long.js'
import { ManualClock } from './manual-clock.js'
import { simulate } from './setup.js'

const model = 'qwen-plus'
const RPM = 120
const TPM = 3000
const ANSWER_TOKENS = 5
const MAX_TOKENS = 20

interface Window {
  readonly counts: 'requests' | 'tokens'
  readonly kind: 'fixed' | 'sliding' | 'bucket'
  readonly windowMs: number
  readonly limit: number
  readonly oversize: boolean
}

/** Recounts from all admitted requests, without the simulator's code. */
class BruteForce {
  readonly #windows: readonly Window[]
  readonly #log: { at: number; requests: number; tokens: number }[] = []
  readonly #options: SimulatorOptions

  constructor(options: SimulatorOptions) {
    this.#options = options
    const minute = { kind: options.minuteWindow ?? 'sliding', windowMs: 60_000, oversize: false }
    this.#windows = [
      { ...minute, counts: 'requests', limit: RPM },
      { ...minute, counts: 'tokens', limit: TPM },
    ]
    const { secondWindow = 'sliding' } = options
    if (secondWindow === 'off') return
    const second = { kind: secondWindow, windowMs: 1000 }
    this.#windows = [
      ...this.#windows,
      { ...second, counts: 'requests', limit: RPM / 60, oversize: false },
      { ...second, counts: 'tokens', limit: TPM / 60, oversize: true },
    ]
  }

  /** Whether a request is admitted. An admitted request is counted. */
  ask(inputTokens: number, now: number): boolean {
    const asked = inputTokens + (this.#options.outputAccounting === 'reserved' ? MAX_TOKENS : 0)
    const admitted = this.#windows.every((window) => {
      const used = this.#used(window, now)
      const amount = window.counts === 'requests' ? 1 : asked
      return used + amount <= window.limit || (window.oversize && used === 0)
    })
    if (admitted) this.#log.push({ at: now, requests: 1, tokens: inputTokens + ANSWER_TOKENS })
    else if (this.#options.countsRejected === true) this.#log.push({ at: now, requests: 1, tokens: 0 })
    return admitted
  }

  #used({ counts, kind, windowMs, limit }: Window, now: number): number {
    if (kind === 'bucket') {
      let [level, at] = [0, 0]
      for (const entry of this.#log) {
        level = Math.max(0, level - (limit * (entry.at - at)) / windowMs) + entry[counts]
        at = entry.at
      }
      return Math.max(0, level - (limit * (now - at)) / windowMs)
    }
    const within = (at: number): boolean =>
      kind === 'sliding' ? now - at < windowMs : Math.floor(at / windowMs) === Math.floor(now / windowMs)
    return this.#log.reduce((sum, entry) => sum + (within(entry.at) ? entry[counts] : 0), 0)
  }
}

const step = fc.record({
  waitMs: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 0, 250, 500) },
    { weight: 2, arbitrary: fc.constantFrom(1, 499, 501, 999, 1000, 1001) },
    { weight: 1, arbitrary: fc.constantFrom(3000, 20_000, 59_999, 60_000) },
  ),
  // The frame of a chat adds 10 tokens. 100 is more than a second's tokens, 3000 more than a minute's.
  textTokens: fc.constantFrom(1, 5, 10, 30, 100, 400, 3000),
})

const charging = (['completion', 'generated', 'reserved'] as const).flatMap((outputAccounting) =>
  [false, true].map((countsRejected) => ({ outputAccounting, countsRejected })),
)
const minutes = ['fixed', 'sliding', 'bucket'] as const
const seconds = ['fixed', 'sliding', 'bucket', 'off'] as const
const kinds = minutes.flatMap((minuteWindow) => seconds.map((secondWindow) => ({ minuteWindow, secondWindow })))

describe('a limit per minute and a limit per second together', () => {
  it.each(kinds)('admit over HTTP exactly the requests that a brute-force count admits: %o', async (windows) => {
    const kind = kinds.indexOf(windows)
    for (const [i, charges] of charging.entries()) {
      // Each way of charging is tested with four of the twelve kinds, and in `npm run test:long` with all of them.
      if (!isLong && i % 3 !== kind % 3) continue
      const options = { ...windows, ...charges }
      const clock = new ManualClock()
      const { client } = await simulate({
        ...options,
        clock,
        limits: { [model]: { rpm: RPM, tpm: TPM } },
        answer: () => ({ content: 'deep', outputTokens: ANSWER_TOKENS }),
      })
      const reference = new BruteForce(options)
      let admissions = 0
      for (const { waitMs, textTokens } of fc.sample(step, { numRuns: 60, seed: i + 1 })) {
        clock.advance(waitMs)
        const messages = [{ role: 'user' as const, content: 'word'.repeat(textTokens) }]
        const call = client.chat.completions.create({ model, messages, max_tokens: MAX_TOKENS })
        const admitted = await call.then(
          () => true,
          () => false,
        )
        expect([options, clock.now(), textTokens, admitted]).toEqual([
          options,
          clock.now(),
          textTokens,
          reference.ask(textTokens + 10, clock.now()),
        ])
        if (admitted) admissions += 1
      }
      expect(admissions).toBeGreaterThan(5)
      expect(admissions).toBeLessThan(58)
    }
  })
})
