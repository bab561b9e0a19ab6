import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unitsName } from '../../../src/batch/plan/pay-by-units.js'
import { builtInDeploymentPrices } from '../../../src/batch/prices/built-in-prices.js'
import type { DeploymentPrices } from '../../../src/batch/prices/deployment-prices.js'
import { cheapestRanges, costAtScale, type ScaledCost } from '../../../src/batch/plan/cheapest-ranges.js'
import type { PaymentOptions, PaymentWay } from '../../../src/batch/plan/payment-way.js'
import { planPayment } from '../../../src/batch/plan/plan-payment.js'
import { InvalidRequest } from '../../../src/errors.js'
import { runs } from '../../support/runs.js'

const MODEL = 'qwen3.6-flash-2026-04-16'
const PRICES = { [MODEL]: { input: 1.2, output: 7.2, currency: 'CNY' } }
const LOAD = { inputTpm: 100_000, outputTpm: 20_000 }
const plan = (options: Partial<PaymentOptions> = {}) => planPayment({ model: MODEL, load: LOAD, ...options })
const of = (way: PaymentWay, options: Partial<PaymentOptions> = {}) =>
  plan(options).payments.find((payment) => payment.way === way)!

describe('what each way costs', () => {
  test('provisioned by the hour: hours × Σ price × tokens a minute', () => {
    const { amount, reserves } = of('provisioned-hour', { hours: 8, days: 5 })
    expect(amount).toBeCloseTo(8 * 5 * (10 * 2.88 + 20 * 1.73), 6)
    expect(reserves).toEqual({ inputTpm: 100_000, outputTpm: 20_000, thinkingOutputTpm: 0 })
  })

  test('provisioned by the day: whole days, whatever the hours', () => {
    const amount = 5 * (10 * 34.56 + 20 * 20.74)
    expect(of('provisioned-day', { hours: 8, days: 5 }).amount).toBeCloseTo(amount, 6)
    expect(of('provisioned-day', { hours: 24, days: 5 }).amount).toBeCloseTo(amount, 6)
  })

  test('thinking output at its own price, where it has one', () => {
    const load = { requestsPerMinute: 10, inputTokens: 0, outputTokens: 300, thinkingOutputTokens: 100 }
    const own = of('provisioned-hour', { model: 'qwen-plus-2025-12-01', load, hours: 1, days: 1 })
    expect(own.amount).toBeCloseTo(2 * 0.48 + 1 * 1.92, 9)
    expect(own.notes.join()).toContain('code interpreter')
    expect(of('provisioned-hour', { load, hours: 1, days: 1 }).amount).toBeCloseTo(3 * 1.73, 9)
  })

  test('pay-as-you-go: its tokens', () => {
    const { amount } = of('pay-as-you-go', { prices: PRICES, hours: 2, days: 3 })
    expect(amount).toBeCloseTo(6 * 60 * (0.1 * 1.2 + 0.02 * 7.2), 9)
  })

  test('units: hours or months × the price of a replica', () => {
    const units = { unit: 'MU1', count: 2, hour: 108, month: 52_236 }
    const known = { replicaTpm: 50_000 }
    expect(of('units-hour', { ...known, hours: 8, days: 5 })).toMatchObject({
      units,
      replicas: 3,
      amount: 3 * 40 * 108,
    })
    expect(of('units-month', { ...known, days: 30 })).toMatchObject({ replicas: 3, amount: 3 * 52_236 })
    expect(of('units-month', { ...known, days: 31 }).amount).toBe(6 * 52_236)
  })

  test('units left early: a fifth more a day, while that is less than the month', () => {
    const early = of('units-month', { replicaTpm: 1e6, days: 10 })
    expect(early.amount).toBeCloseTo((1.2 * 10 * 52_236) / 30, 6)
    expect(early.leavesEarly).toBe(true)
    expect(of('units-month', { replicaTpm: 1e6, days: 25 })).toMatchObject({ amount: 52_236, leavesEarly: false })
    expect(of('units-month', { replicaTpm: 1e6, days: 29 })).toMatchObject({ amount: 52_236, leavesEarly: false })
  })

  test('every make-up of units is there, with its own throughput where that is known', () => {
    const load = { inputTpm: 9000, outputTpm: 1000 }
    const replicaTpm = { 'MU1 x 4': 6000 }
    const { payments } = planPayment({ model: 'qwen3-32b', load, replicaTpm, hours: 1, days: 1 })
    const hourly = payments.filter(({ way }) => way === 'units-hour')
    expect(hourly.map((each) => [unitsName(each.units!), each.amount, each.isComparable])).toEqual([
      ['MU1 x 4', 432, true],
      ['MU6 x 4', 100, false],
    ])
    expect(hourly[1]!.notes).toEqual(['how many tokens a minute one replica serves is not known'])
    expect(unitsName(builtInDeploymentPrices.modelUnits['glm-5']![0]!)).toBe('MU3 x 16 pd-separated')
  })

  test('a tuned model: its tokens by the thousand, or units', () => {
    const load = { requestsPerMinute: 10, inputTokens: 1000, outputTokens: 300, thinkingOutputTokens: 100 }
    const { payments } = planPayment({ model: 'qwen3-8b', isTuned: true, load, hours: 1, days: 1 })
    expect(payments.map(({ way }) => way)).toContain('units-hour')
    expect(payments.map(({ way }) => way)).not.toContain('pay-as-you-go')
    const { amount } = payments.find(({ way }) => way === 'tuned-tokens')!
    expect(amount).toBeCloseTo((60 * (10_000 * 0.0005 + 2000 * 0.002 + 1000 * 0.005)) / 1000, 9)
  })
})

