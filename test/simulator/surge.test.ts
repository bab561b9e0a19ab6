import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SurgeDetector } from '../../src/simulator/metering/surge-detector.js'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'
import { runs } from '../support/runs.js'

const model = 'qwen-plus'

describe('the surge detector', () => {
  it('admits exactly the requests that a brute-force count admits', () => {
    const options = fc.record({
      windowMs: fc.constantFrom(100, 250),
      baselineMs: fc.constantFrom(500, 1000),
      factor: fc.constantFrom(0.5, 2, 4),
      minimum: fc.nat(5),
      measures: fc.constantFrom('requests' as const, 'tokens' as const),
      countsRejected: fc.boolean(),
    })
    const steps = fc.array(fc.record({ waitMs: fc.constantFrom(0, 1, 20, 99, 100, 101, 400), tokens: fc.nat(4) }), {
      minLength: 10,
      maxLength: 120,
    })
    fc.assert(
      fc.property(options, steps, (options, steps) => {
        const detector = new SurgeDetector(options)
        const log: { at: number; amount: number }[] = []
        let now = 0
        for (const { waitMs, tokens } of steps) {
          now += waitMs
          const amount = options.measures === 'tokens' ? tokens : 1
          const between = (from: number, to: number): number =>
            log.reduce((sum, one) => sum + (one.at > from && one.at <= to ? one.amount : 0), 0)
          const start = now - options.windowMs
          const recent = between(start, now)
          const baseline = between(start - options.baselineMs, start)
          const allowed = Math.max(options.minimum, (options.factor * baseline * options.windowMs) / options.baselineMs)
          const expected = recent === 0 || recent + amount <= allowed
          expect(detector.admits(tokens, now)).toBe(expected)
          detector.record(tokens, now, expected)
          if (expected || options.countsRejected) log.push({ at: now, amount })
        }
      }),
      runs(300),
    )
  })

  it('still counts exactly after 80,000 requests', () => {
    const detector = new SurgeDetector({
      windowMs: 1000,
      baselineMs: 10_000,
      factor: 2,
      minimum: 5000,
      measures: 'requests',
      countsRejected: false,
    })
    let refused = 0
    for (let now = 0; now < 20_000; now += 0.25) {
      const admitted = detector.admits(1, now)
      if (!admitted) refused += 1
      detector.record(1, now, admitted)
    }
    expect(refused).toBe(0)
  })

  it('refuses a sudden burst below RPM and TPM with limit_burst_rate, and recovers', async () => {
    const clock = new ManualClock()
    const limits = { [model]: { rpm: 6000, tpm: 1e7 } }
    const { simulator, client } = await simulate({ clock, limits, surge: { windowMs: 1000, minimum: 5 } })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    for (let i = 0; i < 5; i += 1) await ask()
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code, refusal.type]).toEqual([429, 'limit_burst_rate', 'limit_burst_rate'])
    expect(simulator.ledger().entries.at(-1)).toMatchObject({ refusal: 'surge', status: 429 })
    clock.advance(1000)
    await ask()
    expect(simulator.ledger().models[model]?.refused).toMatchObject({ surge: 1, rpm: 0 })
  })

  it('admits a rate that rises slowly', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      clock,
      limits: { [model]: {} },
      surge: { windowMs: 1000, baselineMs: 4000, factor: 4, minimum: 2 },
    })
    for (const rate of [2, 2, 2, 2, 4, 6, 8, 10, 12, 14, 16, 24]) {
      const calls = Array.from({ length: rate }, () => client.chat.completions.create({ model, messages }))
      await Promise.all(calls)
      clock.advance(1000)
    }
    expect(simulator.ledger().models[model]?.refused.surge).toBe(0)
    clock.advance(100_000)
    const burst = Array.from({ length: 24 }, () => client.chat.completions.create({ model, messages }))
    await Promise.allSettled(burst)
    expect(simulator.ledger().models[model]?.refused.surge).toBe(22)
  })

  it('lets an idle model begin with half of its even rate, by its current limits', async () => {
    const clock = new ManualClock()
    const limits = { [model]: { rpm: 1200 }, small: { rpm: 60 }, free: {} }
    const { simulator, client } = await simulate({ clock, limits, perSecond: false, surge: { windowMs: 1000 } })
    const burst = async (name: string): Promise<number> => {
      const calls = Array.from({ length: 30 }, () => client.chat.completions.create({ model: name, messages }))
      return (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length
    }
    expect([await burst(model), await burst('small'), await burst('free')]).toEqual([10, 10, 10])
    clock.advance(100_000)
    simulator.setLimits(model, { rpm: 2400 })
    expect(await burst(model)).toBe(20)
    const tokens = await simulate({
      clock,
      limits: { [model]: { tpm: 600_000 } },
      perSecond: false,
      surge: { measures: 'tokens' },
    })
    const content = 'word'.repeat(9_990)
    const ask = (): Promise<unknown> =>
      tokens.client.chat.completions.create({ model, messages: [{ role: 'user', content }] })
    for (let i = 0; i < 2; i += 1) await ask()
    expect((await refusalOf(ask())).code).toBe('limit_burst_rate')
  })
})
