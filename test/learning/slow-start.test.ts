import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlowStart, type SlowStartCut } from '../../src/learning/slow-start.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'

const LIMIT = 10

/** A ramp, with the times told in seconds. */
function ramped() {
  const ramp = new SlowStart()
  return {
    ramp,
    /** So many a second, evenly, from a time on, for so long. */
    send(perSecond: number, fromS: number, forS: number): void {
      for (let i = 0; i < perSecond * forS; i++) ramp.sent(1000 * fromS + (1000 * i) / perSecond)
    },
    refuse(count: number, sentAtS: number): void {
      for (let i = 0; i < count; i++) ramp.refused(1000 * sentAtS)
    },
    /** A cut; until when it holds, in s. */
    cut(atS: number, kind: SlowStartCut['class'] = 'surge', holdS = 1, limitPerSecond = LIMIT): number {
      const now = 1000 * atS
      return ramp.cut({ class: kind, holdUntil: now + 1000 * holdS, limitPerSecond, now }) / 1000
    },
    rate: (atS: number) => ramp.rate(1000 * atS),
  }
}

describe('a cut', () => {
  test('nothing is paced before one', () => {
    const { rate, send, ramp } = ramped()
    send(100, 0, 100)
    expect(rate(100)).toBeUndefined()
    expect(ramp.holds).toBe(false)
  })

  test('goes on at half of the rate of the last seconds', () => {
    const { send, cut, rate } = ramped()
    send(8, 0, 100)
    const until = cut(99.999)
    // By then three of the last five seconds were empty.
    expect(until).toBe(103)
    expect(rate(until)).toBe(4)
    expect(rate(until + 5)).toBeCloseTo(4 * 2 ** (5 / 30))
  })

  test('at half of the limit where it went above that', () => {
    const { send, cut, rate } = ramped()
    send(100, 0, 100)
    expect(rate(cut(99.999))).toBe(LIMIT / 2)
  })

  test('what was refused is no part of the rate, whenever that is heard', () => {
    const { send, refuse, cut, rate } = ramped()
    send(600, 100, 1)
    refuse(1, 100)
    const until = cut(100.999)
    expect(rate(until)).toBe(LIMIT / 2)
    refuse(579, 100)
    expect(rate(until)).toBe(2)
  })

  test('begins at an eighth of the limit where too little was sent, at one a second without a limit', () => {
    const known = ramped()
    known.send(1, 0, 3)
    expect(known.rate(known.cut(3))).toBe(LIMIT / 8)
    const unknown = ramped()
    expect(unknown.rate(unknown.cut(3, 'surge', 1, Infinity))).toBe(1)
  })

  test('one after another they halve, to a 64th of the limit, and are held for longer', () => {
    const { send, cut, rate, ramp } = ramped()
    send(8, 0, 100)
    let at = 99.999
    const seen: [heldS: number, rate: number][] = []
    for (let i = 0; i < 7; i++) {
      const until = cut(at)
      seen.push([Math.round(until - at), rate(until)!])
      ramp.sent(until * 1000)
      ramp.refused(until * 1000)
      at = until + 0.1
    }
    expect(seen.map(([, each]) => each)).toEqual([4, 2, 1, 0.5, 0.25, LIMIT / 64, LIMIT / 64])
    // Once nothing was taken for a minute, there is nothing to wait for.
    expect(seen.map(([heldS]) => heldS)).toEqual([3, 10, 20, 40, 1, 1, 1])
  })

  test('of a large limit only the third in a row goes below a 64th of it, to one a second', () => {
    const { cut, rate } = ramped()
    let at = 0
    const rates = Array.from({ length: 9 }, () => {
      const until = cut(at, 'surge', 1, 640)
      at = until + 1
      return rate(until)
    })
    expect(rates).toEqual([80, 40, 20, 10, 5, 2.5, 1.25, 1, 1])
    const slow = ramped()
    const slowRates = Array.from({ length: 9 }, (_, i) => slow.rate(slow.cut(100 * i, 'surge', 1, 640)))
    expect(slowRates.at(-1)).toBe(10)
  })

  test('for want of capacity is held as it was to be, grows back in minutes, and says nothing of pauses', () => {
    const { send, cut, rate } = ramped()
    send(8, 0, 100)
    const until = cut(99.999, 'capacity', 2)
    expect(until).toBe(101.999)
    expect(rate(until)).toBe(4)
    expect(rate(until + 60)).toBe(16)
    expect(rate(until + 179)).toBeGreaterThan(200)
    expect(rate(until + 180)).toBeUndefined()
  })
})

