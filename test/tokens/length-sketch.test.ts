import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LengthSketch, MEMORY } from '../../src/tokens/length-sketch.js'
import { seeded } from '../support/seeded.js'
import { runs } from '../support/runs.js'

const QUANTILE = 0.7

function sketchOf(lengths: readonly number[], expected = 256): LengthSketch {
  const sketch = new LengthSketch(expected, QUANTILE)
  for (const length of lengths) sketch.add(length, sketch.mean)
  return sketch
}

/** Log-normal lengths, half of them below `median`. */
function logNormal(count: number, median: number, sigma: number, seed = 1): number[] {
  const random = seeded(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, () => Math.round(median * Math.exp(sigma * normal())))
}

describe('LengthSketch', () => {
  it('has the given mean and no quantiles before the first answer', () => {
    const sketch = sketchOf([], 300)
    expect([sketch.mean, sketch.quantile(0.5), sketch.atQuantile, sketch.deviation]).toEqual([300, 0, 0, 0])
  })

  it('knows short lengths exactly', () => {
    const sketch = sketchOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 15])
    expect([0, 0.1, 0.5, 0.9, 1].map((share) => sketch.quantile(share))).toEqual([0, 0, 4, 8, 15])
  })

  it('knows every length to within a sixteenth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 }), (length) => {
        const told = sketchOf([length], length).quantile(0.5)
        expect(Math.abs(told - length)).toBeLessThanOrEqual(length / 16)
      }),
      runs(),
    )
  })

  it('has the quantiles of a sorted list of the newest answers, to within a step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4000), { minLength: 1, maxLength: MEMORY }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (lengths, share) => {
          const told = sketchOf(lengths, 4000).quantile(share)
          const sorted = lengths.toSorted((a, b) => a - b)
          const near = [-1, 0, 1].map(
            (by) => sorted[Math.min(Math.max(Math.ceil(share * lengths.length) - 1 + by, 0), lengths.length - 1)]!,
          )
          expect(near.some((length) => Math.abs(told - length) <= length / 16)).toBe(true)
        },
      ),
      runs(),
    )
  })

  it('has the quantiles and the deviation of log-normal lengths', () => {
    const sketch = sketchOf(logNormal(5000, 200, 0.5))
    expect(sketch.quantile(0.5) / 200).toBeCloseTo(1, 0)
    expect(sketch.atQuantile / (200 * Math.exp(0.5 * 0.5244))).toBeCloseTo(1, 0)
    expect(sketch.deviation).toBeGreaterThan(80)
    expect(sketch.deviation).toBeLessThan(150)
  })

  it('forgets: about a third of the old answers counts after 64 new ones, and nothing after 500', () => {
    const old = Array<number>(1000).fill(2000)
    expect(sketchOf([...old, ...Array<number>(64).fill(10)]).quantile(0.6)).toBe(10)
    expect(sketchOf([...old, ...Array<number>(64).fill(10)]).quantile(0.68)).toBeGreaterThan(1800)
    const renewed = sketchOf([...old, ...Array<number>(500).fill(10)])
    expect(renewed.quantile(0.99)).toBe(10)
    expect(renewed.deviation).toBeCloseTo(0, 1)
  })

  it('is not spoiled by one wrong usage', () => {
    const sketch = sketchOf([...logNormal(200, 100, 0.2), 10_000_000])
    for (let i = 0; i < 8; i++) sketch.add(100, 100)
    expect(sketch.mean).toBeLessThan(150)
    expect(sketch.atQuantile).toBeLessThan(150)
    expect(sketch.deviation).toBeLessThan(50)
    expect(sketch.error).toBeLessThan(0.5)
  })

  it('knows the error of the expectation', () => {
    const exact = sketchOf(Array<number>(300).fill(50), 50)
    expect(exact.error).toBe(0)
    const swings = sketchOf(Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? 50 : 150)))
    expect(swings.error).toBeGreaterThan(0.45)
    expect(swings.error).toBeLessThan(0.55)
    expect(sketchOf(Array<number>(500).fill(0)).error).toBeLessThan(1)
  })

  it('stays exact for a million answers', () => {
    const sketch = sketchOf(Array.from({ length: 1_000_000 }, (_, i) => 100 + (i % 3) * 100))
    expect(Math.abs(sketch.mean - 200)).toBeLessThan(5)
    expect(Math.abs(sketch.quantile(0.5) - 200)).toBeLessThanOrEqual(200 / 16)
  })

  it('has finite values for all lengths', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }))),
        (lengths) => {
          const sketch = sketchOf(lengths)
          for (const value of [sketch.mean, sketch.atQuantile, sketch.deviation, sketch.error, sketch.quantile(1)]) {
            expect(value).toBeGreaterThanOrEqual(0)
            expect(value).toBeLessThan(Infinity)
          }
        },
      ),
      runs(),
    )
  })
})
