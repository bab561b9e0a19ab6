import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCounter } from '../../src/simulator/metering/create-counter.js'
import { Charge } from '../../src/simulator/metering/charge.js'
import { Throttle } from '../../src/simulator/metering/throttle.js'
import { runs } from '../support/runs.js'

/** A bucket of a second with a sixtieth of `perMinute`, in exact integers: 60,000 units are one request. */
class ExactBucket {
  readonly #perMinute: bigint
  readonly #room: bigint
  #level = 0n
  #at = 0n

  constructor(perMinute: number) {
    this.#perMinute = BigInt(perMinute)
    this.#room = this.#perMinute > 60n ? this.#perMinute * 1000n : 60_000n
  }

  admits(amount: number, now: number): boolean {
    this.#goTo(BigInt(now))
    return this.#level + 60_000n * BigInt(amount) <= this.#room
  }

  post(amount: number, now: number): void {
    this.#goTo(BigInt(now))
    this.#level += 60_000n * BigInt(amount)
  }

  /** The first whole millisecond, at or after `now`, at which the bucket has room for `amount`. */
  roomAt(amount: number, now: number): number {
    this.#goTo(BigInt(now))
    const over = this.#level + 60_000n * BigInt(amount) - this.#room
    return over <= 0n ? now : now + Number((over + this.#perMinute - 1n) / this.#perMinute)
  }

  #goTo(now: bigint): void {
    const left = this.#level - this.#perMinute * (now - this.#at)
    this.#level = left > 0n ? left : 0n
    this.#at = now
  }
}

interface Step {
  readonly wait: number | 'to the edge' | 'just before it'
  /** Whether it is counted even without room, as a refused request that counts. */
  readonly forced: boolean
}

const steps = fc.array(
  fc.record<Step>({
    wait: fc.oneof(
      fc.constantFrom('to the edge' as const, 'just before it' as const, 0, 0),
      fc.integer({ min: 1, max: 20_000 }),
    ),
    forced: fc.boolean(),
  }),
  { minLength: 50, maxLength: 250 },
)

describe('a bucket of a second with a sixtieth of the minute', () => {
  it('admits exactly the requests that an exact integer bucket admits, to the millisecond', () => {
    const perMinute = fc.oneof(fc.constantFrom(7, 11, 13, 49, 50, 100, 130, 601), fc.integer({ min: 1, max: 100_000 }))
    let edges = 0
    fc.assert(
      fc.property(perMinute, steps, (limit, steps) => {
        const spec = { kind: 'bucket', windowMs: 1000, oversize: false, origin: 0 } as const
        const counter = createCounter({ ...spec, limit: limit / 60, capacity: Math.max(1, limit / 60) })
        const exact = new ExactBucket(limit)
        let now = 0
        for (const { wait, forced } of steps) {
          const edge = exact.roomAt(1, now)
          if (edge > now) edges += 1
          if (wait === 'to the edge') now = edge
          else if (wait === 'just before it') now = Math.max(now, edge - 1)
          else now += wait
          const admitted = counter.admits(1, now)
          expect([limit, now, admitted]).toEqual([limit, now, exact.admits(1, now)])
          expect(Math.ceil(counter.admitsAt(1, now))).toBe(exact.roomAt(1, now))
          if (!admitted && !forced) continue
          counter.post(1, now)
          exact.post(1, now)
        }
      }),
      runs(300),
    )
    expect(edges).toBeGreaterThan(1000)
  })

  it('is empty after its counted refusals have drained, however many minutes that takes', () => {
    const settings = {
      perSecond: true,
      minuteWindow: 'fixed',
      secondWindow: 'bucket',
      outputAccounting: 'completion',
      countsRejected: true,
    } as const
    const throttle = new Throttle({ rpm: 7 }, settings, 0)
    const demand = { inputTokens: 1, maxOutputTokens: 0, maxThinkingTokens: 0 }
    // Seven requests drain in a minute: one that is admitted and six that are refused, at uneven times.
    const admitted = Array.from({ length: 200 }, (_, minute) => {
      const start = minute * 60_000
      const first = throttle.admit(demand, start)
      for (let i = 1; i < 7; i += 1) throttle.admit(demand, start + i * (7 + minute))
      return first instanceof Charge
    })
    expect(admitted.filter((isIn) => !isIn)).toEqual([])
  })
})