describe('what is not to be had or not known', () => {
  test('has no amount, and says why', () => {
    const { payments, cheapest, byLoad } = planPayment({ model: 'qwen-plus', load: LOAD })
    expect(payments.map(({ way, amount, notes }) => [way, amount, notes.join()])).toEqual([
      ['pay-as-you-go', undefined, "no pay-as-you-go price of 'qwen-plus' is known"],
      ['provisioned-hour', undefined, "'qwen-plus' is not sold as provisioned throughput"],
      ['provisioned-day', undefined, "'qwen-plus' is not sold as provisioned throughput"],
      ['units-hour', undefined, "'qwen-plus' is not sold on model units"],
      ['units-month', undefined, "'qwen-plus' is not sold on model units"],
    ])
    expect(cheapest).toBeUndefined()
    expect(byLoad).toEqual([])
  })

  test('a price in another currency is not compared', () => {
    const prices = { [MODEL]: { input: 1, output: 1, currency: 'USD' } }
    expect(of('pay-as-you-go', { prices })).toMatchObject({ amount: undefined, isComparable: false })
    expect(of('pay-as-you-go', { prices }).notes.join()).toContain('is in USD, those of deployments are in CNY')
  })

  test('models tuned from what is not sold so', () => {
    expect(of('tuned-tokens', { isTuned: true }).amount).toBeUndefined()
  })
})

describe('requests above the most input tokens', () => {
  const long = { inputTokens: 200_000, outputTokens: 1000 }
  const short = { inputTokens: 128_000, outputTokens: 1000 }
  const load = { requestsPerMinute: 4, requests: [short, long, short, short] }

  test('overflow, and are paid for by their tokens', () => {
    const payment = of('provisioned-hour', { load, prices: PRICES, hours: 1, days: 1 })
    expect(payment.overflowPerMinute).toBe(1)
    expect(payment.reserves).toEqual({ inputTpm: 384_000, outputTpm: 3000, thinkingOutputTpm: 0 })
    const reserved = 38.4 * 2.88 + 3 * 1.73
    expect(payment.amount).toBeCloseTo(reserved + 60 * (0.2 * 1.2 + 0.001 * 7.2), 6)
    expect(payment.notes.join()).toBe('requests above 128,000 input tokens are paid for by their tokens')
  })

  test('are said, and keep it out of the comparison, where their price is unknown', () => {
    const payment = of('provisioned-hour', { load })
    expect(payment.isComparable).toBe(false)
    expect(payment.notes.join()).toContain('which is not in the amount: no pay-as-you-go price')
  })

  test('are none where all fit; of tokens a minute nobody knows', () => {
    expect(of('provisioned-hour', { load: { requestsPerMinute: 1, ...short } }).overflowPerMinute).toBe(0)
    expect(of('provisioned-hour').overflowPerMinute).toBeUndefined()
    expect(of('provisioned-hour').notes.join()).toContain('requests above 128,000 input tokens would be')
  })
})

