import { getEventListeners } from 'node:events'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createLimiter, type Limiter } from '../../src/index.js'
import { limitOpenAI } from '../../src/openai/index.js'
import { BODIES } from '../throttling/bodies.js'
import { closing, content, done, inStreamErrors, opening, usage } from '../support/chat-events.js'
import { Feed, FakeFetch, json, type FakeAnswer, type Sent } from '../support/fake-fetch.js'
import { cases } from '../support/long.js'
import { SEED } from '../support/runs.js'
import { seeded } from '../support/seeded.js'
import { settlePromises, VirtualClock } from '../support/virtual-clock.js'
import { completion, messages } from './setup.js'

const CALLS = cases(750, 10_000)
/** How many calls run at once. */
const WAVE = 250

/**
 * A service with every kind of trouble: refusals, server errors, dropped sockets, and streams that stall or break off.
 */
class Trouble {
  readonly service: FakeFetch
  readonly #clock: VirtualClock
  readonly #random: () => number

  constructor(clock: VirtualClock, random: () => number) {
    this.#clock = clock
    this.#random = random
    this.service = new FakeFetch([(sent) => this.#answer(sent)])
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!
  }

  async #answer(sent: Sent): Promise<Response> {
    await this.#wait(this.#random() * 300, sent.signal)
    const fate = this.#random()
    if (fate < 0.03) {
      return json(this.#pick(refusals), 429)(sent)
    }
    if (fate < 0.06) throw new TypeError('fetch failed')
    if (fate < 0.08) return json({ error: { message: 'oops' } }, this.#pick([500, 502, 503, 408]))(sent)
    if (fate < 0.09) return json({ error: { message: 'no' } }, this.#pick([400, 401, 404]))(sent)
    return sent.body['stream'] === true ? this.#stream(sent) : json(completion)(sent)
  }

  #stream(sent: Sent): Response | Promise<Response> {
    const feed = new Feed()
    const answer: FakeAnswer = feed.answer()
    const response = answer(sent)
    void this.#feed(feed, sent.signal)
    return response
  }

  async #feed(feed: Feed, signal: AbortSignal | undefined): Promise<void> {
    const end = this.#random()
    const count = Math.floor(this.#random() * 8)
    const pieces = [opening, ...Array.from({ length: count }, () => content('word ')), closing, usage + done]
    const cut = end < 0.2 ? Math.floor(this.#random() * pieces.length) : pieces.length
    try {
      for (const piece of pieces.slice(0, cut)) {
        feed.push(piece)
        if (this.#random() < 0.5) await this.#wait(this.#random() * 100, signal)
      }
      if (cut === pieces.length) feed.end()
      else if (end < 0.1) feed.fail(new TypeError('terminated'))
      else if (end < 0.15) {
        feed.push(this.#pick(Object.values(inStreamErrors)))
        feed.end()
      } else {
        // The stream stalls until its reader gives up.
        await this.#wait(20_000, signal)
        feed.fail(new TypeError('terminated'))
      }
    } catch {
      // The reader is gone.
    }
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#clock.clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = this.#clock.setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      if (signal?.aborted === true) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

/** Temporary refusals of the classes requests, tokens and surge, in several forms. */
const refusals = [BODIES[1], BODIES[2], BODIES[3], BODIES[4], BODIES[6]]

describe('many calls, a third of them aborted and a third of them interrupted streams, with refusals and dropped sockets', () => {
  it('each end once and settle once, and leave no timer, listener or charge behind', async () => {
    const random = seeded(SEED)
    const clock = new VirtualClock()
    const { service } = new Trouble(clock, random)
    const limiter = createLimiter({
      clock,
      random,
      limits: {
        'qwen-plus': { rpm: 6000, tpm: 10_000_000 },
        'qwen-flash': { rpm: 12_000, tpm: 10_000_000, concurrency: 40 },
      },
      fallback: { 'qwen-plus': ['qwen-flash'], 'qwen-flash': ['qwen-plus'] },
    })
    const seen: AbortSignal[] = []
    const watched: Limiter = {
      ...limiter,
      fetch: (input, init) => {
        if (init?.signal) seen.push(init.signal)
        return limiter.fetch(input, init)
      },
    }
    const client = limitOpenAI(
      new OpenAI({
        apiKey: 'any',
        baseURL: 'https://dashscope-intl.aliyuncs.com/v1',
        fetch: service.fetch,
        timeout: 15_000,
      }),
      watched,
    )
    const counts = { admitted: 0, settled: 0, throttled: 0, moved: 0 }
    limiter.on('admit', () => counts.admitted++)
    limiter.on('settle', () => counts.settled++)
    limiter.on('throttled', () => counts.throttled++)
    limiter.on('fallback', () => counts.moved++)
    const endings: Record<string, number> = {}
    const end = (kind: string): void => {
      endings[kind] = (endings[kind] ?? 0) + 1
    }

    const call = async (index: number): Promise<void> => {
      const model = index % 2 === 0 ? 'qwen-plus' : 'qwen-flash'
      const controller = new AbortController()
      const timer = index % 3 === 1 ? clock.setTimeout(() => controller.abort(), random() * 4000) : undefined
      try {
        if (index % 3 === 2) {
          const limit = Math.floor(random() * 6)
          let read = 0
          for await (const _ of await client.chat.completions.create({ model, messages, stream: true })) {
            if (++read > limit) break
          }
          end(read > limit ? 'broken off' : 'read in full')
          return
        }
        await client.chat.completions.create({ model, messages }, { signal: controller.signal })
        end('answered')
      } catch (error) {
        end((error as Error).constructor.name)
      } finally {
        clock.clearTimeout(timer)
      }
    }

    for (let from = 0; from < CALLS; from += WAVE) {
      const left = { calls: WAVE }
      for (let index = from; index < from + WAVE; index++) void call(index).finally(() => left.calls--)
      for (let steps = 0; left.calls > 0 && steps < 20_000; steps++) await clock.advance(50)
      expect(left.calls).toBe(0)
    }
    await limiter.drain()
    await settlePromises()

    expect(Object.values(endings).reduce((sum, count) => sum + count, 0)).toBe(CALLS)
    // Each kind of trouble occurred, so the checks below mean something.
    for (const kind of ['answered', 'broken off', 'read in full', 'APIUserAbortError', 'NotFoundError', 'TypeError']) {
      expect(endings[kind] ?? 0, kind).toBeGreaterThan(CALLS / 500)
    }
    expect(counts.throttled).toBeGreaterThan(CALLS / 200)
    expect(counts.moved).toBeGreaterThan(CALLS / 200)
    expect(counts.settled).toBe(counts.admitted)
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0, doubleSettles: 0 })
    for (const signal of seen) expect(getEventListeners(signal, 'abort')).toEqual([])
    await clock.advance(30_000)
    // The fake body has one listener of its own.
    for (const { signal } of service.sent) expect(getEventListeners(signal!, 'abort').length).toBeLessThanOrEqual(1)
    expect(clock.pending).toBe(0)
    await clock.advance(24 * 3_600_000)
    for (const { windows } of Object.values(limiter.stats().models)) {
      for (const { used } of windows) expect(used).toBe(0)
    }
  })
})
