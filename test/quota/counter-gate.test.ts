import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { limitRules } from '../../src/quota/limit-rules.js'
import type { Limits } from '../../src/types.js'
import { amountOf, anyRow, gateOf, jitter, profileOf, start, tokens, traffic } from '../property/traffic.js'
import { runs } from '../support/runs.js'

/** After so long, in ms, nothing of a second counts, with a J of 50 ms and the slot that a charge is counted in. */
const GONE = 2050.999

function counterGate(limits: Limits): ModelGate {
  return new ModelGate({ limits, profile: profileOf('counter'), networkJitterMs: 50, idleSince: 0 }, 0)
}

function admitted(gate: ModelGate, amount: number, now: number): Reservation {
  const admission = gate.admit(tokens(amount), now)
  if (admission.kind !== undefined) throw new Error(`refused: ${JSON.stringify(admission)}`)
  return admission
}

describe('a gate before a sliding counter', () => {
  test('names the time exactly: a microsecond before it refuses, and then it admits', () => {
    fc.assert(
      fc.property(anyRow, jitter, start, traffic({ excess: true }), (row, jitterUs, startUs, steps) => {
        const gate = gateOf(row, jitterUs, startUs, 'counter')
        const open: Reservation[] = []
        let us: number = startUs
        for (const step of steps) {
          if (step.does === 'idle') us += step.us
          if (step.does === 'settle' && open.length > 0) {
            const [settled] = open.splice(step.which % open.length, 1)
            gate.settle(settled!, tokens(Math.round(settled!.cost.inputTokens * step.share)), us / 1000)
          }
          if (step.does !== 'ask') continue
          const amount = amountOf(step.size, row)
          const answer = gate.earliest(tokens(amount), us / 1000)
          if (answer.kind !== 'not-before') throw new Error(answer.kind)
          const at = Math.round(answer.at * 1000)
          if (at > us) {
            expect(gate.admit(tokens(amount), us / 1000)).toEqual(answer)
            if (!step.waits) continue
            expect(gate.admit(tokens(amount), (at - 1) / 1000)).toEqual(answer)
            us = at
          }
          open.push(admitted(gate, amount, us / 1000))
        }
      }),
      runs(500),
    )
  })

  test('lets one request a second go when nothing of the last counts', () => {
    const gate = counterGate({ rps: 1 })
    admitted(gate, 1, 0)
    expect(gate.admit(tokens(1), 0)).toEqual({ kind: 'not-before', at: GONE })
    admitted(gate, 1, GONE)
  })

  test('lets less than one a second go alone', () => {
    const gate = counterGate({ rps: 0.5 })
    admitted(gate, 1, 0)
    expect(gate.admit(tokens(1), 0)).toEqual({ kind: 'not-before', at: GONE })
  })

  test('holds the fraction of a few requests, and whole ones of many', () => {
    const of = (rps: number) => limitRules({ rps }, profileOf('counter'), undefined, 50)[0]!.counter
    expect(of(100 / 60)).toMatchObject({ limit: 100, weight: 60 })
    expect(of(2)).toMatchObject({ limit: 2, weight: 1 })
    expect(of(5000 / 60)).toMatchObject({ limit: 83, weight: 1 })
  })

  test('lets what is above a second go alone, and never what is above a minute', () => {
    const gate = counterGate({ tpm: 6000, tps: 100 })
    admitted(gate, 10, 0)
    expect(gate.admit(tokens(101), 0)).toEqual({ kind: 'not-before', at: GONE })
    expect(gate.admit(tokens(6001), 0)).toMatchObject({ kind: 'never', limit: 'tpm' })
  })

  test('keeps what counts when limits or J change', () => {
    const gate = counterGate({ tps: 100 })
    admitted(gate, 60, 0)
    gate.setLimits({ tps: 50 }, 0)
    expect(gate.room(0)).toEqual([{ limit: 'tps', effective: 50, used: 60 }])
    gate.setLimits({ tps: 60 }, 0)
    // A sixtieth of it is gone a sixtieth of a second after W + J.
    expect(gate.admit(tokens(1), 0)).toEqual({ kind: 'not-before', at: 1050.999 + 16.667 })
    gate.setNetworkJitter(100, 0)
    expect(gate.admit(tokens(1), 0)).toEqual({ kind: 'not-before', at: 1100.999 + 16.667 })
  })
})
