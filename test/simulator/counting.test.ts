import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCounter } from '../../src/simulator/metering/create-counter.js'
import type { CounterSpec, Posting, WindowKind } from '../../src/simulator/metering/create-counter.js'
import { runs } from '../support/runs.js'

interface Step {
  readonly waitMs: number
  readonly act: 'ask' | 'force' | 'correct' | 'limit'
  readonly amount: number
  readonly which: number
}

/** Recounts from the whole history. The limit may change, so the bucket is advanced one millisecond at a time. */
class BruteForce {
  readonly #spec: CounterSpec
  readonly #postings: { at: number; amount: number; flowed: number }[] = []
  #capacity: number
  #flow: number
  #level = 0
  #at = 0

  constructor(spec: CounterSpec) {
    this.#spec = spec
    this.#capacity = spec.capacity
    this.#flow = spec.limit
  }

  used(now: number): number {
    const { kind, windowMs, origin } = this.#spec
    if (kind === 'bucket') return this.#levelAt(now) / windowMs
    const within =
      kind === 'sliding'
        ? (at: number): boolean => at > now - windowMs
        : (at: number): boolean => Math.floor((at - origin) / windowMs) === Math.floor((now - origin) / windowMs)
    return this.#postings.filter(({ at }) => within(at)).reduce((sum, { amount }) => sum + amount, 0)
  }

  admits(amount: number, now: number): boolean {
    const used = this.used(now)
    return used + amount <= this.#capacity || (this.#spec.oversize && amount > this.#capacity && used === 0)
  }

  post(amount: number, now: number): void {
    this.#level = this.#levelAt(now) + amount * this.#spec.windowMs
    this.#postings.push({ at: now, amount, flowed: 0 })
  }

  correct(which: number, amount: number, now: number): void {
    const posting = this.#postings[which]
    if (posting === undefined) return
    const level = this.#levelAt(now)
    const { windowMs } = this.#spec
    let left = posting.amount * windowMs
    for (let gone = 0; gone < posting.flowed && left > 0; gone += 1) left -= 1
    const change = (amount - posting.amount) * windowMs
    this.#level = Math.max(0, change < 0 ? level - Math.min(left, -change) : level + change)
    posting.amount = amount
  }

  setLimit(limit: number, now: number): void {
    this.#levelAt(now)
    this.#flow = limit
    this.#capacity = limit
  }

  #levelAt(now: number): number {
    for (; this.#at < now; this.#at += 1) {
      this.#level = Math.max(0, this.#level - this.#flow)
      for (const posting of this.#postings) posting.flowed += this.#flow
    }
    return this.#level
  }
}

const kinds: WindowKind[] = ['sliding', 'fixed', 'bucket']

const steps = fc.array(
  fc.record<Step>({
    waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.constantFrom(99, 100, 101, 250)),
    act: fc.constantFrom<Step['act']>('ask', 'ask', 'ask', 'force', 'correct', 'limit'),
    amount: fc.integer({ min: 0, max: 14 }),
    which: fc.nat(60),
  }),
  { minLength: 1, maxLength: 60 },
)

describe.each(kinds)('a %s window', (kind) => {
  it('admits exactly the amounts that a brute-force count admits', () => {
    const setting = fc.record({ limit: fc.integer({ min: 1, max: 12 }), oversize: fc.boolean(), origin: fc.nat(99) })
    fc.assert(
      fc.property(setting, steps, ({ limit, oversize, origin }, steps) => {
        const spec = { kind, windowMs: 100, limit, capacity: limit, oversize, origin }
        const counter = createCounter(spec)
        const reference = new BruteForce(spec)
        const postings: Posting[] = []
        let now = 0
        let peak = 0
        for (const { waitMs, act, amount, which } of steps) {
          now += waitMs
          if (act === 'limit') {
            counter.setLimit(amount + 1, amount + 1, now)
            reference.setLimit(amount + 1, now)
          } else if (act === 'correct') {
            const posting = postings[which]
            if (posting !== undefined) counter.correct(posting, amount, now)
            reference.correct(which, amount, now)
          } else {
            const admitted = counter.admits(amount, now)
            expect(admitted).toBe(reference.admits(amount, now))
            if (admitted || act === 'force') {
              postings.push(counter.post(amount, now))
              reference.post(amount, now)
            }
          }
          peak = Math.max(peak, reference.used(now))
          expect(counter.used(now)).toBe(reference.used(now))
        }
        expect(counter.peak).toBe(peak)
      }),
      runs(500),
    )
  })

  it('still counts exactly after 80,000 queries in many windows', () => {
    const counter = createCounter({ kind, windowMs: 1000, limit: 5000, capacity: 5000, oversize: false, origin: 0 })
    let admitted = 0
    for (let now = 0; now < 10_000; now += 0.125) {
      if (!counter.admits(1, now)) continue
      counter.post(1, now)
      admitted += 1
    }
    // Eight requests per millisecond arrive and five per millisecond drain. A bucket that starts empty adds its own
    // size.
    expect(admitted).toBe(kind === 'bucket' ? 54_999 : 50_000)
  })
})

describe('the edges of a window', () => {
  const spec = { windowMs: 1000, limit: 2, capacity: 2, oversize: false }

  it('a sliding window forgets a posting exactly when it is as old as the window', () => {
    const counter = createCounter({ ...spec, kind: 'sliding', origin: 0 })
    counter.post(2, 500)
    expect(counter.admits(1, 1499.999)).toBe(false)
    expect(counter.admits(1, 1500)).toBe(true)
  })

  it('a fixed window begins at its origin, so around it twice the limit can be admitted', () => {
    const counter = createCounter({ ...spec, kind: 'fixed', origin: 300 })
    counter.post(2, 1299)
    expect(counter.admits(1, 1299.999)).toBe(false)
    expect(counter.admits(2, 1300)).toBe(true)
  })

  it('a bucket has room for one request as soon as one has drained', () => {
    const counter = createCounter({ ...spec, kind: 'bucket', origin: 0 })
    counter.post(2, 0)
    expect(counter.admits(1, 499)).toBe(false)
    expect(counter.admits(1, 500)).toBe(true)
    expect(counter.admits(2, 500)).toBe(false)
  })

  it('a correction refunds only the part that the window still holds', () => {
    for (const kind of kinds) {
      const counter = createCounter({ ...spec, kind, limit: 10, capacity: 10, origin: 0 })
      const posting = counter.post(8, 0)
      counter.correct(posting, 3, 0)
      expect(counter.used(0)).toBe(3)
      counter.post(4, 1000)
      counter.correct(posting, 0, 1000)
      expect(counter.used(1000)).toBe(4)
    }
  })
})
