import { describe, expect, test } from 'vitest'
import { NetworkJitterEstimator } from '../../src/learning/network-jitter-estimator.js'
import { seeded } from '../support/seeded.js'

/** Feeds `count` delays, drawn by `delay`, and tells what J came to. */
function feed(
  estimator: NetworkJitterEstimator,
  count: number,
  delay: (i: number) => number,
  offsetMs = 1.7e12,
): number {
  for (let i = 0; i < count; i++) estimator.observe(i * 100, i * 100 + offsetMs + delay(i))
  return estimator.networkJitterMs
}

describe('NetworkJitterEstimator', () => {
  test('assumes what it is told, until it knows enough', () => {
    const estimator = new NetworkJitterEstimator(50)
    const random = seeded(1)
    expect(feed(estimator, 200, () => 20 + 10 * random())).toBe(50)
    expect(estimator.hasLearned).toBe(false)
  })

  test.each([1, 2, 3])(
    'comes down to the spread of the delays and a quarter, whatever the offset (seed %d)',
    (seed) => {
      const random = seeded(seed)
      for (const offsetMs of [0, -5e6, 1.7e12]) {
        const estimator = new NetworkJitterEstimator(50)
        const learned = feed(estimator, 600, () => 80 + 20 * random(), offsetMs)
        expect(estimator.hasLearned).toBe(true)
        expect(learned).toBeGreaterThanOrEqual(20)
        expect(learned).toBeLessThanOrEqual(26)
      }
    },
  )

  test('never below what a program stalls for now and then', () => {
    expect(feed(new NetworkJitterEstimator(50), 600, () => 30)).toBe(25)
  })

  test('goes up as soon as more is seen than by accident', () => {
    const estimator = new NetworkJitterEstimator(50)
    const random = seeded(4)
    feed(estimator, 20, () => 20 * random())
    expect(feed(estimator, 10, () => 150 + 20 * random())).toBeGreaterThanOrEqual(150)
  })

  test('one or two accidents are none of its business', () => {
    const estimator = new NetworkJitterEstimator(50)
    const random = seeded(5)
    expect(feed(estimator, 512, (i) => (i === 40 || i === 90 ? 900 : 20 * random()))).toBeLessThanOrEqual(26)
  })

  test('learns nothing from clocks that differ, nor from what is no time', () => {
    const estimator = new NetworkJitterEstimator(50)
    expect(feed(estimator, 600, (i) => (i % 2) * 30_000)).toBe(50)
    expect([estimator.observe(1, Number.NaN), estimator.observe(1, Infinity)]).toEqual([false, false])
  })

  test('says whether J was learned, also where what was learned is what was assumed', () => {
    const estimator = new NetworkJitterEstimator(50)
    feed(estimator, 256, () => 0)
    expect([estimator.networkJitterMs, estimator.origin]).toEqual([25, 'learned'])
    feed(estimator, 40, (i) => (i % 2) * 40)
    expect([estimator.networkJitterMs, estimator.origin]).toEqual([50, 'learned'])
    expect(new NetworkJitterEstimator(50).origin).toBe('default')
  })

  test('forgets what is long past', () => {
    const estimator = new NetworkJitterEstimator(50)
    const random = seeded(6)
    feed(estimator, 300, () => 200 * random())
    expect(estimator.networkJitterMs).toBeGreaterThan(180)
    expect(feed(estimator, 800, () => 30 * random())).toBeLessThanOrEqual(38)
  })
})
