import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import type { WindowKind } from '../../src/types.js'
import { countedIn, type Row, type ServerKind, serverLimits, ServerOracle } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, anyRow, coarseTpm, gateOf, jitter, start, type Step, tokens, traffic } from './traffic.js'

interface Sent {
  readonly at: number
  readonly reservation: Reservation
  /** What the server counts: what was used, never more than was reserved. */
  used: number
}

/** What a gate lets through, refunds included. */
function sentBy(row: Row, jitterUs: number, startUs: number, window: WindowKind, steps: readonly Step[]): Sent[] {
  const gate = gateOf(row, jitterUs, startUs, window)
  const sent: Sent[] = []
  const open: Sent[] = []
  let us = startUs
  for (const step of steps) {
    if (step.does === 'idle') us += step.us
    if (step.does === 'settle' && open.length > 0) {
      const [settled] = open.splice(step.which % open.length, 1)
      settled!.used = Math.round(settled!.used * step.share)
      gate.settle(settled!.reservation, tokens(settled!.used), us / 1000)
    }
    if (step.does !== 'ask') continue
    const cost = tokens(amountOf(step.size, row))
    const answer = gate.earliest(cost, us / 1000)
    if (answer.kind === 'not-before' && step.waits) us = Math.max(us, Math.round(answer.at * 1000))
    const reservation = gate.admit(cost, us / 1000)
    if (reservation.kind !== undefined) continue
    const entry = { at: us, reservation, used: cost.inputTokens }
    sent.push(entry)
    open.push(entry)
  }
  return sent
}

/** Sends each with its delay, in [d, d + J], to a server of each kind and limit; none may refuse any. */
function expectNoRefusal(
  row: Row,
  sent: readonly Sent[],
  kinds: readonly ServerKind[],
  phase: number,
  delays: (i: number) => number,
): void {
  const arriving = sent
    .map((entry, i) => ({ at: entry.at + delays(i), cost: tokens(entry.used) }))
    .toSorted((a, b) => a.at - b.at)
  for (const limit of serverLimits(row)) {
    for (const kind of kinds) {
      const server = new ServerOracle(limit, kind, Math.floor(phase * limit.windowUs))
      const refused = arriving.find(({ at, cost }) => !server.take(countedIn(cost, limit.counts), at))
      expect(refused, `refused by ${kind} of ${limit.amount}/${limit.per} ${limit.counts}`).toBeUndefined()
    }
  }
}

/** The share of J by which one is late: not at all and in full are the hardest. */
const lateness = fc.array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
  minLength: 1,
  maxLength: 20,
  size: 'max',
})
const delay = fc.constantFrom(0, 35_000, 1_500_000)
const phase = fc.double({ min: 0, max: 1, noNaN: true })

function property(row: fc.Arbitrary<Row>, window: WindowKind, kinds: readonly ServerKind[]) {
  return fc.property(
    fc.tuple(row, jitter, start, phase, delay, lateness),
    traffic({ maxLength: 120 }),
    ([row, jitterUs, startUs, phase, delayUs, late], steps) => {
      const sent = sentBy(row, jitterUs, startUs, window, steps)
      const delays = (i: number): number => delayUs + Math.round(late[i % late.length]! * jitterUs)
      expectNoRefusal(row, sent, kinds, phase, delays)
    },
  )
}

const everyKind: readonly ServerKind[] = ['fixed', 'sliding', 'bucket']

describe('no server refuses what a gate lets through, each delayed by something in [d, d + J]', () => {
  test('whatever the server counts by, when nothing is known of it', () => {
    fc.assert(property(anyRow, 'unknown', everyKind), runs(cases(400, 2000)))
  })

  test.each([
    [
      'requests alone',
      fc.record({ rpm: fc.constantFrom(1, 10, 60, 100, 130, 179, 200, 600), perSecond: fc.boolean() }),
    ],
    ['tokens alone', fc.record({ tpm: fc.integer({ min: 1, max: 100_000 }), perSecond: fc.boolean() })],
    ['coarse ticks', fc.record({ tpm: coarseTpm, perSecond: fc.boolean() })],
  ] as [string, fc.Arbitrary<Row>][])('with %s', (_, row) => {
    fc.assert(property(row, 'unknown', everyKind), runs(cases(200, 800)))
  })

  test('in fixed or sliding windows, when these are known and no bucket paces it', () => {
    fc.assert(property(anyRow, 'sliding', ['fixed', 'sliding']), runs(cases(200, 800)))
  })

  test('by a bucket as deep as the limit, when that is known and no window bounds it', () => {
    fc.assert(property(anyRow, 'bucket', ['bucket']), runs(cases(400, 2000)))
  })

  test('by sliding counters, when these are known', () => {
    fc.assert(property(anyRow, 'counter', ['counter']), runs(cases(400, 2000)))
  })

  test.each([
    ['a few requests', fc.record({ rpm: fc.integer({ min: 1, max: 200 }), perSecond: fc.boolean() })],
    ['a few tokens', fc.record({ tpm: fc.integer({ min: 1, max: 2000 }), perSecond: fc.boolean() })],
  ] as [string, fc.Arbitrary<Row>][])('by sliding counters of %s', (_, row) => {
    fc.assert(property(row, 'counter', ['counter']), runs(cases(200, 800)))
  })

  test('one that is taken for another kind does refuse some', () => {
    for (const kind of ['fixed', 'sliding', 'bucket'] as const) {
      expect(fc.check(property(anyRow, kind, ['counter']), { ...runs(2000), endOnFailure: true }).failed).toBe(true)
    }
  })
})
