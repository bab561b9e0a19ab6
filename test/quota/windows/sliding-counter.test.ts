import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CounterRule, SlidingCounter } from '../../../src/quota/windows/sliding-counter.js'
import { cases } from '../../support/long.js'
import { runs } from '../../support/runs.js'

const SECOND = 1_000_000
const J = 50_000
/** After so long nothing counts, and after so long it may begin to count less. */
const GONE = 2 * SECOND + J
const WANES = SECOND + J

const ruleOf = (rule: Partial<CounterRule> = {}): CounterRule => ({
  limit: 100,
  weight: 1,
  windowUs: SECOND,
  jitterUs: J,
  slotUs: 1,
  takesLargeAlone: true,
  ...rule,
})
const counterOf = (rule: Partial<CounterRule> = {}): SlidingCounter => new SlidingCounter(ruleOf(rule), 1)

describe('a counter', () => {
  test('takes exactly its limit, and more as a window goes by after the next could have begun', () => {
    const counter = counterOf()
    counter.charge(60, 0, 1)
    expect(counter.earliestUs(40, 0)).toBe(0)
    counter.charge(40, 0, 2)
    expect(counter.earliestUs(1, 0)).toBe(WANES + SECOND / 100)
    expect(counter.earliestUs(50, 0)).toBe(WANES + SECOND / 2)
    expect(counter.earliestUs(100, 0)).toBe(GONE)
    expect(counter.used(WANES)).toBe(100)
    expect(counter.used(WANES + SECOND / 2)).toBe(50)
    expect(counter.used(GONE)).toBe(0)
  })

  test('passes a steady load of a window’s limit in W + J', () => {
    const counter = counterOf({ limit: 1000 })
    let us = 0
    for (let seq = 1; seq <= 5000; seq++) {
      us = counter.earliestUs(1, us)
      counter.charge(1, us, seq)
    }
    expect(5000 / us).toBeGreaterThan((0.99 * 1000) / WANES)
  })

  test('holds a fraction exactly: 100 a minute is 1.67 a second', () => {
    const counter = counterOf({ limit: 100, weight: 60 })
    expect(counter.earliestUs(2, 0)).toBe(0)
    counter.charge(1, 0, 1)
    // Until a third of the first is gone.
    expect(counter.earliestUs(1, 0)).toBe(WANES + Math.ceil(SECOND / 3))
  })

  test('with a limit of one a second, waits until nothing counts', () => {
    const counter = counterOf({ limit: 1 })
    counter.charge(1, 5, 1)
    expect(counter.earliestUs(1, 5)).toBe(GONE + 5)
  })

  test('is exact to a step where products of microseconds would not be', () => {
    const minute = { limit: 2_000_000_000, windowUs: 60 * SECOND, takesLargeAlone: false }
    const counter = counterOf(minute)
    counter.charge(2_000_000_000, 0, 1)
    expect(counter.earliestUs(1, 0)).toBe(60 * SECOND + J + 1000)
    expect(counter.earliestUs(1_000_000_000, 0)).toBe(90 * SECOND + J)
    expect(counter.used(60 * SECOND + J + 999)).toBe(2_000_000_000)
    expect(counter.used(60 * SECOND + J + 1000)).toBeLessThan(2_000_000_000)
  })

  test('names the expiry of the oldest charge, and none when it is empty', () => {
    const counter = counterOf()
    expect(counter.nextExpiryUs(5)).toBe(5)
    counter.charge(1, 7, 1)
    counter.charge(1, 9, 2)
    expect(counter.nextExpiryUs(9)).toBe(GONE + 7)
    expect(counter.nextExpiryUs(GONE + 7)).toBe(GONE + 9)
  })

  test('counts what is charged in a slot as if at its end', () => {
    const counter = counterOf({ slotUs: 1000 })
    counter.charge(50, 0, 1)
    counter.charge(50, 999, 2)
    expect(counter.nextExpiryUs(999)).toBe(GONE + 999)
    counter.charge(1, 1000, 3)
    expect(counter.used(GONE + 999)).toBe(1)
  })
})

describe('a charge above the limit', () => {
  test('goes alone where one may, and never elsewhere', () => {
    const counter = counterOf()
    expect(counter.earliestUs(101, 3)).toBe(3)
    counter.charge(1, 3, 1)
    expect(counter.earliestUs(101, 3)).toBe(GONE + 3)
    expect(counterOf({ takesLargeAlone: false }).earliestUs(101, 0)).toBe(Infinity)
  })

  test('leaves what follows waiting until enough of it is gone', () => {
    const counter = counterOf()
    counter.charge(200, 0, 1)
    expect(counter.earliestUs(1, 0)).toBe(WANES + (101 * SECOND) / 200)
    expect(counter.earliestUs(101, 0)).toBe(GONE)
  })

  test('may stand beside one that was given back in full', () => {
    const counter = counterOf()
    counter.charge(50, 0, 1)
    counter.refund(50, 1, 10)
    expect(counter.earliestUs(101, 10)).toBe(10)
  })
})

