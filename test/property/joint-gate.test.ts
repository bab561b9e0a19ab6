import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NotAdmitted } from '../../src/quota/admission-result.js'
import type { Reservation } from '../../src/quota/reservation.js'
import { JointGate } from '../../src/quota/joint-gate.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Cost, Limits } from '../../src/types.js'
import { countedIn, GateOracle, type Row, sumWithin, type Taken } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, gateOf, jitter, limitsOf, modestRow, profileOf, type Step, tokens, traffic } from './traffic.js'

/** Which of the workspaces of an account each step is of, in turn. */
const turns = fc.array(fc.nat(1), { minLength: 1, maxLength: 20, size: 'max' })
const rows = fc.tuple(modestRow, modestRow, modestRow)

/** Two workspaces of one account, each gate with an oracle of either kind. */
class Account {
  readonly #rows: readonly Row[]
  readonly #gates: readonly ModelGate[]
  readonly #oracles: readonly (readonly GateOracle[])[]
  readonly #joints: readonly JointGate[]
  readonly #open: { joint: JointGate; reservation: Reservation; taken: [GateOracle, Taken][] }[] = []
  us = 0

  /** The rows of both workspaces and of the account. */
  constructor(rows: readonly Row[], jitterUs: number) {
    this.#rows = rows
    this.#gates = rows.map((row) => gateOf(row, jitterUs, 0))
    this.#oracles = rows.map((row) => [true, false].map((generous) => new GateOracle(row, jitterUs, 0, generous)))
    this.#joints = [0, 1].map((i) => new JointGate(this.#gates[i]!, this.#gates[2]!))
  }

  run(steps: readonly Step[], turns: readonly number[]): void {
    for (const [i, step] of steps.entries()) {
      if (step.does === 'ask') this.#ask(turns[i % turns.length]!, step)
      if (step.does === 'idle') this.us += step.us
      if (step.does === 'settle') this.#settle(step.which, step.share)
      this.#checkTotals()
    }
  }

