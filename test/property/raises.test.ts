import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import { GateOracle, type Row, sumWithin, type Taken } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, gateOf, jitter, modestRow, start, tokens, traffic, type Step } from './traffic.js'

interface Open {
  readonly reservation: Reservation
  readonly amount: number
  /** What stands for it in each oracle: the reservation, and each raise. */
  readonly parts: { readonly amount: number; readonly taken: readonly Taken[] }[]
}

/** Every settlement is preceded by raises up to `raises` times what was reserved. */
class Trial {
  readonly gate
  readonly oracles: readonly GateOracle[]
  readonly #row: Row
  readonly #open: Open[] = []
  #excess = 0
  us: number

  constructor(row: Row, jitterUs: number, startUs: number) {
    this.gate = gateOf(row, jitterUs, startUs)
    this.oracles = [true, false].map((generous) => new GateOracle(row, jitterUs, startUs, generous))
    this.us = startUs
    this.#row = row
  }

  run(steps: readonly Step[], raises: readonly number[]): void {
    let next = 0
    for (const step of steps) {
      if (step.does === 'ask') this.#ask(amountOf(step.size, this.#row))
      else if (step.does === 'idle') this.us += step.us
      else if (step.does === 'settle' && this.#open.length > 0) {
        const which = step.which % this.#open.length
        const open = this.#open[which]!
        const share = raises[next++ % raises.length]!
        this.#raise(open, Math.floor(open.amount * share))
        if (share * 100 - Math.floor(share * 100) < 0.6) {
          this.#open.splice(which, 1)
          this.#settle(open, Math.round(open.amount * step.share * (next % 2 === 0 ? 1 : share)))
        }
      }
      this.#checkTotals()
    }
  }

  #ask(amount: number): void {
    const cost = tokens(amount)
    const answer = this.gate.earliest(cost, this.us / 1000)
    if (answer.kind !== 'not-before') throw new Error(answer.kind)
    const atUs = Math.round(answer.at * 1000)
    const [generous, strict] = this.oracles.map((oracle) => oracle.earliestUs(cost, this.us))
    expect(atUs, 'sooner than allowed').toBeGreaterThanOrEqual(generous!)
    expect(atUs, 'later than needed').toBeLessThanOrEqual(strict!)
    this.us = atUs
    const reservation = this.gate.admit(cost, this.us / 1000)
    if (reservation.kind !== undefined) throw new Error(reservation.kind)
    const taken = this.oracles.map((oracle) => oracle.take(cost, this.us))
    this.#open.push({ reservation, amount, parts: [{ amount, taken }] })
    for (const { window, counts } of this.oracles[0]!.limits) {
      const alone = window.takesLargeAlone && counts === 'tokens' ? amount : 0
      const most = Math.max(window.limit, alone) + (counts === 'tokens' ? this.#excess : 0)
      expect(sumWithin(window.log, this.us, window.spanUs)).toBeLessThanOrEqual(most)
    }
  }

  #raise({ reservation, parts }: Open, to: number): void {
    // Debts of more than ten minutes are cut off: how, is for the meters' own tests.
    if (this.#excess > 4 * (this.#row.tpm ?? Infinity)) return
    const charged = parts.reduce((sum, { amount }) => sum + amount, 0)
    expect(this.gate.raise(reservation, tokens(to), this.us / 1000)).toBe(to >= charged)
    if (to < charged) return
    const cost = tokens(to - charged, 0)
    parts.push({ amount: to - charged, taken: this.oracles.map((oracle) => oracle.take(cost, this.us)) })
    this.#excess += to - charged
  }

  #settle({ reservation, parts }: Open, used: number): void {
    const charged = parts.reduce((sum, { amount }) => sum + amount, 0)
    const isDeep = this.#excess > 4 * (this.#row.tpm ?? Infinity)
    const counted = isDeep ? Math.min(used, charged) : used
    expect(this.gate.settle(reservation, tokens(counted), this.us / 1000)).toBe(true)
    expect(this.gate.settle(reservation, tokens(0, 0), this.us / 1000), 'a second time').toBe(false)
    expect(this.gate.raise(reservation, tokens(counted + charged), this.us / 1000), 'after its end').toBe(false)
    this.#excess += Math.max(0, counted - charged)
    let surplus = charged - counted
    for (const [index, { amount, taken }] of [...parts.entries()].toReversed()) {
      // What is missing is charged with the reservation itself.
      const left = index === 0 ? amount - surplus : Math.max(0, amount - surplus)
      surplus -= amount - left
      const actual = tokens(left, index === 0 ? 1 : 0)
      for (const [i, oracle] of this.oracles.entries()) oracle.settle(taken[i]!, actual, this.us)
    }
  }

  #checkTotals(): void {
    const { reserved, excess, settled, refunded, inFlight } = this.gate.totals
    expect(reserved + excess).toBe(settled + refunded + inFlight)
    const parts = this.#open.flatMap((open) => open.parts)
    expect(inFlight).toBe(parts.reduce((sum, { amount }) => sum + amount, 0))
    expect(excess).toBe(this.#excess)
  }
}

const raises = fc.array(fc.double({ min: 0.5, max: 3, noNaN: true }), { minLength: 1, maxLength: 20 })

describe('a reservation that is raised while it is open', () => {
  test('is charged and corrected as one that recomputes everything from the list of charges', () => {
    fc.assert(
      fc.property(
        modestRow,
        jitter,
        start,
        traffic({ excess: true }),
        raises,
        (row, jitterUs, startUs, steps, raises) => new Trial(row, jitterUs, startUs).run(steps, raises),
      ),
      runs(cases(80, 1200)),
    )
  })

  test('never permits more than had it not been raised, where it used no more than was reserved', () => {
    fc.assert(
      fc.property(modestRow, jitter, traffic({ maxLength: 40 }), raises, (row, jitterUs, steps, raises) => {
        const raised = gateOf(row, jitterUs, 0)
        const plain = gateOf(row, jitterUs, 0)
        const open: (readonly [Reservation, Reservation])[] = []
        let us = 0
        let next = 0
        for (const step of steps) {
          if (step.does === 'idle') us += step.us
          else if (step.does === 'ask') {
            const cost = tokens(amountOf(step.size, row))
            const answer = raised.earliest(cost, us / 1000)
            if (answer.kind !== 'not-before') throw new Error(answer.kind)
            if (step.waits) us = Math.round(answer.at * 1000)
            const one = raised.admit(cost, us / 1000)
            if (one.kind !== undefined) continue
            const other = plain.admit(cost, us / 1000)
            expect(other.kind, 'the plain one permits what the raised one permits').toBeUndefined()
            open.push([one, other as Reservation])
            const { inputTokens } = cost
            raised.raise(one, tokens(Math.floor(inputTokens * raises[next++ % raises.length]!)), us / 1000)
          } else if (step.does === 'settle' && open.length > 0) {
            const [[one, other]] = open.splice(step.which % open.length, 1) as [readonly [Reservation, Reservation]]
            const used = Math.round(one.cost.inputTokens * step.share)
            raised.raise(one, tokens(Math.floor(one.cost.inputTokens * 3.5)), us / 1000)
            raised.settle(one, tokens(used), us / 1000)
            plain.settle(other, tokens(used), us / 1000)
          }
        }
      }),
      runs(cases(100, 800)),
    )
  })
})
