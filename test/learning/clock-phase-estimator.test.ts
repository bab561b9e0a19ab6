import { describe, expect, test } from 'vitest'
import { ClockPhaseEstimator } from '../../src/learning/clock-phase-estimator.js'
import { seeded } from '../support/seeded.js'

const OFFSET = 1.79e12 + 123.4
const JITTER = 50

/** Feeds `count` arrivals, 100 ms apart from `from` on, each `delay` after it was sent; heard 500 ms later. */
function feed(
  estimator: ClockPhaseEstimator,
  count: number,
  delay: (i: number) => number,
  from = 0,
  networkJitterMs = JITTER,
) {
  let changes = 0
  for (let i = 0; i < count; i++) {
    const sentAt = from + i * 100
    if (estimator.observe(sentAt, Math.floor(sentAt + OFFSET + delay(i)), networkJitterMs, sentAt + 500)) changes++
  }
  return changes
}

describe('ClockPhaseEstimator', () => {
  test('knows nothing before it has heard of eight', () => {
    const estimator = new ClockPhaseEstimator()
    expect(feed(estimator, 7, () => 20)).toBe(0)
    expect(estimator.at(1200)).toBeUndefined()
    expect(feed(estimator, 1, () => 20, 700)).toBe(1)
    expect(estimator.at(1200)).toBeDefined()
  })

  test.each([1, 2, 3, 4, 5])('bounds all delays there may be, little wider than J (seed %d)', (seed) => {
    const random = seeded(seed)
    const estimator = new ClockPhaseEstimator()
    for (let from = 0; from < 100_000; from += 1200) {
      feed(estimator, 12, () => 20 + JITTER * random(), from)
      const { fromMs, toMs } = estimator.at(from + 1700)!
      expect(fromMs).toBeLessThan(OFFSET + 20)
      expect(toMs).toBeGreaterThan(OFFSET + 20 + JITTER)
      expect(toMs - fromMs).toBeLessThan(2 * JITTER + 42)
    }
    const { fromMs, toMs } = estimator.at(100_000)!
    expect(toMs - fromMs).toBeLessThan(1.2 * JITTER + 42)
  })

  test('one or two that came late are accidents; one that came early is not', () => {
    const random = seeded(6)
    const estimator = new ClockPhaseEstimator()
    feed(estimator, 64, (i) => (i === 20 || i === 30 ? 400 : 20 + JITTER * random()))
    expect(estimator.at(6900)!.toMs).toBeLessThan(OFFSET + 20 + 2 * JITTER + 22)
    expect(estimator.observe(6400, OFFSET + 6400 - 40, JITTER, 6900)).toBe(true)
    expect(estimator.at(6900)).toBeUndefined()
  })

  test('knows nothing while arrivals lie further apart than J, and what it knows is wider with a larger one', () => {
    const random = seeded(7)
    const estimator = new ClockPhaseEstimator()
    const delay = () => 20 + 200 * random()
    feed(estimator, 64, delay)
    expect(estimator.at(6900)).toBeUndefined()
    feed(estimator, 1, delay, 6400, 250)
    const { fromMs, toMs } = estimator.at(6900)!
    expect(fromMs).toBeLessThan(OFFSET + 20)
    expect(toMs).toBeGreaterThan(OFFSET + 220)
  })

  test('is told as soon as J is larger, and anew every ten seconds', () => {
    const estimator = new ClockPhaseEstimator()
    const before = feed(estimator, 50, () => 30)
    expect(before).toBe(1)
    const { fromMs } = estimator.at(5500)!
    expect(feed(estimator, 1, () => 30, 5000, 80)).toBe(1)
    expect(estimator.at(5500)!.fromMs).toBe(fromMs - 30)
    expect(feed(estimator, 200, () => 30, 5100, 80)).toBe(2)
  })

  test('forgets: a minute without anything new, and what was sent two minutes ago', () => {
    const estimator = new ClockPhaseEstimator()
    feed(estimator, 20, () => 30)
    expect(estimator.at(60_000)).toBeDefined()
    expect(estimator.at(62_000)).toBeUndefined()
    // Another clock by now; the first seven of it say nothing.
    feed(estimator, 7, () => 5000, 150_000)
    expect(estimator.at(151_000)).toBeUndefined()
    feed(estimator, 1, () => 5000, 150_700)
    expect(estimator.at(151_200)!.fromMs).toBeGreaterThan(OFFSET + 4900)
  })

  test.each([-50e-6, 50e-6])('follows clocks that drift apart (%d)', (drift) => {
    const random = seeded(8)
    const estimator = new ClockPhaseEstimator()
    for (let from = 0; from < 600_000; from += 10_000) {
      feed(estimator, 3, (i) => 20 + JITTER * random() + (from + i * 100) * drift, from)
      if (from < 60_000) continue
      for (const at of [from + 700, from + 10_000]) {
        const { fromMs, toMs } = estimator.at(at)!
        expect(fromMs).toBeLessThan(OFFSET + 20 + at * drift)
        expect(toMs).toBeGreaterThan(OFFSET + 20 + JITTER + at * drift)
      }
    }
  })

  test('passes over what is no time', () => {
    const estimator = new ClockPhaseEstimator()
    feed(estimator, 20, () => 30)
    expect([estimator.observe(1, Number.NaN, 50, 2500), estimator.observe(1, Infinity, 50, 2500)]).toEqual([
      false,
      false,
    ])
    expect(estimator.at(2500)).toBeDefined()
  })
})
