import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Reservation } from '../../src/quota/reservation.js'
import { countedIn, type Row, serverLimits, ServerOracle } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, anyRow, jitter, limitsOf, profileOf, start, type Step, tokens, traffic } from './traffic.js'

interface Sent {
  readonly at: number
  readonly reservation: Reservation
  used: number
}

/** Told after so many steps: a phase that is `early` and `late` µs wider than the truth; undefined: that nothing is known. */
type Telling =
  | { readonly after: number; readonly early: number; readonly late: number; readonly validUs: number }
  | { readonly after: number; readonly early: undefined }

/** `counted`: when what is sent at 0 is counted at the earliest, by the server's clock. */
function sentBy(
  row: Row,
  jitterUs: number,
  startUs: number,
  counted: number,
  steps: readonly Step[],
  tellings: readonly Telling[],
): Sent[] {
  const profile = { ...profileOf('fixed'), windowPhase: 'clock' } as const
  const options = { limits: limitsOf(row), profile, networkJitterMs: jitterUs / 1000, idleSince: startUs / 1000 }
  const gate = new ModelGate(options, startUs / 1000)
  const sent: Sent[] = []
  const open: Sent[] = []
  let us = startUs
  let untilUs = Infinity
  for (const [index, step] of steps.entries()) {
    for (const told of tellings) {
      if (told.after !== index) continue
      const phase =
        told.early === undefined
          ? undefined
          : {
              fromMs: (counted - told.early) / 1000,
              toMs: (counted + jitterUs + told.late) / 1000,
              untilMs: (us + told.validUs) / 1000,
            }
      gate.setClockPhase(phase, us / 1000)
      untilUs = told.early === undefined ? Infinity : us + told.validUs
    }
    if (step.does === 'idle') us += step.us
    if (step.does === 'settle' && open.length > 0) {
      const [settled] = open.splice(step.which % open.length, 1)
      settled!.used = Math.round(settled!.used * step.share)
      gate.settle(settled!.reservation, tokens(settled!.used), us / 1000)
    }
    if (step.does !== 'ask') continue
    const cost = tokens(amountOf(step.size, row))
    const answer = gate.earliest(cost, us / 1000)
    const askedUs = us
    if (answer.kind === 'not-before' && step.waits) {
      const at = Math.max(us, Math.round(answer.at * 1000))
      if (at > us && gate.admit(cost, (at - 1) / 1000).kind === undefined) throw new Error(`admitted before ${at} µs`)
      us = at
    }
    const reservation = gate.admit(cost, us / 1000)
    if (reservation.kind !== undefined) {
      // What is known no more changes answers as what is told does.
      const isAsTold = answer.kind === 'not-before' && !(untilUs > askedUs && untilUs <= us)
      if (step.waits && isAsTold) throw new Error(`not admitted at ${us} µs`)
      continue
    }
    const entry = { at: us, reservation, used: cost.inputTokens }
    sent.push(entry)
    open.push(entry)
  }
  return sent
}

const slack = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 0, max: 600_000 }))
const after = fc.oneof(fc.constant(0), fc.nat(100))
const telling: fc.Arbitrary<Telling> = fc.oneof(
  {
    arbitrary: fc.record({
      after,
      early: slack,
      late: slack,
      validUs: fc.constantFrom(1e12, 1e12, 700_000, 30_000_000),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ after, early: fc.constant(undefined) }), weight: 1 },
)
const lateness = fc.array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
  minLength: 1,
  maxLength: 20,
  size: 'max',
})
const counted = fc.oneof(
  fc.constantFrom(0, 35_000, 1_790_000_000_123_456, -1_234_567),
  fc.integer({ min: -60_000_000, max: 60_000_000 }),
)

describe('windows that begin by the server’s clock', () => {
  test('none is over its limit, and no answer is early or late, whatever is known of the clock', () => {
    fc.assert(
      fc.property(
        fc.tuple(anyRow, jitter, start, counted, lateness),
        fc.array(telling, { minLength: 1, maxLength: 6 }),
        traffic({ maxLength: 120 }),
        ([row, jitterUs, startUs, counted, late], tellings, steps) => {
          const sent = sentBy(row, jitterUs, startUs, counted, steps, tellings)
          const arriving = sent
            .map(({ at, used }, i) => ({
              at: at + counted + Math.round(late[i % late.length]! * jitterUs),
              cost: tokens(used),
            }))
            .toSorted((a, b) => a.at - b.at)
          for (const limit of serverLimits(row)) {
            const server = new ServerOracle(limit, 'fixed', 0)
            const refused = arriving.find(({ at, cost }) => !server.take(countedIn(cost, limit.counts), at))
            expect(refused, `refused by ${limit.amount}/${limit.per} ${limit.counts}`).toBeUndefined()
          }
        },
      ),
      runs(cases(500, 3000)),
    )
  })
})
