import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Cost, Limits, WindowKind } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'
import { runs } from '../support/runs.js'

const cost = (inputTokens: number, requests = 1): Cost => ({
  requests,
  inputTokens,
  outputTokens: 0,
  thinkingTokens: 0,
})
const sum = (costs: readonly Cost[]) =>
  cost(
    costs.reduce((all, { inputTokens }) => all + inputTokens, 0),
    costs.length,
  )

function gateOf(limits: Limits, window: WindowKind): ModelGate {
  return new ModelGate({ limits, profile: profileOf(window), networkJitterMs: 50, idleSince: -Infinity }, 0)
}

/** Admits each as soon as it may, in order; when the last was. */
function admitAll(gate: ModelGate, costs: readonly Cost[], from: number): number {
  let now = from
  for (const each of costs) {
    for (let answer = gate.admit(each, now); answer.kind !== undefined; answer = gate.admit(each, now)) {
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      now = answer.at
    }
  }
  return now
}

const predicted = (gate: ModelGate, ahead: readonly Cost[], last: Cost, now: number) => {
  const answer = gate.earliest(last, now, sum(ahead))
  if (answer.kind !== 'not-before') throw new Error(answer.kind)
  return answer.at
}

describe('when a request can start after those that wait before it', () => {
  test.each<WindowKind>(['sliding', 'bucket', 'unknown'])(
    'of requests alone: exactly, to a window’s end and beyond: %s',
    (window) => {
      const history = fc.array(fc.record({ count: fc.nat(8), idleMs: fc.nat(90_000) }), { maxLength: 6 })
      fc.assert(
        fc.property(history, fc.nat(40), fc.integer({ min: 2, max: 12 }), (steps, waiting, rpm) => {
          const gate = gateOf({ rpm }, window)
          let now = 0
          for (const { count, idleMs } of steps) {
            now =
              admitAll(
                gate,
                Array.from({ length: count }, () => cost(0)),
                now,
              ) + idleMs
          }
          const ahead = Array.from({ length: waiting }, () => cost(0))
          const at = predicted(gate, ahead, cost(0), now)
          const actual = admitAll(gate, [...ahead, cost(0)], now)
          if (window === 'unknown') {
            // Window and bucket together may be later than either: by less than a window.
            expect(actual).toBeGreaterThanOrEqual(at - 0.001)
            expect(actual - at).toBeLessThan(60_050)
          } else expect(actual).toBeCloseTo(at, 2)
        }),
        runs(500),
      )
    },
  )

  test('of tokens: never later than it is, and not much sooner', () => {
    const size = fc.integer({ min: 1, max: 300 })
    fc.assert(
      fc.property(fc.array(size, { maxLength: 40 }), size, (sizes, last) => {
        const gate = gateOf({ tpm: 1000 }, 'unknown')
        const ahead = sizes.map((tokens) => cost(tokens))
        const at = predicted(gate, ahead, cost(last), 0)
        const actual = admitAll(gate, [...ahead, cost(last)], 0)
        expect(actual).toBeGreaterThanOrEqual(at - 0.001)
        // In order, a window loses up to the size of a request.
        const windows = 1 + sum(ahead).inputTokens / 700
        expect(actual - at).toBeLessThanOrEqual(windows * 60_050)
      }),
      runs(200),
    )
  })

  test('a hold comes before all of it', () => {
    const gate = gateOf({ rpm: 2 }, 'sliding')
    gate.hold(5000, 'none', 0)
    expect(predicted(gate, [cost(0)], cost(0), 0)).toBe(5000)
    expect(predicted(gate, [cost(0), cost(0)], cost(0), 0)).toBe(65_050)
  })

  test('what depends on more than time is not predicted, what can never pass is said', () => {
    const gate = gateOf({ concurrency: 2, tpm: 100 }, 'sliding')
    expect(gate.earliest(cost(1), 0, sum([cost(1), cost(1)]))).toEqual({ kind: 'until-change' })
    expect(gate.earliest(cost(1), 0, sum([cost(1)]))).toEqual({ kind: 'not-before', at: 0 })
    expect(gate.earliest(cost(101), 0, cost(0, 0))).toMatchObject({ kind: 'never' })
  })
})
