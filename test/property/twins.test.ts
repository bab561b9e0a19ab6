import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from '../../src/quota/token-bucket.js'
import type { Reservation } from '../../src/quota/reservation.js'
import type { ModelGate } from '../../src/quota/model-gate.js'
import { ExactWindow } from '../../src/quota/windows/exact-window.js'
import type { Cost, WindowKind } from '../../src/types.js'
import type { Row } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, anyRow, gateOf, jitter, size, start, tokens, traffic } from './traffic.js'

/** When costs of several sizes would pass: all that can be seen of a gate from outside. */
function outlook(gate: ModelGate, row: Row, us: number): number[] {
  const tpm = row.tpm ?? 1
  const amounts = [1, tpm / 120, tpm / 60, tpm / 61, tpm / 10, tpm * 0.999, tpm]
  const costs = amounts.flatMap((amount) => {
    const whole = Math.max(1, Math.floor(amount))
    return [tokens(whole), tokens(whole, 0)]
  })
  return costs.map((cost) => {
    const answer = gate.earliest(cost, us / 1000)
    return answer.kind === 'not-before' ? answer.at : Infinity
  })
}

function everythingOf(gate: ModelGate, row: Row, us: number): unknown {
  return {
    outlook: outlook(gate, row, us),
    room: gate.room(us / 1000),
    totals: gate.totals,
    inFlight: gate.inFlight,
    heldUntil: gate.heldUntil,
  }
}

function admitted(gate: ModelGate, cost: Cost, us: number): Reservation {
  const admission = gate.admit(cost, us / 1000)
  if (admission.kind !== undefined) throw new Error(`refused: ${JSON.stringify(admission)}`)
  return admission
}

describe('a refusal', () => {
  test('changes nothing: the gate goes on as a twin that was never asked', () => {
    fc.assert(
      fc.property(anyRow, jitter, start, traffic({ excess: true, holds: true }), (row, jitterUs, startUs, steps) => {
        const asked = gateOf(row, jitterUs, startUs)
        const twin = gateOf(row, jitterUs, startUs)
        const open: [Reservation, Reservation][] = []
        let us: number = startUs
        for (const step of steps) {
          if (step.does === 'idle') us += step.us
          if (step.does === 'hold')
            for (const g of [asked, twin]) g.hold((us + step.us) / 1000, step.empties, us / 1000)
          if (step.does === 'settle' && open.length > 0) {
            const [[one, other]] = open.splice(step.which % open.length, 1) as [[Reservation, Reservation]]
            const actual = tokens(Math.round(one.cost.inputTokens * step.share))
            asked.settle(one, actual, us / 1000)
            twin.settle(other, actual, us / 1000)
          }
          if (step.does === 'ask') {
            const cost = tokens(amountOf(step.size, row))
            const first = asked.admit(cost, us / 1000)
            if (first.kind === undefined) open.push([first, admitted(twin, cost, us)])
            else expect(asked.admit(cost, us / 1000)).toEqual(first)
            const tooLarge = asked.admit(tokens((row.tpm ?? 0) + 1), us / 1000)
            if (row.tpm !== undefined) expect(tooLarge.kind).toBe('never')
            else if (tooLarge.kind === undefined) open.push([tooLarge, admitted(twin, tooLarge.cost, us)])
          }
          expect(everythingOf(asked, row, us)).toEqual(everythingOf(twin, row, us))
        }
      }),
      runs(cases(60, 300)),
    )
  })
})

