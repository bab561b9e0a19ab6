import { describe, expect, test } from 'vitest'
import type { PlannedRequest } from '../../../src/batch/plan/expect-request.js'
import { familyOf, versionsOf } from '../../../src/batch/plan/model-family.js'
import { planBatch, type PlanOptions } from '../../../src/batch/plan/plan-batch.js'
import { builtInTables } from '../../../src/limits/index.js'
import { resolveLimits } from '../../../src/limits/resolve-limits.js'
import type { LimitsTable } from '../../../src/types.js'

const request = (inputTokens: number, more: Partial<PlannedRequest> = {}): PlannedRequest => ({
  model: undefined,
  inputTokens,
  outputTokens: 20,
  outputBasis: 'default',
  thinks: false,
  ...more,
})
const many = (count: number, inputTokens = 100, more: Partial<PlannedRequest> = {}) =>
  Array.from({ length: count }, () => request(inputTokens, more))
const inTable =
  (table: LimitsTable): PlanOptions['limitsOf'] =>
  (model) =>
    resolveLimits(model, { table })

const TABLE: LimitsTable = {
  'a-latest': { rpm: 60, tpm: 100_000 },
  'a-2025-01-25': { rpm: 60, tpm: 100_000 },
  'a-0125': { rpm: 120, tpm: 100_000 },
  a: { rpm: 600, tpm: 1_000_000 },
  'a-us': { rpm: 6000, tpm: 1_000_000 },
  b: { rpm: 600, tpm: 1_000_000 },
  old: { rpm: 0, tpm: 0 },
}
const PRICES = {
  a: { input: 1, output: 10, currency: 'USD' },
  b: { input: 3, output: 30, currency: 'USD' },
  c: { input: 3, output: 30, currency: 'CNY' },
}
const options = (more: Partial<PlanOptions> = {}): PlanOptions => ({
  limitsOf: inTable(TABLE),
  prices: PRICES,
  knownModels: Object.keys(TABLE),
  ...more,
})
const one = (requests: Iterable<PlannedRequest>, more: Partial<PlanOptions> = {}) =>
  planBatch(requests, options({ models: ['a'], ...more })).models[0]!

describe('a plan for a model', () => {
  test('1,319 requests at 600 a minute', () => {
    const plan = one(many(1319))
    expect(plan.minutes).toBeCloseTo(2.308, 3)
    expect(plan.binding).toBe('rps')
    expect(plan.usedShare).toBeCloseTo(0.952, 3)
    expect(plan.passes).toMatchObject({ requests: 1319, inputTokens: 131_900, outputTokens: 26_380 })
    expect(plan.limits.rpm).toBe(600)
    expect(plan.minutesByLimit.rpm).toBeCloseTo(1319 / 600, 2)
  })

  test('costs what its tokens do, and half in a batch', () => {
    const plan = one(many(1000, 900, { outputTokens: 100 }))
    expect(plan.cost).toMatchObject({ known: true, amount: 0.9 + 1, currency: 'USD' })
    expect(plan.batch).toMatchObject({ cost: { amount: 0.95 }, files: 1, windowHours: 24 })
  })

  test('takes a file for each 50,000 lines of a batch', () => {
    expect(one(many(50_000, 1)).batch.files).toBe(1)
    expect(one(many(50_001, 1)).batch.files).toBe(2)
  })

  test('says where a price is not known, and never 0', () => {
    const plan = one(many(10), { prices: {} })
    expect(plan.cost).toEqual({ known: false, why: "no price of 'a' is known" })
    expect(plan.batch.cost.known).toBe(false)
    expect(one(many(10), { prices: undefined }).cost.known).toBe(false)
  })

  test('tells what outputs are expected from', () => {
    const requests = [...many(3, 5, { outputBasis: 'max_tokens' }), ...many(2, 5, { outputBasis: 'given' })]
    expect(one(requests).passes.outputBasis).toEqual({ given: 2, max_tokens: 3, default: 0, none: 0 })
  })

  test('counts answers that think', () => {
    const plan = one([...many(3), ...many(2, 5, { thinks: true })])
    expect(plan.passes.thinkingOutputTokens).toBe(40)
  })

  test('leaves out what can never pass, and says by which limit', () => {
    const plan = one([...many(10), request(1_000_001), request(2_000_000)])
    expect(plan.neverPass).toEqual({ requests: 2, byLimit: { tpm: 2 } })
    expect(plan.passes).toMatchObject({ requests: 10, inputTokens: 1000 })
    expect(plan.cost).toMatchObject({ amount: (1000 + 2000) / 1e6 })
    // Paid for in a batch, where the limit does not hold.
    expect(plan.batch.cost).toMatchObject({ amount: (3_001_001 + 240 * 10) / 2e6 })
  })

  test('has no time where nothing passes', () => {
    const plan = one(many(2, 2_000_000))
    expect(plan).toMatchObject({ minutes: undefined, binding: undefined, usedShare: undefined })
    expect(plan.cost).toEqual({ known: false, why: "'a' takes none of the requests" })
  })

  test('knows a retired model', () => {
    const plan = one(many(5), { models: ['old'] })
    expect(plan).toMatchObject({ isRetired: true, minutes: undefined, passes: { requests: 0 } })
    expect(plan.neverPass.requests).toBe(0)
  })

  test('of nothing is nothing', () => {
    const plan = one([])
    expect(plan).toMatchObject({ minutes: 0, binding: undefined, cost: { amount: 0 } })
    expect(one([], { fallback: { a: ['b'] } }).chain).toMatchObject({ minutes: 0, cost: { amount: 0 } })
  })

  test('without limits takes no time', () => {
    const unlimited = (model: string) => resolveLimits(model, { table: {}, unknownModel: 'unlimited' })
    expect(one(many(5), { limitsOf: unlimited })).toMatchObject({ minutes: 0, usedShare: undefined })
  })

  test('takes the spread and the profile that it is given', () => {
    expect(one(many(600), { networkJitterMs: 200 }).minutes).toBeCloseTo(1.2, 6)
  })
})

