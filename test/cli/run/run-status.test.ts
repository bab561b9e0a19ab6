import { describe, expect, it } from 'vitest'
import { noCounts } from '../../../src/batch/run/run-counts.js'
import { StatusKeeper } from '../../../src/cli/run/run-status.js'
import type { Stats } from '../../../src/metrics/stats.js'

/** One model at so many requests a minute, and how full the minute is. */
const statsOf = (rpm: number, used: number, calls = 100): Stats =>
  ({
    models: {
      m: {
        calls,
        averageTpm: 5000,
        limits: { rpm, rps: rpm / 60 },
        windows: [{ limit: 'rpm', used, effective: rpm }],
      },
    },
    networkJitter: { ms: 0 },
  }) as unknown as Stats
const counts = (done: number, total: number) => ({ ...noCounts(total), succeeded: done, waiting: total - done })

describe('the status of a run', () => {
  it('says what binds: a limit that is nearly full, else what may be in flight', () => {
    const keeper = new StatusKeeper({ concurrency: 10, now: 0 })
    expect(keeper.status(counts(50, 100), statsOf(600, 590), 10_000)).toMatchObject({ bound: 'rpm', rpm: 600 })
    expect(keeper.status(counts(50, 100), statsOf(600, 100), 10_000).bound).toBeUndefined()
    expect(keeper.status({ ...counts(50, 100), inFlight: 10 }, statsOf(600, 100), 10_000).bound).toBe('concurrency')
  })

  it('adds up what answers cost, and expects the same of those to come', () => {
    const prices = {
      m: { input: 1, output: 10, thinkingOutput: 40, currency: 'USD' },
      yuan: { input: 1, output: 10, currency: 'CNY' },
    }
    const keeper = new StatusKeeper({ prices, concurrency: 10, now: 0 })
    const status = () => keeper.status(counts(3, 9), statsOf(600, 0), 1000)
    expect(status()).toMatchObject({ cost: undefined, expectedCost: undefined })
    keeper.answered('m', { inputTokens: 1e6, outputTokens: 1e5 })
    keeper.answered('m', { inputTokens: 1e6, outputTokens: 1e5, thinkingTokens: 5e4 })
    expect(status()).toMatchObject({ cost: 2 + 5, expectedCost: 7 + 6 * 3.5, currency: 'USD', unpriced: 0 })
    keeper.answered('yuan', { inputTokens: 1e6, outputTokens: 1e6 })
    keeper.answered('unknown', { inputTokens: 1e6, outputTokens: 1e6 })
    // Half of the answers to come will have a price.
    expect(status()).toMatchObject({ cost: 7, expectedCost: 7 + 3 * 3.5, unpriced: 2 })
  })

  it('knows the time left in a slow start, whose end may be a moment late', () => {
    let isRamping = true
    const ramp = { share: 0.5, ms: 40_000 }
    const keeper = new StatusKeeper({ concurrency: 10, now: 0, ramp, isRamping: () => isRamping })
    keeper.began(0)
    // 20 s at five a second, the rest at ten.
    expect(keeper.status(counts(100, 1000), statsOf(300, 0), 20_000).leftMs).toBeCloseTo(20_000 + 80_000, -2)
    expect(keeper.status(counts(200, 1000), statsOf(300, 0), 40_010).leftMs).toBeCloseTo(80_000, -2)
    isRamping = false
    expect(keeper.status(counts(200, 1000), statsOf(600, 0), 40_020).leftMs).toBeCloseTo(80_000, -2)
  })
})
