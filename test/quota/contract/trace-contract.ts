import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type NotAdmitted, startOf } from '../../../src/quota/admission-result.js'
import type { Gate } from '../../../src/quota/gate.js'
import type { Reservation } from '../../../src/quota/reservation.js'
import type { Cost } from '../../../src/types.js'
import { amountOf, jitter, limitsOf, modestRow, start, type Step, tokens, traffic } from '../../property/traffic.js'
import type { Row } from '../../support/oracle.js'
import { runs } from '../../support/runs.js'
import type { ContractOptions, MakeGate } from './made-gate.js'

const RUNS = 40
const MINUTE_US = 60_000_000

const share = fc.double({ min: 0, max: 1, noNaN: true })
const concurrency = fc.constantFrom(1, 3, Infinity, Infinity)

/** The time that an answer names, in µs. */
function startUsOf(answer: NotAdmitted): number {
  if (answer.kind !== 'not-before') throw new Error(`no time: ${JSON.stringify(answer)}`)
  return Math.round(answer.at * 1000)
}

/** When costs of several sizes would pass: all that can be seen of a gate from outside. */
function outlook(gate: Gate, row: Row, us: number): number[] {
  const tpm = row.tpm ?? 1
  return [1, tpm / 60, tpm / 10, tpm].flatMap((size) => {
    const whole = Math.max(1, Math.floor(size))
    return [tokens(whole), tokens(whole, 0)].map((cost) => startOf(gate.earliest(cost, us / 1000)))
  })
}

/** The same with all that can be read of it, as text: that is compared quickly. */
const stateOf = (gate: Gate, row: Row, us: number): string =>
  JSON.stringify([outlook(gate, row, us), gate.room(us / 1000), gate.inFlight, gate.heldUntil])

function hold(gates: readonly Gate[], { us, empties }: Extract<Step, { does: 'hold' }>, nowUs: number): void {
  for (const gate of gates) gate.hold((nowUs + us) / 1000, empties, nowUs / 1000)
}

