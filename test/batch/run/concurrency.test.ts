import { describe, expect, it, onTestFinished } from 'vitest'
import { runBatch } from '../../../src/batch/index.js'
import { createLimiter } from '../../../src/limiter.js'
import type { LimiterOptions } from '../../../src/options/limiter-options.js'
import { FakeFetch, json, later } from '../../support/fake-fetch.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const MINUTE_MS = 60_000

/** A run without end, in virtual time; `answerMs`: how long each answer takes. */
function endless(answerMs: number, options: LimiterOptions, concurrency?: number) {
  const clock = new VirtualClock()
  const limiter = createLimiter({ clock, networkJitterMs: 0, ...options })
  const fake = new FakeFetch([later(clock, answerMs, json({ choices: [] }))])
  const seen = { read: 0, done: 0, mostOnTheirWay: 0 }
  function* input(): Generator<object> {
    for (;;) {
      seen.read++
      seen.mostOnTheirWay = Math.max(seen.mostOnTheirWay, seen.read - seen.done)
      yield { prompt: 'x' }
    }
  }
  const batch = runBatch({ input: input(), limiter, model: 'm', fetch: fake.fetch, concurrency })
  const running = (async () => {
    for await (const { ok } of batch) {
      expect(ok).toBe(true)
      seen.done++
    }
  })()
  onTestFinished(async () => {
    batch.stop()
    await clock.run(answerMs)
    await running
    await limiter.close({ abandon: true })
  })
  return { clock, fake, seen }
}

const limited = (rpm: number): LimiterOptions => ({ limits: { m: { rpm } } })
/** One more is read before it is known that no place is free, and one waits for a place. */
const atMost = (lines: number): number => lines + 2

describe('how many lines are on their way', () => {
  it('as many as the quota needs, where answers take long', async () => {
    const { clock, fake, seen } = endless(30_000, limited(1200))
    await clock.advance(4 * MINUTE_MS)
    const before = fake.sent.length
    await clock.advance(2 * MINUTE_MS)
    expect((fake.sent.length - before) / 2).toBeGreaterThan(1180)
    expect((fake.sent.length - before) / 2).toBeLessThanOrEqual(1200)
    // The quota needs 600 of them.
    expect(seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(1024))
  })

  it('no more than at first, where lines wait for the limits', async () => {
    const { clock, fake, seen } = endless(10_000, limited(1200))
    await clock.advance(3 * MINUTE_MS)
    expect(fake.sent.length).toBeGreaterThan(3000)
    expect(seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(256))
  })

  it('no more than at first, where no limit could bind or nothing was answered yet', async () => {
    const unlimited = endless(30_000, { limits: {}, unknownModel: 'unlimited' })
    await unlimited.clock.advance(3 * MINUTE_MS)
    expect(unlimited.seen.done).toBeGreaterThan(1000)
    expect(unlimited.seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(256))
    const silent = endless(4 * MINUTE_MS, limited(60_000))
    await silent.clock.advance(3 * MINUTE_MS)
    expect(silent.seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(256))
  })

  it('4,096 at most, whatever the quota', async () => {
    const { clock, seen } = endless(30_000, limited(600_000))
    // Two rounds of answers, after which other lines take their places.
    await clock.advance(75_000)
    expect(seen.done).toBeGreaterThan(4096)
    expect(seen.mostOnTheirWay).toBeGreaterThan(4000)
    expect(seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(4096))
  })

  it('as many as are given, where a number is', async () => {
    const { clock, seen } = endless(30_000, limited(1200), 300)
    await clock.advance(3 * MINUTE_MS)
    expect(seen.mostOnTheirWay).toBeGreaterThanOrEqual(300)
    expect(seen.mostOnTheirWay).toBeLessThanOrEqual(atMost(300))
  })
})
