import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { JointGate } from '../../src/quota/joint-gate.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Limits } from '../../src/types.js'
import { profileOf, tokens } from '../property/traffic.js'
import { runs } from '../support/runs.js'

function gateOf(limits: Limits): ModelGate {
  return new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs: 0, idleSince: -Infinity }, 0)
}

/** Admits `count` requests, each as soon as it may; their times. */
function admitAll(gate: ModelGate | JointGate, count: number, from: number): number[] {
  let now = from
  return Array.from({ length: count }, () => {
    for (let answer = gate.admit(tokens(1), now); answer.kind !== undefined; answer = gate.admit(tokens(1), now)) {
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      now = answer.at
    }
    return now
  })
}

test('requests go one after another, the first at once', () => {
  const gate = gateOf({})
  gate.pace(4, 1000)
  expect(admitAll(gate, 4, 1000)).toEqual([1000, 1250, 1500, 1750])
  gate.pace(2, 1750)
  expect(admitAll(gate, 2, 1750)).toEqual([2250, 2750])
  gate.pace(undefined, 2750)
  expect(admitAll(gate, 3, 2750)).toEqual([2750, 2750, 2750])
})

test('a pause saves nothing up, a late start of some milliseconds is made up for', () => {
  const gate = gateOf({})
  gate.pace(10, 0)
  expect(admitAll(gate, 1, 0)).toEqual([0])
  expect(admitAll(gate, 3, 50_000)).toEqual([50_000, 50_100, 50_200])
  expect(admitAll(gate, 2, 50_320)).toEqual([50_320, 50_400])
})

test('what counts as no request is not paced, what counts as several takes as many places', () => {
  const gate = gateOf({})
  gate.pace(1, 0)
  expect(gate.admit(tokens(5, 3), 0).kind).toBeUndefined()
  expect(gate.admit(tokens(5, 0), 1).kind).toBeUndefined()
  expect(gate.earliest(tokens(5), 1)).toEqual({ kind: 'not-before', at: 3000 })
})

test('the limits and a hold stand beside it', () => {
  const gate = gateOf({ rpm: 2 })
  gate.pace(1, 0)
  expect(admitAll(gate, 3, 0)).toEqual([0, 1000, 60_000])
  gate.hold(200_000, 'none', 60_000)
  expect(admitAll(gate, 1, 60_000)).toEqual([200_000])
})

test('a higher pace makes room; whoever waits hears of it', () => {
  const gate = gateOf({})
  let heard = 0
  gate.onChange(() => heard++)
  gate.pace(1, 0)
  gate.admit(tokens(1), 0)
  gate.pace(0.5, 0)
  expect(heard).toBe(0)
  gate.pace(4, 0)
  expect(heard).toBe(1)
  gate.pace(undefined, 0)
  expect(heard).toBe(2)
})

test('a joint gate paces its own, and is paced by the account’s', () => {
  const account = gateOf({})
  const gate = new JointGate(gateOf({}), account)
  const other = new JointGate(gateOf({}), account)
  gate.pace(2, 0)
  expect(admitAll(gate, 2, 0)).toEqual([0, 500])
  expect(admitAll(other, 2, 500)).toEqual([500, 500])
  account.pace(1, 500)
  expect(admitAll(other, 2, 500)).toEqual([500, 1500])
  expect(admitAll(gate, 2, 1500)).toEqual([2500, 3500])
})

test('never above its rates, exact, and prediction right', () => {
  const step = fc.record({
    pace: fc.option(fc.double({ min: 0.05, max: 2000, noNaN: true }), { nil: undefined }),
    waitMs: fc.oneof(fc.nat(200), fc.nat(30_000)),
    count: fc.integer({ min: 1, max: 6 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const gate = gateOf({ rpm: 1e9 })
      let now = 0
      /** When the next one is due by what was admitted: kept apart from the gate, in ms. */
      let due = -Infinity
      let last = -Infinity
      let rate = Infinity
      const admitted = () => {
        last = now - due > 50 ? now : due
        due = last + 1000 / rate
      }
      for (const { pace, waitMs, count } of steps) {
        now += waitMs
        gate.pace(pace, now)
        if (pace === undefined || rate === Infinity) last = due = -Infinity
        rate = pace ?? Infinity
        if (last > -Infinity) due = last + 1000 / rate
        const predicted = gate.earliest(tokens(1), now, tokens(count, count))
        for (let i = 0; i < count; i++) {
          const answer = gate.earliest(tokens(1), now)
          if (answer.kind !== 'not-before') throw new Error(answer.kind)
          expect(answer.at).toBeGreaterThan(Math.max(now, due) - 0.002)
          expect(answer.at).toBeLessThan(Math.max(now, due) + 0.2)
          if (answer.at > now + 0.001) expect(gate.admit(tokens(1), answer.at - 0.001).kind).toBe('not-before')
          now = answer.at
          expect(gate.admit(tokens(1), now).kind).toBeUndefined()
          if (rate < Infinity) admitted()
        }
        expect(gate.earliest(tokens(1), now)).toEqual(predicted)
      }
    }),
    runs(300),
  )
})