describe('a refund', () => {
  test('is of its charge, and of nothing once that is gone', () => {
    const counter = counterOf()
    counter.charge(60, 0, 1)
    counter.charge(40, 10, 2)
    counter.refund(10, 1, 20)
    expect(counter.used(20)).toBe(90)
    expect(counter.earliestUs(10, 20)).toBe(20)
    counter.refund(10, 1, GONE)
    expect(counter.used(GONE + 9)).toBe(1)
    counter.refund(40, 2, GONE + 9)
    expect(counter.used(GONE + 9)).toBe(0)
  })

  test('of what came before the counter gives nothing', () => {
    const counter = new SlidingCounter(ruleOf(), 5)
    counter.charge(60, 0, 5)
    counter.refund(60, 4, 0)
    expect(counter.used(0)).toBe(60)
  })
})

test('a new rule holds for what is there', () => {
  const counter = counterOf()
  counter.charge(60, 0, 1)
  counter.setRule(ruleOf({ limit: 50 }))
  expect(counter.earliestUs(1, 1)).toBe(WANES + Math.ceil((11 * SECOND) / 60))
  counter.setRule(ruleOf({ limit: 200, jitterUs: 0 }))
  expect(counter.earliestUs(140, 1)).toBe(1)
  expect(counter.earliestUs(200, 1)).toBe(2 * SECOND)
  counter.setRule(ruleOf({ limit: 6000, weight: 60, jitterUs: 0 }))
  expect(counter.earliestUs(40, 1)).toBe(1)
  expect(counter.earliestUs(41, 1)).toBe(SECOND + Math.ceil(SECOND / 60))
})

/** So small that every phase and every delay can be tried. */
const WINDOW = 24
interface Charge {
  readonly at: number
  readonly seq: number
  amount: number
}

/** A server as it would be written: two sums. Charges come in the order of their times. */
class Server {
  readonly #sums = new Map<number, number>()
  readonly #limit: number
  readonly #phase: number

  constructor(limit: number, phase: number) {
    this.#limit = limit
    this.#phase = phase
  }

  /** What counts, × WINDOW. */
  counts(at: number): number {
    const index = Math.floor((at - this.#phase) / WINDOW)
    const left = (index + 1) * WINDOW + this.#phase - at
    return (this.#sums.get(index) ?? 0) * WINDOW + (this.#sums.get(index - 1) ?? 0) * left
  }

  takes(amount: number, at: number): boolean {
    const counts = this.counts(at)
    return counts + amount * WINDOW <= this.#limit * WINDOW || (amount > this.#limit && counts === 0)
  }

  charge(amount: number, at: number): void {
    const index = Math.floor((at - this.#phase) / WINDOW)
    this.#sums.set(index, (this.#sums.get(index) ?? 0) + amount)
  }
}

/** Whether some server would refuse `amount` at `at`, each earlier charge delayed as is worst for it. */
function someServerRefuses(log: readonly Charge[], limit: number, jitter: number, amount: number, at: number): boolean {
  return Array.from({ length: WINDOW }, (_, phase) => phase).some((phase) => {
    const server = new Server(limit, phase)
    const worst = (charge: Charge): number => {
      let most = charge.at
      let counted = -1
      for (let y = charge.at; y <= Math.min(at, charge.at + jitter); y++) {
        const alone = new Server(limit, phase)
        alone.charge(1, y)
        if (alone.counts(at) > counted) [counted, most] = [alone.counts(at), y]
      }
      return most
    }
    for (const charge of log) server.charge(charge.amount, worst(charge))
    return !server.takes(amount, at)
  })
}

const step = fc.oneof(
  { arbitrary: fc.record({ idle: fc.integer({ min: 0, max: 40 }) }), weight: 2 },
  { arbitrary: fc.record({ ask: fc.integer({ min: 1, max: 12 }), waits: fc.boolean() }), weight: 4 },
  { arbitrary: fc.record({ refund: fc.nat(30), share: fc.double({ min: 0, max: 1, noNaN: true }) }), weight: 1 },
)
const steps = fc.array(step, { maxLength: 40, size: 'max' })

describe('against every server', () => {
  test('passes at the first microsecond at which none, whatever its phase and the delays, refuses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 30 }), steps, (limit, jitterUs, steps) => {
        const counter = counterOf({ limit, windowUs: WINDOW, jitterUs })
        const log: Charge[] = []
        let us = 0
        for (const step of steps) {
          if ('idle' in step) us += step.idle
          else if ('refund' in step) {
            const charge = log[step.refund % Math.max(1, log.length)]
            if (charge === undefined) continue
            const given = Math.floor(charge.amount * step.share)
            charge.amount -= given
            counter.refund(given, charge.seq, us)
          } else {
            const at = counter.earliestUs(step.ask, us)
            expect(someServerRefuses(log, limit, jitterUs, step.ask, at)).toBe(false)
            if (at > us) expect(someServerRefuses(log, limit, jitterUs, step.ask, at - 1)).toBe(true)
            if (step.waits) us = at
            if (at > us) continue
            const seq = log.length + 1
            log.push({ at: us, amount: step.ask, seq })
            counter.charge(step.ask, us, seq)
          }
          const whole = Math.ceil(mostCounted(log, jitterUs, us))
          expect(counter.used(us)).toBe(whole)
          // Used up to what is there, it has room for the rest and no more.
          if (whole < limit) expect(counter.earliestUs(limit - whole, us)).toBe(us)
        }
      }),
      runs(cases(200, 500)),
    )
  })

  test('of requests on their way none is refused, whatever comes before what', () => {
    const delays = fc.array(fc.nat(), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 0, max: 30 }),
        fc.constantFrom(1, 3, 8),
        fc.nat(WINDOW - 1),
        delays,
        steps,
        (limit, jitterUs, slotUs, phase, delays, steps) => {
          const counter = counterOf({ limit, windowUs: WINDOW, jitterUs, slotUs })
          const sent: { at: number; amount: number }[] = []
          let us = 0
          for (const step of steps) {
            if ('idle' in step) us += step.idle
            if (!('ask' in step)) continue
            const at = counter.earliestUs(step.ask, us)
            if (step.waits) us = at
            if (at > us) continue
            counter.charge(step.ask, us, sent.length + 1)
            sent.push({ at: us + (delays[sent.length % delays.length]! % (jitterUs + 1)), amount: step.ask })
          }
          const server = new Server(limit, phase)
          for (const { at, amount } of sent.toSorted((a, b) => a.at - b.at)) {
            expect(server.takes(amount, at)).toBe(true)
            server.charge(amount, at)
          }
        },
      ),
      runs(cases(500, 3000)),
    )
  })
})