/** What holds of every gate over random traffic. */
export function traceContract(makeGate: MakeGate, { limitsInMinute }: ContractOptions): void {
  const gateOf = (row: Row, jitterUs: number, startUs: number, concurrency = Infinity): Gate =>
    makeGate({
      limits: { ...limitsOf(row), concurrency },
      networkJitterMs: jitterUs / 1000,
      now: startUs / 1000,
      idleSince: startUs / 1000,
    }).gate

  describe('over random traffic', () => {
    test('admit passes exactly from the time that earliest names, and a refusal leaves it as one that was never asked', () => {
      fc.assert(
        fc.property(
          modestRow,
          jitter,
          start,
          concurrency,
          traffic({ excess: true, holds: true, maxLength: 40 }),
          (row, jitterUs, startUs, most, steps) => {
            const [gate, twin] = [gateOf(row, jitterUs, startUs, most), gateOf(row, jitterUs, startUs, most)]
            const open: [Reservation, Reservation][] = []
            let us: number = startUs
            for (const step of steps) {
              if (step.does === 'idle') us += step.us
              if (step.does === 'hold') hold([gate, twin], step, us)
              if (step.does === 'settle' && open.length > 0) {
                const [[one, other]] = open.splice(step.which % open.length, 1) as [[Reservation, Reservation]]
                const actual = tokens(Math.round(one.cost.inputTokens * step.share), step.share === 0 ? 0 : 1)
                expect([gate.settle(one, actual, us / 1000), twin.settle(other, actual, us / 1000)]).toEqual([
                  true,
                  true,
                ])
                expect(gate.settle(one, tokens(0, 0), us / 1000)).toBe(false)
              }
              if (step.does === 'ask') {
                const cost = tokens(amountOf(step.size, row))
                const answer = gate.earliest(cost, us / 1000)
                const at = Math.round(startOf(answer) * 1000)
                if (at > us) {
                  expect(gate.admit(cost, us / 1000)).toEqual(answer)
                  if (answer.kind === 'until-change') expect(open.length).toBeGreaterThanOrEqual(most)
                  if (!step.waits || at === Infinity) continue
                  const before = gate.admit(cost, (at - 1) / 1000)
                  if (open.length < most) expect(before).toEqual(answer)
                  else expect(before.kind).toBeDefined()
                  us = at
                }
                const result = gate.admit(cost, us / 1000)
                // Only the requests in flight can stand in the way at the time that was named: no time tells when they end.
                expect(result.kind === undefined).toBe(open.length < most)
                if (result.kind === undefined) open.push([result, twin.admit(cost, us / 1000) as Reservation])
              }
              expect(gate.inFlight).toBe(open.length)
              expect(stateOf(gate, row, us)).toBe(stateOf(twin, row, us))
            }
          },
        ),
        runs(RUNS),
      )
    })

    test('a refund, of a raised reservation too, permits no more than if as little had been reserved', () => {
      fc.assert(
        fc.property(
          modestRow,
          jitter,
          traffic({ maxLength: 50 }),
          fc.array(share, { minLength: 1, maxLength: 10 }),
          (row, jitterUs, steps, shares) => {
            const [gate, small] = [gateOf(row, jitterUs, 0), gateOf(row, jitterUs, 0)]
            const open: { reservation: Reservation; actual: Cost }[] = []
            let us = 0
            let count = 0
            for (const step of steps) {
              if (step.does === 'idle') us += step.us
              if (step.does === 'hold') hold([gate, small], step, us)
              if (step.does === 'settle' && open.length > 0) {
                const [{ reservation, actual }] = open.splice(step.which % open.length, 1) as [(typeof open)[0]]
                if (step.share > 0.5) {
                  gate.raise(reservation, tokens(reservation.cost.inputTokens * (1 + (step.which % 3))), us / 1000)
                }
                gate.settle(reservation, actual, us / 1000)
              }
              if (step.does === 'ask') {
                const cost = tokens(amountOf(step.size, row))
                if (step.waits) us = Math.max(us, startUsOf(gate.earliest(cost, us / 1000)))
                const result = gate.admit(cost, us / 1000)
                if (result.kind !== undefined) continue
                const part = shares[count++ % shares.length]!
                const actual = tokens(Math.round(cost.inputTokens * part), part < 0.1 ? 0 : 1)
                expect(small.admit(actual, us / 1000).kind).toBeUndefined()
                open.push({ reservation: result, actual })
              }
              const permitted = outlook(small, row, us)
              const sooner = outlook(gate, row, us).filter((at, i) => at < permitted[i]!)
              if (sooner.length > 0) throw new Error(`too soon: ${sooner} where ${permitted} is permitted`)
            }
          },
        ),
        runs(RUNS),
      )
    })

    test('no minute holds more than its limits', () => {
      fc.assert(
        fc.property(modestRow, jitter, traffic({ holds: true, maxLength: 60 }), (row, jitterUs, steps) => {
          const gate = gateOf(row, jitterUs, 0)
          const log: { us: number; amount: number }[] = []
          const open: [Reservation, (typeof log)[0]][] = []
          let us = 0
          for (const step of steps) {
            if (step.does === 'idle') us += step.us
            if (step.does === 'hold') hold([gate], step, us)
            if (step.does === 'settle' && open.length > 0) {
              const [[reservation, entry]] = open.splice(step.which % open.length, 1) as [(typeof open)[0]]
              entry.amount = Math.round(entry.amount * step.share)
              gate.settle(reservation, tokens(entry.amount), us / 1000)
            }
            if (step.does !== 'ask') continue
            const cost = tokens(amountOf(step.size, row))
            if (step.waits) us = Math.max(us, startUsOf(gate.earliest(cost, us / 1000)))
            const result = gate.admit(cost, us / 1000)
            if (result.kind !== undefined) continue
            const entry = { us, amount: cost.inputTokens }
            log.push(entry)
            open.push([result, entry])
            const minute = log.filter((each) => each.us > us - MINUTE_US)
            const used = minute.reduce((sum, { amount }) => sum + amount, 0)
            const shares = [minute.length / (row.rpm ?? Infinity), used / (row.tpm ?? Infinity)]
            expect(Math.max(...shares)).toBeLessThanOrEqual(limitsInMinute)
          }
        }),
        runs(RUNS),
      )
    })

    test('a clock that runs backward adds no room and no wait', () => {
      const backs = fc.array(fc.nat(90_000_000), { minLength: 1, maxLength: 10 })
      fc.assert(
        fc.property(
          modestRow,
          jitter,
          traffic({ holds: true, maxLength: 40 }),
          backs,
          (row, jitterUs, steps, backs) => {
            const [gate, late] = [gateOf(row, jitterUs, 0), gateOf(row, jitterUs, 0)]
            const open: [Reservation, Reservation][] = []
            let us = 0
            for (const [i, step] of steps.entries()) {
              if (step.does === 'idle') us += step.us
              late.room(us / 1000)
              // What the one gate is asked at `us`, the other is asked at a time before it, and knows better.
              const backUs = us - backs[i % backs.length]!
              if (step.does === 'hold') {
                hold([gate], step, us)
                late.hold((us + step.us) / 1000, step.empties, backUs / 1000)
              }
              if (step.does === 'settle' && open.length > 0) {
                const [[one, other]] = open.splice(step.which % open.length, 1) as [[Reservation, Reservation]]
                const actual = tokens(Math.round(one.cost.inputTokens * step.share))
                gate.settle(one, actual, us / 1000)
                late.settle(other, actual, backUs / 1000)
              }
              if (step.does === 'ask') {
                const cost = tokens(amountOf(step.size, row))
                const at = startOf(gate.earliest(cost, us / 1000))
                expect(startOf(late.earliest(cost, backUs / 1000))).toBe(at)
                const result = gate.admit(cost, us / 1000)
                const before = late.admit(cost, backUs / 1000)
                if (result.kind !== undefined) expect(before).toEqual(result)
                // A gate may also name the present.
                const other = before.kind === undefined ? before : late.admit(cost, us / 1000)
                expect(other.kind).toBe(result.kind)
                if (result.kind === undefined) open.push([result, other as Reservation])
              }
              expect(stateOf(late, row, us)).toBe(stateOf(gate, row, us))
            }
          },
        ),
        runs(RUNS),
      )
    })
  })
}