describe('a refund', () => {
  test('never permits more than if the reservation had been as small as that from the start', () => {
    fc.assert(
      fc.property(
        anyRow,
        jitter,
        fc.constantFrom<WindowKind>('unknown', 'bucket', 'sliding', 'counter'),
        traffic({ holds: true, maxLength: 80 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 10 }),
        (row, jitterUs, window, steps, shares) => {
          const gate = gateOf(row, jitterUs, 0, window)
          const twin = gateOf(row, jitterUs, 0, window)
          const open: { reservation: Reservation; actual: Cost }[] = []
          let us = 0
          let count = 0
          for (const step of steps) {
            if (step.does === 'idle') us += step.us
            if (step.does === 'hold')
              for (const g of [gate, twin]) g.hold((us + step.us) / 1000, step.empties, us / 1000)
            if (step.does === 'settle' && open.length > 0) {
              const [{ reservation, actual }] = open.splice(step.which % open.length, 1) as [(typeof open)[0]]
              gate.settle(reservation, actual, us / 1000)
            }
            if (step.does === 'ask') {
              const cost = tokens(amountOf(step.size, row))
              const answer = gate.earliest(cost, us / 1000)
              if (answer.kind === 'not-before' && step.waits) us = Math.max(us, Math.round(answer.at * 1000))
              const admission = gate.admit(cost, us / 1000)
              if (admission.kind !== undefined) continue
              const share = shares[count++ % shares.length]!
              const actual = tokens(Math.round(cost.inputTokens * share), share < 0.1 ? 0 : 1)
              admitted(twin, actual, us)
              open.push({ reservation: admission, actual })
            }
            const ours = outlook(gate, row, us)
            const twins = outlook(twin, row, us)
            for (const [i, at] of ours.entries()) expect(at).toBeGreaterThanOrEqual(twins[i]!)
          }
        },
      ),
      runs(cases(80, 800)),
    )
  })
})

/** What the shallowest bucket and the narrowest window of tokens take at once. */
function depthOf(tpm: number, perSecond: boolean, jitterUs: number): number {
  const windowUs = perSecond ? 1_000_000 : 60_000_000
  const depth = Math.floor((tpm * (windowUs - jitterUs)) / 60_000_000)
  // Ticks coarser than a microsecond cost one of them.
  return tpm < 75_000_000 ? depth : depth - Math.ceil(tpm / 60_000)
}