  #ask(workspace: number, { size, waits }: Extract<Step, { does: 'ask' }>): void {
    const [joint, both] = [this.#joints[workspace]!, [workspace, 2]]
    const most = Math.min(...both.map((i) => this.#rows[i]!.tpm ?? Infinity))
    const cost = tokens(Math.min(most, amountOf(size, this.#rows[workspace]!)))
    const answer = joint.earliest(cost, this.us / 1000)
    if (answer.kind !== 'not-before') throw new Error(answer.kind)
    const atUs = Math.round(answer.at * 1000)
    const earliest = (kind: 0 | 1) => Math.max(...both.map((i) => this.#oracles[i]![kind]!.earliestUs(cost, this.us)))
    expect(atUs, 'sooner than allowed').toBeGreaterThanOrEqual(earliest(0))
    expect(atUs, 'later than needed').toBeLessThanOrEqual(earliest(1))
    if (atUs > this.us) {
      expect(joint.admit(cost, this.us / 1000)).toEqual(answer)
      if (!waits) return
      expect(joint.admit(cost, (atUs - 1) / 1000), 'a microsecond before').toEqual(answer)
      this.us = atUs
    }
    const reservation = joint.admit(cost, this.us / 1000)
    if (reservation.kind !== undefined) throw new Error(`refused at the time that was named: ${reservation.kind}`)
    const oracles = both.flatMap((i) => this.#oracles[i]!)
    const taken = oracles.map((oracle): [GateOracle, Taken] => [oracle, oracle.take(cost, this.us)])
    this.#open.push({ joint, reservation, taken })
    for (const i of both) this.#checkWindows(this.#oracles[i]![0]!, cost)
  }

  #checkWindows(oracle: GateOracle, cost: Cost): void {
    for (const { counts, window } of oracle.limits) {
      const alone = window.takesLargeAlone ? countedIn(cost, counts) : 0
      expect(sumWithin(window.log, this.us, window.spanUs)).toBeLessThanOrEqual(Math.max(window.limit, alone))
    }
  }

  #settle(which: number, share: number): void {
    const [settled] = this.#open.splice(which % this.#open.length, 1)
    if (settled === undefined) return
    const { joint, reservation, taken } = settled
    const actual = tokens(Math.round(reservation.cost.inputTokens * share), share === 0 ? 0 : 1)
    expect(joint.settle(reservation, actual, this.us / 1000)).toBe(true)
    expect(joint.settle(reservation, tokens(0, 0), this.us / 1000), 'a second time').toBe(false)
    for (const [oracle, each] of taken) oracle.settle(each, actual, this.us)
  }

  /** What the workspaces did together is what the account did. */
  #checkTotals(): void {
    const [first, second, account] = this.#gates.map(({ totals }) => totals)
    for (const key of Object.keys(account!) as (keyof typeof account)[]) {
      expect(account![key], key).toBe(first![key] + second![key])
    }
    expect(account!.reserved + account!.excess).toBe(account!.settled + account!.refunded + account!.inFlight)
    expect(this.#joints.map(({ inFlight }) => inFlight)).toEqual(
      this.#joints.map((joint) => this.#open.filter((each) => each.joint === joint).length),
    )
    expect(this.#gates[2]!.inFlight).toBe(this.#open.length)
  }
}

/** The limits of a gate, those in flight included, twice over: one gate is led by a joint one, the other by hand. */
function twins(limits: Limits, jitterUs: number): [ModelGate, ModelGate] {
  const options = { limits, profile: profileOf('unknown'), networkJitterMs: jitterUs / 1000, idleSince: 0 }
  return [new ModelGate(options, 0), new ModelGate(options, 0)]
}

/** The rule for two answers, by rank. */
function expected(own: NotAdmitted, account: NotAdmitted): NotAdmitted {
  const rank = ({ kind }: NotAdmitted) => ['not-before', 'until-change', 'never'].indexOf(kind)
  if (rank(own) !== rank(account)) return rank(own) > rank(account) ? own : account
  if (own.kind !== 'not-before' || account.kind !== 'not-before') return own
  return { kind: 'not-before', at: Math.max(own.at, account.at) }
}

const PROBES = [1, 50, 1000].map((amount) => tokens(amount))

describe('two gates charged together', () => {
  test('answer as an oracle of both, and let through no more than either allows', () => {
    fc.assert(
      fc.property(rows, jitter, turns, traffic(), (rows, jitterUs, turns, steps) =>
        new Account(rows, jitterUs).run(steps, turns),
      ),
      runs(cases(60, 600)),
    )
  })

  test('stand as two that were charged one by one, and were never asked for what was refused', () => {
    const concurrency = fc.constantFrom(1, 3, 10, Infinity)
    fc.assert(
      fc.property(
        fc.tuple(modestRow, modestRow, concurrency, concurrency, jitter),
        traffic({ excess: true, holds: true }),
        ([ownRow, accountRow, ownMost, accountMost, jitterUs], steps) => {
          const [own, ownTwin] = twins({ ...limitsOf(ownRow), concurrency: ownMost }, jitterUs)
          const [account, accountTwin] = twins({ ...limitsOf(accountRow), concurrency: accountMost }, jitterUs)
          const joint = new JointGate(own, account)
          const open: Reservation[][] = []
          let us = 0
          for (const step of steps) {
            if (step.does === 'idle') us += step.us
            if (step.does === 'hold') {
              const [gate, twin] = step.us % 2 === 0 ? [joint, ownTwin] : [account, accountTwin]
              for (const each of [gate, twin]) each.hold((us + step.us) / 1000, step.empties, us / 1000)
            }
            if (step.does === 'settle' && open.length > 0) {
              const [parts] = open.splice(step.which % open.length, 1)
              const actual = tokens(Math.round(parts![0]!.cost.inputTokens * step.share))
              for (const [i, gate] of [joint, ownTwin, accountTwin].entries()) {
                expect(gate.settle(parts![i]!, actual, us / 1000)).toBe(true)
              }
              expect(joint.settle(parts![0]!, actual, us / 1000)).toBe(false)
            }
            if (step.does === 'ask') {
              const cost = tokens(amountOf(step.size, step.waits ? ownRow : accountRow))
              const answer = joint.earliest(cost, us / 1000)
              expect(answer).toEqual(expected(ownTwin.earliest(cost, us / 1000), accountTwin.earliest(cost, us / 1000)))
              const isNow = answer.kind === 'not-before' && answer.at <= us / 1000
              if (!isNow) expect(joint.admit(cost, us / 1000)).toEqual(answer)
              if (step.waits && answer.kind === 'not-before') us = Math.max(us, Math.round(answer.at * 1000))
              const at = us / 1000
              if (answer.kind === 'not-before' && at >= answer.at) {
                // Only those in flight can stand in the way at the time that was named: they have none of their own.
                const isFull = own.inFlight >= ownMost || account.inFlight >= accountMost
                const admission = joint.admit(cost, at)
                expect(admission.kind).toBe(isFull ? 'until-change' : undefined)
                if (admission.kind === undefined) {
                  const apart = [ownTwin.admit(cost, at), accountTwin.admit(cost, at)] as Reservation[]
                  expect(apart.map(({ at }) => at)).toEqual([admission.at, admission.at])
                  open.push([admission, ...apart])
                }
              }
            }
            for (const [gate, twin] of [
              [own, ownTwin],
              [account, accountTwin],
            ] as const) {
              expect(gate.totals).toEqual(twin.totals)
              expect(gate.room(us / 1000)).toEqual(twin.room(us / 1000))
              for (const probe of PROBES)
                expect(gate.earliest(probe, us / 1000)).toEqual(twin.earliest(probe, us / 1000))
            }
          }
        },
      ),
      runs(cases(60, 600)),
    )
  })
})