describe('the cheapest', () => {
  test('is the least of those that can be compared, and stands first', () => {
    const { cheapest, payments } = plan({ prices: PRICES, replicaTpm: 1000, hours: 24, days: 30 })
    const amounts = payments.map(({ amount }) => amount!)
    expect(amounts).toEqual([...amounts].sort((a, b) => a - b))
    expect(cheapest).toBe(payments[0])
    expect(cheapest!.way).toBe('pay-as-you-go')
  })

  test('a day in advance is cheaper from twelve hours on', () => {
    const cheaper = (hours: number) =>
      of('provisioned-day', { hours }).amount! < of('provisioned-hour', { hours }).amount!
    const { dayCheaperFromHours } = plan()
    expect(dayCheaperFromHours).toBeCloseTo(12, 1)
    expect(cheaper(dayCheaperFromHours! + 0.01)).toBe(true)
    expect(cheaper(dayCheaperFromHours! - 0.01)).toBe(false)
    expect(planPayment({ model: 'glm-5', load: LOAD }).dayCheaperFromHours).toBeUndefined()
  })

  test('goes from tokens to units where the load is large enough', () => {
    const { byLoad } = plan({ prices: PRICES, replicaTpm: 1e6, hours: 24, days: 30, upToScale: 100 })
    const aMinute = (0.1 * 1.2 + 0.02 * 7.2) * 60 * 24 * 30
    expect(byLoad.slice(0, 2).map(({ payment }) => payment.way)).toEqual(['pay-as-you-go', 'units-month'])
    expect(byLoad[0]!.toScale).toBeCloseTo(52_236 / aMinute, 6)
    expect(byLoad[0]!.toTpm).toBeCloseTo((120_000 * 52_236) / aMinute, 3)
    expect(byLoad.at(-1)!.toScale).toBe(100)
  })

  test('of each load is what a search over loads finds', () => {
    const figure = fc.double({ min: 0.01, max: 100, noNaN: true })
    fc.assert(
      fc.property(
        figure,
        figure,
        figure,
        figure,
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 70 }),
        (input, output, hour, month, hours, days) => {
          const deploymentPrices: DeploymentPrices = {
            currency: 'CNY',
            provisioned: {
              m: {
                maxInputTokens: 1000,
                hour: { inputPer10kTpm: input, outputPer1kTpm: output },
                day: { inputPer10kTpm: 10 * input, outputPer1kTpm: 13 * output },
              },
            },
            modelUnits: { m: [{ unit: 'MU1', count: 1, hour, month: 300 * month }] },
            tokens: {},
          }
          const prices = { m: { input: output, output: input, currency: 'CNY' } }
          const base = { model: 'm', hours, days, prices, deploymentPrices, replicaTpm: 40_000 }
          const at = (scale: number, upToScale: number) =>
            planPayment({ ...base, load: { inputTpm: 20_000 * scale, outputTpm: 4000 * scale }, upToScale })
          const { byLoad } = at(1, 5)
          expect(byLoad[0]!.fromScale).toBe(0)
          expect(byLoad.at(-1)!.toScale).toBe(5)
          for (let scale = 0.013; scale < 5; scale += 0.1007) {
            const range = byLoad.find(({ fromScale, toScale }) => scale > fromScale && scale <= toScale)!
            const there = at(scale, 5)
            const claimed = there.payments.find(({ way }) => way === range.payment.way)!
            expect(claimed.amount!).toBeCloseTo(there.cheapest!.amount!, 6)
          }
        },
      ),
      runs(40),
    )
  })
})

describe('cheapestRanges', () => {
  const cost = fc.record({
    perScale: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 10, noNaN: true })),
    perStep: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 10, noNaN: true })),
    stepScale: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.1, max: 5, noNaN: true })),
  })

  test('are the least of all costs everywhere, without gaps', () => {
    fc.assert(
      fc.property(fc.array(cost, { minLength: 1, maxLength: 5 }), (costs: ScaledCost[]) => {
        const ranges = cheapestRanges(costs, 10)
        expect(ranges[0]!.from).toBe(0)
        expect(ranges.at(-1)!.to).toBe(10)
        for (const [index, { from, to }] of ranges.entries()) {
          expect(to).toBeGreaterThan(from)
          if (index > 0) expect(from).toBe(ranges[index - 1]!.to)
          for (const part of [0.001, 0.25, 0.5, 0.75, 0.999]) {
            const scale = from + part * (to - from)
            const least = Math.min(...costs.map((each) => costAtScale(each, scale)))
            expect(costAtScale(costs[ranges[index]!.index]!, scale)).toBeLessThanOrEqual(least + 1e-6)
          }
        }
      }),
      runs(100),
    )
  })

  test('change where a search finds the least to change', () => {
    const costs = [
      { perScale: 2, perStep: 0, stepScale: Infinity },
      { perScale: 0, perStep: 3, stepScale: 2 },
    ]
    expect(cheapestRanges(costs, 6)).toEqual([
      { from: 0, to: 1.5, index: 0 },
      { from: 1.5, to: 2, index: 1 },
      { from: 2, to: 3, index: 0 },
      { from: 3, to: 4, index: 1 },
      { from: 4, to: 4.5, index: 0 },
      { from: 4.5, to: 6, index: 1 },
    ])
  })

  test('are none without costs, and end where there are too many steps', () => {
    expect(cheapestRanges([], 5)).toEqual([])
    expect(cheapestRanges([{ perScale: 0, perStep: 1, stepScale: 1e-6 }], 5).at(-1)!.to).toBeCloseTo(0.01, 9)
  })
})

describe('options that are wrong', () => {
  test.each([
    [{ hours: 0 }, 'hours is the number 0'],
    [{ hours: 25 }, 'hours is the number 25'],
    [{ days: 1.5 }, 'days is the number 1.5'],
    [{ days: 0 }, 'days is the number 0'],
    [{ upToScale: 0 }, 'upToScale is the number 0'],
    [{ replicaTpm: 0 }, 'replicaTpm of MU1 x 2 is the number 0'],
    [{ load: { inputTpm: -1, outputTpm: 0 } }, 'load.inputTpm is the number -1'],
    [{ load: { inputTpm: 1, outputTpm: 1, thinkingOutputTpm: 2 } }, 'load.thinkingOutputTpm is 2, above outputTpm'],
    [
      { load: { requestsPerMinute: Number.NaN, inputTokens: 1, outputTokens: 1 } },
      'load.requestsPerMinute is the number NaN',
    ],
    [{ load: { requestsPerMinute: 1, requests: [] } }, 'load.requests is empty'],
  ] as [Partial<PaymentOptions>, string][])('%j', (options, message) => {
    expect(() => plan(options)).toThrow(InvalidRequest)
    expect(() => plan(options)).toThrow(message)
  })
})