describe('a charge of a + b', () => {
  test('and charges of a and of b at one instant leave the same gate', () => {
    fc.assert(
      fc.property(
        anyRow,
        jitter,
        start,
        traffic(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (...[row, jitterUs, startUs, steps, part]) => {
          const whole = gateOf(row, jitterUs, startUs)
          const parts = gateOf(row, jitterUs, startUs)
          let us: number = startUs
          for (const step of steps) {
            if (step.does === 'idle') us += step.us
            if (step.does !== 'ask') continue
            const amount = amountOf(step.size, row)
            const answer = whole.earliest(tokens(amount), us / 1000)
            if (answer.kind === 'not-before' && step.waits) us = Math.max(us, Math.round(answer.at * 1000))
            // One above the depth of a bucket passes only alone, so its parts would not both.
            if (row.tpm !== undefined && amount > depthOf(row.tpm, row.perSecond, jitterUs)) continue
            if (whole.admit(tokens(amount), us / 1000).kind !== undefined) continue
            const first = Math.round(amount * part)
            admitted(parts, tokens(first), us)
            admitted(parts, tokens(amount - first, 0), us)
            expect(outlook(parts, row, us)).toEqual(outlook(whole, row, us))
          }
        },
      ),
      runs(cases(100, 300)),
    )
  })

  const charges = fc.array(
    fc.record({
      gapUs: fc.integer({ min: 0, max: 400_000 }),
      a: fc.integer({ min: 1, max: 900 }),
      b: fc.integer({ min: 1, max: 900 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  const ask = [1, 10, 99, 100, 101, 500]

  test('leave the same bucket, in debt or not', () => {
    fc.assert(
      fc.property(charges, (charges) => {
        const rule = { amount: 100, periodUs: 1_000_000, burstUs: 950_000, jitterUs: 50_000, refundableUs: 1_050_000 }
        const whole = new TokenBucket(rule, 0, 0, 1)
        const parts = new TokenBucket(rule, 0, 0, 1)
        let us = 0
        let seq = 0
        for (const { gapUs, a, b } of charges) {
          us += gapUs
          whole.charge(a + b, us, ++seq)
          parts.charge(a, us, seq)
          parts.charge(b, us, ++seq)
          expect(ask.map((n) => parts.earliestUs(n, us))).toEqual(ask.map((n) => whole.earliestUs(n, us)))
        }
      }),
      runs(cases(100, 200)),
    )
  })

  test('leave the same window, overfull or not', () => {
    fc.assert(
      fc.property(charges, (charges) => {
        const rule = { limit: 100, spanUs: 1_050_000, takesLargeAlone: true }
        const whole = new ExactWindow(rule, 1)
        const parts = new ExactWindow(rule, 1)
        let us = 0
        let seq = 0
        for (const { gapUs, a, b } of charges) {
          us += gapUs
          whole.charge(a + b, us, ++seq)
          parts.charge(a, us, seq)
          parts.charge(b, us, ++seq)
          expect(ask.map((n) => parts.earliestUs(n, us))).toEqual(ask.map((n) => whole.earliestUs(n, us)))
          expect(parts.used(us)).toBe(whole.used(us))
        }
      }),
      runs(cases(100, 200)),
    )
  })
})

describe('a clock that runs backward or jumps', () => {
  const jumps = fc.array(fc.integer({ min: -100_000_000, max: 100_000_000 }), { minLength: 1, maxLength: 20 })
  const readings = fc.tuple(
    fc.oneof(jumps, fc.constant([0])),
    fc.array(fc.record({ size, us: fc.integer({ min: -3_000_000, max: 3_000_000 }) }), {
      minLength: 1,
      maxLength: 60,
      size: 'max',
    }),
  )

  test('adds no capacity: the gate answers as one whose clock stood still meanwhile', () => {
    fc.assert(
      fc.property(anyRow, jitter, start, readings, (row, jitterUs, startUs, [jumps, asked]) => {
        const gate = gateOf(row, jitterUs, startUs)
        const still = gateOf(row, jitterUs, startUs)
        let us: number = startUs
        let latest: number = startUs
        for (const [i, { size, us: passed }] of asked.entries()) {
          us += passed + (i % 4 === 0 ? jumps[(i / 4) % jumps.length]! : 0)
          latest = Math.max(latest, us)
          const cost = tokens(amountOf(size, row))
          const admission = gate.admit(cost, us / 1000)
          expect(admission).toEqual(still.admit(cost, latest / 1000))
          expect(everythingOf(gate, row, us)).toEqual(everythingOf(still, row, latest))
        }
      }),
      runs(cases(80, 300)),
    )
  })

  test('makes no wait longer than the windows and the debt of what was charged', () => {
    fc.assert(
      fc.property(anyRow, jitter, start, readings, (row, jitterUs, startUs, [jumps, asked]) => {
        const gate = gateOf(row, jitterUs, startUs)
        let us: number = startUs
        let latest: number = startUs
        for (const [i, { size, us: passed }] of asked.entries()) {
          us += passed + (i % 4 === 0 ? jumps[(i / 4) % jumps.length]! : 0)
          latest = Math.max(latest, us)
          const cost = tokens(amountOf(size, row))
          const answer = gate.earliest(cost, us / 1000)
          if (answer.kind !== 'not-before') throw new Error(answer.kind)
          expect(Number.isFinite(answer.at)).toBe(true)
          // A minute's window or a minute's debt in a bucket, J twice, and the two ticks of a coarse one.
          expect(answer.at * 1000 - latest).toBeLessThanOrEqual(2 * 60_000_000 + 2 * jitterUs + 2000)
          admitted(gate, cost, Math.round(answer.at * 1000))
          us = Math.max(us, Math.round(answer.at * 1000))
          latest = us
        }
      }),
      runs(cases(80, 200)),
    )
  })
})