describe('after a surge', () => {
  test('a group that paused begins where it was cut to, twice that every ten minutes, until all is forgotten', () => {
    const { send, cut, rate, ramp } = ramped()
    send(8, 0, 100)
    cut(99.999)
    expect(rate(99.999 + 600)).toBe(8)
    expect(rate(99.999 + 1200)).toBe(16)
    expect(rate(100 + 8 * 600)).toBeUndefined()
    expect(ramp.holds).toBe(true)
    ramp.sent(1000 * (100 + 8 * 600))
    expect(ramp.holds).toBe(false)
  })

  test('growth that is refused is half as fast from then on', () => {
    const { send, cut, rate } = ramped()
    send(8, 0, 100)
    cut(100)
    send(6, 103, 60)
    expect(rate(163)).toBeCloseTo(1.6 * 6, 0)
    const until = cut(163)
    send(3, until, 60)
    expect(rate(until + 60)).toBeCloseTo(1.3 * 3, 0)
  })

  test('a pause that was refused is remembered for twice as long', () => {
    const { cut, rate, ramp } = ramped()
    cut(0)
    expect(rate(600)).toBe((2 * LIMIT) / 8)
    ramp.sent(1_200_000)
    ramp.refused(1_200_000)
    cut(1200)
    const floor = rate(1200 + 300)!
    expect(rate(1200 + 300 + 1200)).toBeCloseTo(2 * floor)
  })
})

type Step = { waitMs: number; refusal: 'none' | 'own' | 'surge' | 'capacity' }

const steps = fc.array(
  fc.record<Step>({
    waitMs: fc.oneof(fc.nat(300), fc.nat(20_000), fc.nat(2_000_000)),
    refusal: fc.oneof({ weight: 8, arbitrary: fc.constant('none') }, fc.constantFrom('own', 'surge', 'capacity')),
  }) as fc.Arbitrary<Step>,
  { maxLength: 120 },
)

describe('whatever happens', () => {
  test('a pace is a positive number, a cut never raises it nor ends before its hold, and all ends within two days', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0.5, 10, 500, Infinity), (all, limitPerSecond) => {
        const ramp = new SlowStart()
        let now = 0
        for (const { waitMs, refusal } of all) {
          now += waitMs
          ramp.sent(now)
          if (refusal === 'none') continue
          ramp.refused(now)
          if (refusal === 'own') continue
          const before = ramp.rate(now) ?? Infinity
          const holdUntil = now + 1000
          const until = ramp.cut({ class: refusal, holdUntil, limitPerSecond, now })
          expect(until).toBeGreaterThanOrEqual(holdUntil)
          expect(until - now).toBeLessThanOrEqual(60_000)
          const rate = ramp.rate(until)!
          const least = Math.min(limitPerSecond, 64) / 64
          expect(rate).toBeGreaterThanOrEqual(Math.min(least, before))
          expect(rate).toBeLessThanOrEqual(Math.max(least, limitPerSecond === Infinity ? Infinity : limitPerSecond / 2))
        }
        expect(ramp.rate(now + 48 * 3_600_000)).toBeUndefined()
      }),
      runs(500),
    )
  })

  test('saturated and clean it reaches any limit, without ever being above what a minute’s mean permits', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.constantFrom(1, 10, 100), (history, limitPerSecond) => {
        const ramp = new SlowStart()
        for (let i = 0; i < history; i++) ramp.sent(10 * i)
        const sent: number[] = Array.from({ length: history }, (_, i) => 10 * i)
        let now = ramp.cut({ class: 'surge', holdUntil: 3000, limitPerSecond, now: 2000 })
        const floor = ramp.rate(now)!
        let first = 0
        for (;;) {
          ramp.sent(now)
          sent.push(now)
          const rate = ramp.rate(now)!
          while (sent[first]! <= now - 60_000) first++
          const lastMinute = (sent.length - first) / 60
          // The floor itself grows, by the minute.
          expect(rate).toBeLessThanOrEqual(Math.max(floor * 2 ** (now / 600_000), 1.6 * lastMinute) + 1e-9)
          if (rate >= limitPerSecond) break
          now += 1000 / rate
          expect(now).toBeLessThan(15 * 60_000)
        }
      }),
      runs(cases(6, 30)),
    )
  })
})

describe('few requests', () => {
  test.each([0.01, 1 / 30, 0.2])('of %d a second are spaced by what passes while the rate grows', (limitPerSecond) => {
    const ramp = new SlowStart()
    ramp.sent(0)
    const from = ramp.cut({ class: 'capacity', holdUntil: 1000, limitPerSecond, now: 500 })
    const spacingMs = 1000 / ramp.spacing(from)!
    let passed = 0
    for (let ms = 0; ms < spacingMs; ms += 10) passed += (ramp.rate(from + ms) ?? limitPerSecond) / 100
    expect(passed).toBeGreaterThan(0.9)
    expect(passed).toBeLessThan(1.1)
    expect(spacingMs).toBeLessThan(1000 / ramp.rate(from)!)
  })

  test('no longer than the ramp itself takes, however low it begins', () => {
    const ramp = new SlowStart()
    ramp.sent(0)
    const from = ramp.cut({ class: 'capacity', holdUntil: 1000, limitPerSecond: 1 / 30, now: 500 })
    expect(1000 / ramp.spacing(from)!).toBeLessThan(120_000)
  })
})
