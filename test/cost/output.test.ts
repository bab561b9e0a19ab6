import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_OUTPUT_TOKENS, OutputEstimator } from '../../src/cost/output.js'
import type { Route } from '../../src/types.js'

const ROUTES: readonly Route[] = ['chat', 'completions', 'embeddings', 'responses']

function observed(lengths: readonly number[], maxOutputTokens?: number): OutputEstimator {
  const estimator = new OutputEstimator()
  for (const length of lengths) estimator.observe('qwen-plus', 'chat', maxOutputTokens, length)
  return estimator
}

describe('OutputEstimator', () => {
  it('expects the default before any answer, capped', () => {
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

  it('forgets: after 200 answers of another length, that is what it expects', () => {
    const lengths = [...Array<number>(1000).fill(2000), ...Array<number>(200).fill(100)]
    const expected = observed(lengths).expect('qwen-plus', 'chat', undefined)
    expect(expected).toBeLessThan(200)
    expect(expected).toBeGreaterThanOrEqual(100)
  })

  it('is not led by one answer once it has seen many', () => {
    const expected = observed([...Array<number>(200).fill(100), 10_000]).expect('qwen-plus', 'chat', undefined)
    expect(expected).toBeLessThan(300)
  })

  it('learns each class of max_tokens apart, and each model and route', () => {
    const estimator = observed(Array<number>(100).fill(2000), 4096)
    for (let i = 0; i < 100; i++) estimator.observe('qwen-plus', 'chat', 16, 4)
    expect(estimator.expect('qwen-plus', 'chat', 16)).toBeLessThan(8)
    expect(estimator.expect('qwen-plus', 'chat', 4096)).toBeGreaterThan(1900)
    expect(estimator.expect('qwen-plus', 'chat', 5000)).toBeGreaterThan(1900)
    expect(estimator.expect('qwen-plus', 'responses', 4096)).toBe(DEFAULT_OUTPUT_TOKENS)
    expect(estimator.expect('qwen-flash', 'chat', 4096)).toBe(DEFAULT_OUTPUT_TOKENS)
  })

  it('falls back from a class without answers to the model and route', () => {
    const estimator = observed(Array<number>(300).fill(40), 4096)
    expect(estimator.expect('qwen-plus', 'chat', undefined)).toBeLessThan(50)
    expect(estimator.expect('qwen-plus', 'chat', 128)).toBeLessThan(50)
    expect(estimator.expect('qwen-plus', 'chat', 10)).toBe(10)
  })

  it('never expects more than the cap', () => {
    const estimator = observed([1500, 1900, 1700], 2000)
    expect(estimator.expect('qwen-plus', 'chat', 1100)).toBe(1100)
  })

  it('passes over lengths that are not numbers of tokens', () => {
    const estimator = observed([NaN, -1, Infinity])
    expect(estimator.expect('qwen-plus', 'chat', undefined)).toBe(DEFAULT_OUTPUT_TOKENS)
  })

  it('holds a bounded number of models, and drops the one unused for longest', () => {
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

  it('expects an integer from 0 to the cap, whatever it has seen', () => {
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
    )
  })
})
