import { array, assert, double, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { LimitEstimator } from '../../src/learning/limit-estimator.js'

const WINDOW_MS = 60_000
const STEP_MS = 250

/** A service whose limit is `there(now)` of what was told, saturated by a client that uses all that is in force. */
function saturate(there: (now: number) => number, untilMs: number, ceiling = 1) {
  const found = new LimitEstimator(WINDOW_MS, ceiling)
  found.begin(0)
  const refusedAt: number[] = []
  const shares: { now: number; share: number }[] = []
  /** What was used in each step of the last window: a sliding log. */
  const log: number[] = []
  for (let now = 0; now < untilMs; now += STEP_MS) {
    while (log.length >= WINDOW_MS / STEP_MS) log.shift()
    const used = log.reduce((sum, each) => sum + each, 0)
    const evenly = (found.share * STEP_MS) / WINDOW_MS
    const wanted = Math.min(found.share - used, 2 * evenly)
    if (wanted > 0 && used + wanted > there(now) + 1e-9) {
      refusedAt.push(now)
      found.refused({ minute: used, second: used }, true, now)
      log.push(0)
    } else {
      log.push(Math.max(0, wanted))
      found.served()
      if (now >= found.reviewAt) found.review(used, now)
    }
    shares.push({ now, share: found.share })
  }
  const shareAt = (now: number) => shares.findLast((each) => each.now <= now)!.share
  return { found, refusedAt, shareAt }
}

const MINUTE = 60_000

describe('what refusals tell of a limit', () => {
  test('none: all that was told stays in force', () => {
    const { refusedAt, shareAt } = saturate(() => 1, 60 * MINUTE)
    expect(refusedAt).toEqual([])
    expect(shareAt(60 * MINUTE)).toBe(1)
  })

  test('halved while it was used to the full: one refusal until it is found, then a try for more every five minutes', () => {
    const { refusedAt, shareAt } = saturate((now) => (now < 10 * MINUTE ? 1 : 0.5), 40 * MINUTE)
    expect(refusedAt.filter((at) => at < 11 * MINUTE)).toHaveLength(1)
    expect(refusedAt.length).toBeLessThanOrEqual(8)
    expect(shareAt(10.5 * MINUTE)).toBe(0.5)
    for (const minute of [14, 20, 30, 39]) {
      expect(shareAt(minute * MINUTE)).toBeGreaterThan(0.45)
      expect(shareAt(minute * MINUTE)).toBeLessThan(0.55)
    }
  })

  test('a limit that is restored is in force again within ten minutes, whenever that is', () => {
    for (const back of [20, 21, 22, 23, 24, 25, 33]) {
      const { shareAt } = saturate((now) => (now >= 10 * MINUTE && now < back * MINUTE ? 0.5 : 1), (back + 10) * MINUTE)
      expect(shareAt((back + 10) * MINUTE)).toBe(1)
    }
  })

  test('a limit that was lower from the beginning is told by what was used when it was refused', () => {
    const { refusedAt, shareAt } = saturate(() => 0.6, 90_000)
    expect(refusedAt).toHaveLength(1)
    expect(shareAt(90_000)).toBeCloseTo(0.6, 1)
  })

  test('one refusal that means nothing costs two minutes once, and nothing for half an hour', () => {
    const strays = [10 * MINUTE, 15 * MINUTE, 25 * MINUTE]
    const isStray = (now: number) => strays.length > 0 && now >= strays[0]! && strays.shift() !== undefined
    const { refusedAt, shareAt } = saturate((now) => (isStray(now) ? 0 : 1), 40 * MINUTE)
    expect(refusedAt).toHaveLength(3)
    expect(shareAt(10.5 * MINUTE)).toBe(0.5)
    for (const minute of [13, 15.5, 20, 25.5, 39]) expect(shareAt(minute * MINUTE)).toBe(1)
  })

  test('more than was told is tried only where that is allowed', () => {
    expect(saturate(() => 3, 40 * MINUTE).shareAt(40 * MINUTE)).toBe(1)
    const { shareAt } = saturate(() => 3, 40 * MINUTE, Infinity)
    expect(shareAt(40 * MINUTE)).toBeGreaterThan(2.7)
  })

  test('of costs that are only expected, few refusals among many successes mean nothing, many do', () => {
    const found = new LimitEstimator(WINDOW_MS, 1)
    const used = { minute: 1, second: 1 }
    for (let i = 0; i < 50; i++) {
      expect(found.refused(used, false, 1000 * i)).toBe(false)
      for (let served = 0; served < 10; served++) found.served()
    }
    expect(found.share).toBe(1)
    const cuts = [1, 2, 3, 4, 5, 6].map((i) => found.refused(used, false, 60_000 + i))
    expect(cuts).toEqual([false, false, false, false, false, true])
    expect(found.share).toBe(0.5)
  })

  test('a try for more that is refused as it reaches all of it does not go back to where it began', () => {
    const { shareAt } = saturate((now) => (now < 15 * MINUTE ? 0.11041666566666666 : 0.9943898749757744), 30 * MINUTE)
    expect(shareAt(25 * MINUTE)).toBeGreaterThan(0.9)
  })

  test('whatever the limit does, the share is found: never far above it for long, and never given up', () => {
    const history = array(double({ min: 0.1, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 })
    assert(
      property(history, (levels) => {
        const phaseMs = 15 * MINUTE
        const there = (now: number) => levels[Math.min(Math.floor(now / phaseMs), levels.length - 1)]!
        const { shareAt } = saturate(there, levels.length * phaseMs)
        levels.forEach((level, phase) => {
          const share = shareAt((phase + 1) * phaseMs - STEP_MS)
          expect(share).toBeLessThan(level * 1.3 + 0.02)
          expect(share).toBeGreaterThan(level * 0.4)
        })
      }),
      runs(cases(12, 60)),
    )
  })
})