describe('which models', () => {
  test('each request for the model that it names', () => {
    const requests = [...many(3, 5, { model: 'a' }), ...many(2, 5, { model: 'b' }), ...many(4)]
    const plan = planBatch(requests, options())
    expect(plan.models.map(({ model, passes }) => [model, passes.requests])).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    expect(plan.withoutModel).toBe(4)
  })

  test('all requests for each that is asked for, read once', () => {
    const requests = [...many(3, 5, { model: 'a' }), ...many(2, 5)].values()
    const plan = planBatch(requests, options({ models: ['b', 'a'] }))
    expect(plan.models.map(({ model, passes }) => [model, passes.requests])).toEqual([
      ['b', 5],
      ['a', 5],
    ])
    expect(plan.withoutModel).toBe(0)
  })
})

describe('other versions', () => {
  test.each([
    ['qwen-plus', 'qwen-plus'],
    ['qwen-plus-latest', 'qwen-plus'],
    ['qwen-plus-2025-12-01', 'qwen-plus'],
    ['qwen-max-0125', 'qwen-max'],
    ['qwen3-max-preview', 'qwen3-max'],
    ['qwen-plus-us', 'qwen-plus-us'],
    ['qwen3-30b-a3b', 'qwen3-30b-a3b'],
    ['text-embedding-v4', 'text-embedding-v4'],
  ])('%s is of the family %s', (model, family) => {
    expect(familyOf(model)).toBe(family)
  })

  test('are those of the family in the table', () => {
    const models = Object.keys(builtInTables['model-studio/singapore'])
    expect(versionsOf('qwen-plus-2025-07-28', models)).toContain('qwen-plus')
    expect(versionsOf('qwen-plus-2025-07-28', models)).toContain('qwen-plus-latest')
    expect(versionsOf('qwen-plus', models)).not.toContain('qwen-plus')
    expect(versionsOf('qwen-plus', models)).not.toContain('qwen3.5-plus')
  })

  test('are named where they are faster, the fastest first', () => {
    const plan = one(many(600), { models: ['a-latest'] })
    expect(plan.minutes).toBeCloseTo(10.5, 6)
    expect(plan.fasterVersions.map(({ model }) => model)).toEqual(['a', 'a-0125'])
    expect(plan.fasterVersions[0]!.minutes).toBeCloseTo(1.05, 6)
    expect(plan.fasterVersions[0]!.cost).toMatchObject({ known: true })
    expect(plan.fasterVersions[1]!.cost).toMatchObject({ known: false })
    expect(one(many(600)).fasterVersions).toEqual([])
  })

  test('are named where they take what this one cannot, though later', () => {
    const limitsOf = inTable({ m: { rpm: 600, tpm: 1000 }, 'm-latest': { rpm: 60, tpm: 100_000 } })
    const requests = [...many(5), request(5000)]
    const plan = one(requests, { models: ['m'], limitsOf, knownModels: ['m', 'm-latest'] })
    expect(plan.fasterVersions.map(({ model }) => model)).toEqual(['m-latest'])
  })
})

