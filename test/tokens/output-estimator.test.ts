import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_OUTPUT_TOKENS, OutputEstimator, RESERVED_QUANTILE } from '../../src/tokens/output-estimator.js'
import type { Route } from '../../src/types.js'
import { seeded } from '../support/seeded.js'
import { runs } from '../support/runs.js'

const ROUTES: readonly Route[] = ['chat', 'completions', 'embeddings', 'responses']

function observed(lengths: readonly number[], maxOutputTokens?: number): OutputEstimator {
  const estimator = new OutputEstimator()
  for (const length of lengths) estimator.observe('qwen-plus', 'chat', maxOutputTokens, length)
  return estimator
}

describe('the expected output', () => {
  it('is the default before the first answer, but at most the cap', () => {
    const estimator = new OutputEstimator()
    expect(estimator.expect('qwen-plus', 'chat', undefined)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(estimator.expect('qwen-plus', 'chat', 4096)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(estimator.expect('qwen-plus', 'chat', 16)).toBe(16)
    expect(estimator.expect('qwen-plus', 'chat', 0)).toBe(0)
    expect(estimator.expect('qwen-plus', 'embeddings', undefined)).toBe(0)
  })

  it('converges to the mean of the answers', () => {
    const lengths = Array.from({ length: 500 }, (_, index) => 900 + (index % 2) * 200)
    const expected = observed(lengths).expect('qwen-plus', 'chat', undefined)
    expect(Math.abs(expected - 1000)).toBeLessThan(10)
  })

  it('follows a change of the answers within 200 of them', () => {
    const lengths = [...Array<number>(1000).fill(2000), ...Array<number>(200).fill(100)]
    const expected = observed(lengths).expect('qwen-plus', 'chat', undefined)
    expect(expected).toBeLessThan(200)
    expect(expected).toBeGreaterThanOrEqual(100)
  })

  it('hardly changes by one answer among many', () => {
    const expected = observed([...Array<number>(200).fill(100), 10_000]).expect('qwen-plus', 'chat', undefined)
    expect(expected).toBeLessThan(300)
  })

  it('is learned for each class of max_tokens, each model and each route on its own', () => {
    const estimator = observed(Array<number>(100).fill(2000), 4096)
    for (let i = 0; i < 100; i++) estimator.observe('qwen-plus', 'chat', 16, 4)
    expect(estimator.expect('qwen-plus', 'chat', 16)).toBeLessThan(8)
    expect(estimator.expect('qwen-plus', 'chat', 4096)).toBeGreaterThan(1900)
    expect(estimator.expect('qwen-plus', 'chat', 5000)).toBeGreaterThan(1900)
    expect(estimator.expect('qwen-plus', 'responses', 4096)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(estimator.expect('qwen-flash', 'chat', 4096)).toBe(DEFAULT_OUTPUT_TOKENS)
  })

  it('is that of the model and route for a class without answers', () => {
    const estimator = observed(Array<number>(300).fill(40), 4096)
    expect(estimator.expect('qwen-plus', 'chat', undefined)).toBeLessThan(50)
    expect(estimator.expect('qwen-plus', 'chat', 128)).toBeLessThan(50)
    expect(estimator.expect('qwen-plus', 'chat', 10)).toBe(10)
  })

  it('never exceeds the cap', () => {
    const estimator = observed([1500, 1900, 1700], 2000)
    expect(estimator.expect('qwen-plus', 'chat', 1100)).toBe(1100)
  })

  it('ignores lengths that are not numbers of tokens', () => {
    const estimator = observed([NaN, -1, Infinity])
    expect(estimator.expect('qwen-plus', 'chat', undefined)).toBe(DEFAULT_OUTPUT_TOKENS)
  })

  it('is remembered for a bounded number of models; the one unused for longest is forgotten', () => {
    const estimator = new OutputEstimator()
    for (let i = 0; i < 50; i++) estimator.observe('busy', 'chat', undefined, 10)
    for (let i = 0; i < 50; i++) estimator.observe('idle', 'chat', undefined, 10)
    for (let i = 0; i < 2000; i++) {
      estimator.observe(`model-${i}`, 'chat', undefined, 10)
      estimator.observe('busy', 'chat', undefined, 10)
    }
    expect(estimator.expect('busy', 'chat', undefined)).toBeLessThan(20)
    expect(estimator.expect('idle', 'chat', undefined)).toBe(DEFAULT_OUTPUT_TOKENS)
  })

  it('is an integer from 0 to the cap for all lengths', () => {
    const cap = fc.option(fc.oneof(fc.nat(), fc.double()), { nil: undefined })
    const answer = fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...ROUTES), cap, fc.oneof(fc.nat(), fc.double()))
    fc.assert(
      fc.property(fc.array(answer), answer, (answers, [model, route, maxOutputTokens]) => {
        const estimator = new OutputEstimator()
        for (const seen of answers) estimator.observe(...seen)
        const expected = estimator.expect(model, route, maxOutputTokens)
        expect(expected).toBeGreaterThanOrEqual(0)
        expect(Number.isInteger(expected)).toBe(true)
        if (maxOutputTokens !== undefined && maxOutputTokens >= 0) expect(expected).toBeLessThanOrEqual(maxOutputTokens)
        if (route === 'embeddings') expect(expected).toBe(0)
      }),
      runs(),
    )
  })
})

describe('the reserved output', () => {
  const random = seeded(7)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  /** Lengths as a chat has them: half are below 200 tokens, one in twenty above 800. */
  const answer = () => Math.round(200 * Math.exp(0.85 * normal()))
  const reserveOf = (estimator: OutputEstimator, inFlight: number, choices = 1, maxOutputTokens?: number) =>
    estimator.reserve('qwen-plus', 'chat', maxOutputTokens, choices, inFlight)

  it('is the default for each choice before the first answer, but at most the cap', () => {
    const estimator = new OutputEstimator()
    expect(reserveOf(estimator, 0)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(reserveOf(estimator, 50)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(reserveOf(estimator, 0, 3, 16)).toBe(48)
    expect(estimator.reserve('qwen-plus', 'embeddings', undefined, 1, 0)).toBe(0)
  })

  it('is the quantile of the answers for a request that is alone', () => {
    const estimator = observed(Array.from({ length: 1000 }, (_, index) => 10 * ((index * 37) % 100)))
    expect(Math.abs(reserveOf(estimator, 0) - 1000 * RESERVED_QUANTILE)).toBeLessThan(80)
  })

  it('falls towards the mean as more requests are in flight', () => {
    const estimator = observed(Array.from({ length: 1000 }, (_, index) => 10 * ((index * 37) % 100)))
    const reserved = [0, 1, 3, 9, 99, 999].map((inFlight) => reserveOf(estimator, inFlight))
    expect(reserved).toEqual(reserved.toSorted((a, b) => b - a))
    const mean = estimator.expect('qwen-plus', 'chat', undefined)
    expect(reserved.at(-1)! - mean).toBeLessThan(15)
    expect(reserved.at(-1)!).toBeGreaterThanOrEqual(mean)
  })

  it('contains a margin that all requests in flight share, which grows with the root of their number', () => {
    const estimator = observed(Array.from({ length: 1000 }, (_, index) => 10 * ((index * 37) % 100)))
    const mean = estimator.expect('qwen-plus', 'chat', undefined)
    const margin = (count: number) => count * (reserveOf(estimator, count - 1) - mean)
    expect(margin(400) / margin(100)).toBeGreaterThan(1.5)
    expect(margin(400) / margin(100)).toBeLessThan(3)
  })

  it('is the same for several choices as for as many requests', () => {
    const estimator = observed(Array.from({ length: 1000 }, (_, index) => 10 * ((index * 37) % 100)))
    expect(reserveOf(estimator, 0, 4)).toBe(4 * reserveOf(estimator, 3))
  })

  it.each([1, 4, 20, 60])(
    'covers the usage of all requests in flight about as often as the quantile says, with %i at a time',
    (count) => {
      const estimator = observed(Array.from({ length: 300 }, answer))
      let covered = 0
      const turns = 4000
      const open: { reserved: number; used: number }[] = []
      for (let turn = 0; turn < turns; turn++) {
        if (open.length === count) {
          const [ended] = open.splice(Math.floor(random() * count), 1)
          estimator.observe('qwen-plus', 'chat', undefined, ended!.used)
        }
        while (open.length < count) open.push({ reserved: reserveOf(estimator, open.length), used: answer() })
        const sum = (of: 'reserved' | 'used') => open.reduce((total, each) => total + each[of], 0)
        if (sum('used') <= sum('reserved')) covered++
      }
      expect(covered / turns).toBeGreaterThan(RESERVED_QUANTILE - 0.1)
      expect(covered / turns).toBeLessThan(RESERVED_QUANTILE + 0.1)
    },
  )

  it('is not spoiled by one wrong usage', () => {
    const estimator = observed([...Array<number>(200).fill(100), 10_000_000])
    for (const inFlight of [0, 10, 100]) expect(reserveOf(estimator, inFlight)).toBeLessThan(300)
  })

  it('is an integer from the expected output to the cap for all lengths', () => {
    const cap = fc.option(fc.oneof(fc.nat(), fc.double()), { nil: undefined })
    const seen = fc.tuple(fc.constant('qwen-plus'), fc.constantFrom(...ROUTES), cap, fc.oneof(fc.nat(), fc.double()))
    fc.assert(
      fc.property(fc.array(seen), cap, fc.nat(10_000), (answers, maxOutputTokens, inFlight) => {
        const estimator = new OutputEstimator()
        for (const each of answers) estimator.observe(...each)
        const reserved = reserveOf(estimator, inFlight, 1, maxOutputTokens)
        expect(Number.isInteger(reserved)).toBe(true)
        expect(reserved).toBeGreaterThanOrEqual(estimator.expect('qwen-plus', 'chat', maxOutputTokens))
        if (maxOutputTokens !== undefined && maxOutputTokens >= 0) expect(reserved).toBeLessThanOrEqual(maxOutputTokens)
      }),
      runs(),
    )
  })
})

describe('lengthsOf', () => {
  it('is undefined before the first answer', () => {
    const estimator = new OutputEstimator()
    estimator.observe('qwen-plus', 'embeddings', undefined, 5)
    expect(estimator.lengthsOf('qwen-plus')).toBeUndefined()
  })

  it("covers all routes and classes, and the error is that of each class's own expectation", () => {
    const estimator = new OutputEstimator()
    for (let i = 0; i < 400; i++) {
      estimator.observe('qwen-plus', 'chat', 4096, 1000)
      estimator.observe('qwen-plus', 'responses', 16, 10)
    }
    const { mean, p50, p95, error } = estimator.lengthsOf('qwen-plus')!
    expect(Math.abs(mean - 505)).toBeLessThan(10)
    expect(p50).toBe(10)
    expect(Math.abs(p95 - 1000)).toBeLessThan(60)
    expect(error).toBeLessThan(0.01)
  })
})