function mostCounted(log: readonly Charge[], jitter: number, at: number): number {
  let most = 0
  for (let phase = 0; phase < WINDOW; phase++) {
    let sum = 0
    for (const charge of log) {
      let counted = 0
      for (let y = charge.at; y <= Math.min(at, charge.at + jitter); y++) {
        const alone = new Server(1, phase)
        alone.charge(1, y)
        counted = Math.max(counted, alone.counts(at))
      }
      sum += counted * charge.amount
    }
    most = Math.max(most, sum / WINDOW)
  }
  return most
}

describe('what goes ahead', () => {
  const history = fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 12 })), { maxLength: 15 })
  const size = fc.integer({ min: 1, max: 12 })

  test('delays what follows exactly as its charge would, if it passes now, and is not charged', () => {
    fc.assert(
      fc.property(history, size, size, fc.constantFrom(1, 8), (history, ahead, amount, slotUs) => {
        const of = () => counterOf({ limit: 10, windowUs: WINDOW, jitterUs: 3, slotUs })
        const [asked, charged] = [of(), of()]
        let us = 0
        for (const [i, [idle, charge]] of history.entries()) {
          us = asked.earliestUs(charge, us + idle)
          for (const counter of [asked, charged]) counter.charge(charge, us, i + 1)
        }
        us += 20
        if (asked.earliestUs(ahead, us) > us) return
        const outlook = () => [asked.used(us), ...[1, 5, 10, 11].map((amount) => asked.earliestUs(amount, us))]
        const before = outlook()
        const at = asked.afterUs(ahead, amount, us)
        expect(outlook()).toEqual(before)
        charged.charge(ahead, us, history.length + 1)
        expect(at).toBe(charged.earliestUs(amount, us))
      }),
      runs(cases(300, 1000)),
    )
  })

  test('is told never later than it is', () => {
    fc.assert(
      fc.property(
        history,
        fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 15 }),
        size,
        (history, ahead, amount) => {
          const counter = counterOf({ limit: 10, windowUs: WINDOW, jitterUs: 3 })
          let us = 0
          let seq = 0
          const send = (charge: number): void => {
            us = counter.earliestUs(charge, us)
            counter.charge(charge, us, ++seq)
          }
          for (const [idle, charge] of history) {
            us += idle
            send(charge)
          }
          const configured = counter.afterUs(
            ahead.reduce((sum, charge) => sum + charge, 0),
            amount,
            us,
          )
          for (const charge of ahead) send(charge)
          expect(configured).toBeLessThanOrEqual(counter.earliestUs(amount, us))
        },
      ),
      runs(cases(300, 1500)),
    )
  })
})

test('a log of many charges is kept in order as it grows and wraps around', () => {
  const counter = counterOf({ limit: 1e9 })
  const rounds = [0, 1_500_000, 2_400_000]
  let seq = 0
  for (const [round, at] of rounds.entries()) {
    for (let i = 0; i < 400 * (round + 1); i++) counter.charge(1, at + i, ++seq)
  }
  const now = 2_400_000 + 1199
  expect(counter.nextExpiryUs(now)).toBe(1_500_000 + GONE)
  expect(counter.used(now)).toBe(2000)
  for (let one = 1; one <= seq; one += 2) counter.refund(1, one, now)
  expect(counter.used(now)).toBe(1000)
})