describe('a slow start', () => {
  const ramp = { share: 0.45, ms: 45_000 }

  test('costs what the limiter does not send in it', () => {
    const [usual, slow] = [one(many(1319)), one(many(1319), { ramp })]
    // Four a second in place of ten.
    expect(slow.minutes! - usual.minutes!).toBeCloseTo(0.75 * 0.6, 3)
    expect(slow.rampMinutes).toBeCloseTo(0.45, 3)
    expect(usual.rampMinutes).toBe(0)
  })

  test('is all there is for a few requests', () => {
    expect(one(many(40), { ramp }).minutes).toBeCloseTo((10 * 1.05) / 60, 3)
  })

  test('costs nothing where requests do not bind, or are few', () => {
    expect(one(many(100, 30_000), { ramp }).rampMinutes).toBe(0)
    expect(one(many(100), { models: ['a-0125'], ramp }).rampMinutes).toBe(0)
  })
})

describe('a chain', () => {
  test('adds up the rates of its models', () => {
    const { chain } = one(many(1200), { models: ['a-latest'], fallback: { 'a-latest': ['a', 'b'] } })
    // 60, 600 and 600 a minute.
    expect(chain!.minutes).toBeCloseTo((1200 / 1260) * 1.05, 6)
    expect(chain!.links.map(({ share }) => share)).toEqual(
      [60 / 1260, 600 / 1260, 600 / 1260].map((s) => expect.closeTo(s, 9)),
    )
    expect(chain!.cost).toEqual({ known: false, why: "no price of 'a-latest' is known" })
  })

  test('costs what its models cost, by their shares', () => {
    const { chain, cost } = one(many(1200), { fallback: { a: ['b', 'a'] } })
    expect(chain!.links).toHaveLength(2)
    expect(cost.known && chain!.cost.known && chain!.cost.amount / cost.amount).toBeCloseTo(2, 9)
  })

  test('has no cost in several currencies', () => {
    const limitsOf = inTable({ ...TABLE, c: { rpm: 600, tpm: 1000 } })
    const { chain } = one(many(10), { limitsOf, fallback: { a: ['c'] } })
    expect(chain!.cost).toEqual({ known: false, why: 'prices are in USD and in CNY' })
  })

  test('takes what one of its models takes, and goes round a retired one', () => {
    const requests = [...many(60), request(200_000), request(2_000_000)]
    const { chain, neverPass } = one(requests, { models: ['a-latest'], fallback: { 'a-latest': ['old', 'b'] } })
    expect(neverPass.requests).toBe(2)
    expect(chain).toMatchObject({ neverPass: 1 })
    expect(chain!.links.map(({ model }) => model)).toEqual(['a-latest', 'b'])
  })

  test('is none without backups', () => {
    expect(one(many(5)).chain).toBeUndefined()
    expect(one(many(5), { fallback: { b: ['a'] } }).chain).toBeUndefined()
    expect(one(many(5), { fallback: { a: ['a'] } }).chain).toBeUndefined()
  })

  test('takes no time with a model that has no limits', () => {
    const limitsOf = (model: string) => resolveLimits(model, { table: { a: TABLE['a']! }, unknownModel: 'unlimited' })
    const { chain } = one(many(600), { limitsOf, fallback: { a: ['b'] } })
    expect(chain).toMatchObject({ minutes: 0, links: [{ model: 'b', share: 1 }] })
  })
})
