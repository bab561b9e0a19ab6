import { describe, expect, test } from 'vitest'
import { Collector } from '../../src/metrics/collector.js'

const HOUR = 3_600_000

describe('the counts of a collector', () => {
  test('are zero before the first request, and nothing is measured', () => {
    expect(new Collector().report(60_000, 123)).toEqual({
      calls: 0,
      failures: 0,
      failureRate: 0,
      throttled: { requests: 0, tokens: 0, surge: 0, capacity: 0, exhausted: 0, billing: 0 },
      overflowed: 0,
      averageRpm: 0,
      averageTpm: 0,
      timeToFirstTokenMs: undefined,
      latencyMs: undefined,
    })
  })

  test('are the calls, the failures and their rate, the 429s by class, and the tokens', () => {
    const collector = new Collector()
    for (let i = 0; i < 8; i++) collector.call(1000)
    collector.failure(1500)
    collector.failure(1600)
    collector.throttled('tokens', 1500)
    collector.throttled('billing', 1600)
    collector.tokens(500, 2000)
    collector.tokens(700, 2000)
    expect(collector.report(Infinity, 61_000)).toMatchObject({
      calls: 8,
      failures: 2,
      failureRate: 0.25,
      throttled: { requests: 0, tokens: 1, surge: 0, capacity: 0, exhausted: 0, billing: 1 },
      averageRpm: 8,
      averageTpm: 1200,
    })
  })

  test('cover the span that was asked for, in steps of 5 s, and an hour at most', () => {
    const collector = new Collector()
    for (let second = 0; second < 2 * HOUR; second += 1000) collector.call(second)
    const now = 2 * HOUR - 1
    expect(collector.report(0, now).calls).toBe(5)
    expect(collector.report(10_000, now).calls).toBe(15)
    expect(collector.report(60_000, now).calls).toBe(65)
    expect(collector.report(HOUR, now).calls).toBe(3600)
    expect(collector.report(Infinity, now).calls).toBe(3600)
  })

  test('contain nothing from before an idle hour', () => {
    const collector = new Collector()
    collector.call(10_000)
    collector.answered(50, 20, 10_000)
    const report = collector.report(Infinity, 10_000 + 2 * HOUR)
    expect(report).toMatchObject({ calls: 0, averageRpm: 0, latencyMs: undefined, timeToFirstTokenMs: undefined })
    collector.call(10_000 + 2 * HOUR)
    expect(collector.report(Infinity, 10_000 + 2 * HOUR).calls).toBe(1)
  })

  test('are right for a clock that starts below 0', () => {
    const collector = new Collector()
    collector.call(-12_345)
    collector.call(2)
    expect(collector.report(60_000, 10).calls).toBe(2)
  })
})

describe('the averages of a collector', () => {
  test.each([0, 1, 1234, 4999, 5000, 7777])('equal a steady rate, %s ms into a slot', (offset) => {
    const collector = new Collector()
    const now = 20 * 60_000 + offset
    for (let at = 0; at <= now; at += 100) {
      collector.call(at)
      collector.tokens(30, at)
    }
    for (const lastMs of [10_000, 60_000, 300_000, Infinity]) {
      const { averageRpm, averageTpm } = collector.report(lastMs, now)
      expect(averageRpm).toBeGreaterThan(594)
      expect(averageRpm).toBeLessThan(610)
      expect(averageTpm / averageRpm).toBeCloseTo(30)
    }
  })

  test('are taken since the first call if the span begins earlier, and over at least a second', () => {
    const collector = new Collector()
    for (let i = 0; i < 10; i++) collector.call(100_000 + i)
    expect(collector.report(Infinity, 100_009).averageRpm).toBe(600)
    expect(collector.report(Infinity, 110_000).averageRpm).toBeCloseTo(60, 1)
  })

  test('of the last hour are not lowered by the hours before', () => {
    const collector = new Collector()
    for (let at = 0; at < 5 * HOUR; at += 1000) collector.call(at)
    expect(collector.report(Infinity, 5 * HOUR).averageRpm).toBeCloseTo(60, 0)
  })
})

describe('the distributions of a collector', () => {
  test('of one measurement have that value throughout', () => {
    const collector = new Collector()
    collector.answered(120, 30, 0)
    expect(collector.report(Infinity, 1)).toMatchObject({
      latencyMs: { p50: 120, p95: 120, mean: 120 },
      timeToFirstTokenMs: { p50: 30, p95: 30, mean: 30 },
    })
  })

  test('of a hundred measurements are right whatever their order', () => {
    const collector = new Collector()
    for (let i = 0; i < 100; i++) collector.answered(((i * 37) % 100) + 1, undefined, i)
    const { latencyMs, timeToFirstTokenMs } = collector.report(Infinity, 100)
    expect(latencyMs!.p50).toBeGreaterThanOrEqual(50)
    expect(latencyMs!.p50).toBeLessThanOrEqual(51)
    expect(latencyMs!.p95).toBeGreaterThanOrEqual(95)
    expect(latencyMs!.p95).toBeLessThanOrEqual(96)
    expect(latencyMs!.mean).toBe(50.5)
    expect(timeToFirstTokenMs).toBeUndefined()
  })

  test('contain only measurements of the span', () => {
    const collector = new Collector()
    collector.answered(1000, undefined, 0)
    collector.answered(10, undefined, 100_000)
    expect(collector.report(60_000, 120_000).latencyMs).toEqual({ p50: 10, p95: 10, mean: 10 })
    expect(collector.report(Infinity, 120_000).latencyMs!.mean).toBe(505)
  })

  test('contain the newest thousand measurements or so, in a fixed amount of memory', () => {
    const collector = new Collector()
    for (let i = 0; i < 5000; i++) collector.answered(i < 3000 ? 9999 : 5, undefined, i)
    expect(collector.report(Infinity, 5000).latencyMs).toEqual({ p50: 5, p95: 5, mean: 5 })
  })
})
