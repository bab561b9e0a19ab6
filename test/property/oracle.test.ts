import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import { BucketOracle, countedIn, GateOracle, type Row, sumWithin, type Taken } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import {
  amountOf,
  anyRow,
  coarseTpm,
  gateOf,
  jitter,
  modestRow,
  size,
  start,
  type Step,
  tokens,
  traffic,
} from './traffic.js'

interface InFlight {
  readonly reservation: Reservation
  readonly generous: Taken
  readonly strict: Taken
}

/** Leads a gate and two oracles through the same traffic; the gate alone decides what is admitted. */
class Trial {
  readonly gate
  readonly generous
  readonly strict
  readonly #fine: boolean
  readonly #row: Row
  readonly #taken: { generous: Taken[]; strict: Taken[] } = { generous: [], strict: [] }
  readonly #inFlight: InFlight[] = []
  #excess = 0
  us: number

  constructor(row: Row, jitterUs: number, startUs: number) {
    this.gate = gateOf(row, jitterUs, startUs)
    this.generous = new GateOracle(row, jitterUs, startUs, true)
    this.strict = new GateOracle(row, jitterUs, startUs, false)
    this.us = startUs
    this.#row = row
    this.#fine = (row.tpm ?? 0) < 75e6
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.does === 'ask') this.#ask(tokens(amountOf(step.size, this.#row)), step.waits)
      else if (step.does === 'idle') this.us += step.us
      else if (step.does === 'settle') this.#settle(step.which, step.share)
      else this.#hold(step)
      this.#checkTotals()
    }
  }

  #ask(cost: ReturnType<typeof tokens>, waits: boolean): void {
    const answer = this.gate.earliest(cost, this.us / 1000)
    if (answer.kind !== 'not-before') throw new Error(`no time for ${JSON.stringify(cost)}`)
    const atUs = Math.round(answer.at * 1000)
    const bounds = [this.generous.earliestUs(cost, this.us), this.strict.earliestUs(cost, this.us)]
    expect(atUs, 'sooner than allowed').toBeGreaterThanOrEqual(bounds[0]!)
    if (this.#fine) expect(atUs, 'later than needed').toBeLessThanOrEqual(bounds[1]!)
    if (atUs > this.us) {
      expect(this.gate.admit(cost, this.us / 1000)).toEqual(answer)
      if (!waits) return
      expect(this.gate.admit(cost, (atUs - 1) / 1000), 'a microsecond before').toEqual(answer)
      this.us = atUs
    }
    const reservation = this.gate.admit(cost, this.us / 1000)
    if (reservation.kind !== undefined) throw new Error(`refused at the time that was named: ${reservation.kind}`)
    const generous = this.generous.take(cost, this.us)
    const strict = this.strict.take(cost, this.us)
    this.#taken.generous.push(generous)
    this.#taken.strict.push(strict)
    this.#inFlight.push({ reservation, generous, strict })
    this.#checkWindows(cost)
  }

  /** No window that ends with this admission holds more than its limit, but for what exceeded its reservation. */
  #checkWindows(cost: ReturnType<typeof tokens>): void {
    for (const { counts, window } of this.generous.limits) {
      const sum = sumWithin(window.log, this.us, window.spanUs)
      const alone = window.takesLargeAlone ? countedIn(cost, counts) : 0
      expect(sum).toBeLessThanOrEqual(Math.max(window.limit, alone) + (counts === 'tokens' ? this.#excess : 0))
    }
  }

  #settle(which: number, share: number): void {
    if (this.#inFlight.length === 0) return
    const [settled] = this.#inFlight.splice(which % this.#inFlight.length, 1)
    const { reservation, generous, strict } = settled!
    const reserved = reservation.cost.inputTokens
    // Debts of more than ten minutes are cut off: how, is for the meters' own tests.
    const isDeep = this.#excess > 4 * (this.#row.tpm ?? Infinity)
    const used = Math.round(reserved * (isDeep ? Math.min(share, 1) : share))
    this.#excess += Math.max(0, used - reserved)
    const actual = tokens(used, share === 0 ? 0 : 1)
    expect(this.gate.settle(reservation, actual, this.us / 1000)).toBe(true)
    expect(this.gate.settle(reservation, tokens(0, 0), this.us / 1000), 'a second time').toBe(false)
    this.generous.settle(generous, actual, this.us)
    this.strict.settle(strict, actual, this.us)
  }

  #hold({ us, empties }: Extract<Step, { does: 'hold' }>): void {
    const untilUs = this.us + us
    this.gate.hold(untilUs / 1000, empties, this.us / 1000)
    this.generous.hold(untilUs, empties, this.us, this.#taken.generous)
    this.strict.hold(untilUs, empties, this.us, this.#taken.strict)
  }

  #checkTotals(): void {
    const { reserved, excess, settled, refunded, inFlight } = this.gate.totals
    expect(reserved + excess).toBe(settled + refunded + inFlight)
    expect(inFlight).toBe(this.#inFlight.reduce((sum, { reservation }) => sum + reservation.cost.inputTokens, 0))
    expect(excess).toBe(this.#excess)
    expect(this.gate.inFlight).toBe(this.#inFlight.length)
  }
}

describe('a gate answers as one that recomputes everything from the list of charges', () => {
  test('when what was used is at most what was reserved', () => {
    fc.assert(
      fc.property(anyRow, jitter, start, traffic(), (row, jitterUs, startUs, steps) => {
        new Trial(row, jitterUs, startUs).run(steps)
      }),
      runs(cases(120, 1200)),
    )
  })

  test('when more is used than was reserved, and with holds', () => {
    fc.assert(
      fc.property(modestRow, jitter, start, traffic({ excess: true, holds: true }), (row, jitterUs, startUs, steps) =>
        new Trial(row, jitterUs, startUs).run(steps),
      ),
      runs(cases(120, 1200)),
    )
  })
})

/** What was admitted, at the sizes that it was settled at in the end. */
function admissions(row: Row, jitterUs: number, steps: readonly Step[]): { at: number; amount: number }[] {
  const gate = gateOf(row, jitterUs, 0)
  const log: { at: number; amount: number; reservation: Reservation }[] = []
  const open: typeof log = []
  let us = 0
  for (const step of steps) {
    if (step.does === 'idle') us += step.us
    if (step.does === 'settle' && open.length > 0) {
      const [entry] = open.splice(step.which % open.length, 1)
      entry!.amount = Math.round(entry!.amount * step.share)
      gate.settle(entry!.reservation, tokens(entry!.amount), us / 1000)
    }
    if (step.does !== 'ask') continue
    const cost = tokens(amountOf(step.size, row))
    const answer = gate.earliest(cost, us / 1000)
    if (answer.kind === 'not-before' && step.waits) us = Math.max(us, Math.round(answer.at * 1000))
    const reservation = gate.admit(cost, us / 1000)
    if (reservation.kind !== undefined) continue
    const entry = { at: us, amount: cost.inputTokens, reservation }
    log.push(entry)
    open.push(entry)
  }
  return log
}

describe('a bucket of depth b and rate r', () => {
  test('lets no more than b + rτ through in any span τ, refunded or not, but one charge above b alone', () => {
    const row = fc.record({ tpm: fc.oneof(fc.integer({ min: 1, max: 5_000_000 }), coarseTpm), perSecond: fc.boolean() })
    fc.assert(
      fc.property(row, jitter, traffic({ maxLength: 80 }), (row, jitterUs, steps) => {
        const log = admissions(row, jitterUs, steps)
        const tooMuch: string[] = []
        for (const windowUs of row.perSecond ? [60_000_000, 1_000_000] : [60_000_000]) {
          for (let first = 0; first < log.length; first++) {
            // b = L − rJ, in token·µs: the rate times what is left of the window.
            const depth = BigInt(row.tpm) * BigInt(windowUs - jitterUs)
            let sum = 0n
            for (let last = first; last < log.length; last++) {
              const { at, amount } = log[last]!
              // Above a second's tokens alone: after others it cannot be within the bound, but what follows it is.
              if (windowUs === 1_000_000 && amount * 60 > row.tpm && last > first) break
              sum += BigInt(amount) * 60_000_000n
              if (last > first && sum > depth + BigInt(row.tpm) * BigInt(at - log[first]!.at)) {
                tooMuch.push(`between ${log[first]!.at} and ${at} µs`)
              }
            }
          }
        }
        expect(tooMuch).toEqual([])
      }),
      runs(cases(60, 300)),
    )
  })

  test('counted in ticks coarser than a microsecond is late by a few ticks at most', () => {
    fc.assert(
      fc.property(
        coarseTpm,
        fc.constantFrom(0, 50_000),
        fc.array(size, { minLength: 1, maxLength: 60, size: 'max' }),
        (tpm, jitterUs, sizes) => {
          const row = { tpm, perSecond: false }
          const gate = gateOf(row, jitterUs, 1_234_567)
          const bucket = new BucketOracle(tpm, 60_000_000, 60_000_000 - jitterUs, jitterUs, 1_234_567)
          const log: { at: number; amount: number }[] = []
          let us = 1_234_567
          for (const size of sizes) {
            const amount = Math.min(amountOf(size, row), Math.floor(tpm * 0.9))
            const answer = gate.earliest(tokens(amount), us / 1000)
            if (answer.kind !== 'not-before') throw new Error(answer.kind)
            const at = Math.round(answer.at * 1000)
            const byWindow = log.some((entry) => entry.at + 60_000_000 + jitterUs === at)
            const exact = bucket.earliestUs(amount, us)
            expect(at).toBeGreaterThanOrEqual(exact)
            if (!byWindow) expect(at - exact).toBeLessThanOrEqual(3000)
            us = at
            expect(gate.admit(tokens(amount), us / 1000).kind).toBeUndefined()
            bucket.take(amount, us)
            log.push({ at: us, amount })
          }
        },
      ),
      runs(cases(60, 200)),
    )
  })
})
