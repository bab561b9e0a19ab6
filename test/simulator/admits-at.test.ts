import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCounter } from '../../src/simulator/metering/create-counter.js'
import type { Counter, CounterSpec, WindowKind } from '../../src/simulator/metering/create-counter.js'
import { runs } from '../support/runs.js'

const kinds: WindowKind[] = ['sliding', 'fixed', 'bucket']

interface Post {
  readonly waitMs: number
  readonly amount: number
}

/** The next smaller floating-point number. */
function before(value: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) - 1n)
  return view.getFloat64(0)
}

/** A counter with these postings. It was not queried since the last of them. */
function filled(spec: CounterSpec, posts: readonly Post[], start: number): { counter: Counter; now: number } {
  const counter = createCounter(spec)
  let now = start
  for (const { waitMs, amount } of posts) {
    now += waitMs
    counter.post(amount, now)
  }
  return { counter, now }
}

const fractions = fc.double({ min: 0, max: 700, noNaN: true, noDefaultInfinity: true })
const cases = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(7 / 6, 100 / 60, 19_020 / 60)),
  origin: fractions,
  start: fc.double({ min: 700, max: 1e7, noNaN: true, noDefaultInfinity: true }),
  posts: fc.array(fc.record({ waitMs: fractions, amount: fc.integer({ min: 1, max: 30 }) }), {
    minLength: 1,
    maxLength: 12,
  }),
  waitMs: fractions,
  amount: fc.integer({ min: 1, max: 30 }),
  oversize: fc.boolean(),
})

describe.each(kinds)('the predicted admission time of a %s window', (kind) => {
  it('is the first time at which the window admits the amount', () => {
    fc.assert(
      fc.property(cases, ({ limit, origin, start, posts, waitMs, amount, oversize }) => {
        const spec = { kind, windowMs: 1000, limit, capacity: limit, oversize, origin }
        const { counter, now } = filled(spec, posts, start)
        const at = counter.admitsAt(amount, now + waitMs)
        expect(at === Infinity).toBe(amount > limit && !oversize)
        if (at === Infinity) return
        expect(filled(spec, posts, start).counter.admits(amount, at)).toBe(true)
        if (at > now + waitMs) expect(filled(spec, posts, start).counter.admits(amount, before(at))).toBe(false)
      }),
      runs(2000),
    )
  })

  it('does not depend on queries made before that time', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (one, parts) => {
        const spec = { ...one, kind, windowMs: 1000, capacity: one.limit }
        const { counter, now } = filled(spec, one.posts, one.start)
        const at = counter.admitsAt(one.amount, now)
        if (at === Infinity) return
        const asked = parts.map((part) => now + part * (at - now)).sort((a, b) => a - b)
        for (const time of asked) if (time < at) expect(counter.admits(one.amount, time)).toBe(false)
        expect(counter.admits(one.amount, at)).toBe(true)
      }),
      runs(500),
    )
  })
})
