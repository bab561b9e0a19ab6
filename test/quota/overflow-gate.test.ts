import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Gate } from '../../src/quota/gate.js'
import { NO_COST, type Reservation } from '../../src/quota/reservation.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { OverflowGate } from '../../src/quota/overflow-gate.js'
import type { Cost, Limits } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'
import { runs } from '../support/runs.js'
import { gateContract, type GateSpec, type MadeGate } from './gate-contract.js'

const MINUTE = 60_000
const gateOf = (limits: Limits) =>
  new ModelGate({ limits, profile: profileOf('sliding'), networkJitterMs: 0, idleSince: -MINUTE }, 0)
const costOf = (inputTokens: number, outputTokens = 0): Cost => ({
  requests: 1,
  inputTokens,
  outputTokens,
  thinkingTokens: 0,
})
const usedOf = (gate: Gate, now: number) => Object.fromEntries(gate.room(now).map(({ limit, used }) => [limit, used]))

/** A throughput of 1,000 and 500 that overflows to a model of 20 requests and 3,000 tokens. */
function setup(maxInputTokens = 800, publicLimits: Limits = { rpm: 20, tpm: 3000 }) {
  const own = gateOf({ inputTpm: 1000, outputTpm: 500 })
  const other = gateOf(publicLimits)
  const gate = new OverflowGate(own, { gate: () => other, maxInputTokens })
  const admit = (cost: Cost, now = 0): Reservation => {
    const admission = gate.admit(cost, now)
    if (admission.kind !== undefined) throw new Error(JSON.stringify(admission))
    return admission
  }
  const used = (now = 0) => ({ own: usedOf(own, now), other: usedOf(other, now) })
  return { own, other, gate, admit, used }
}

/** A gate that overflows to one of the same limits, and has just overflowed or not. */
function overflowing({ now, ...options }: GateSpec, hasOverflowed: boolean): MadeGate {
  const [own, other] = [0, 1].map(() => new ModelGate({ ...options, profile: profileOf('unknown') }, now))
  const gate = new OverflowGate(own!, { gate: () => other, maxInputTokens: Infinity })
  if (hasOverflowed) {
    const first = gate.admit(NO_COST, now) as Reservation
    gate.overflowed(first, now)
    gate.settle(first, NO_COST, now)
  }
  const setLimits = (limits: Limits, at: number): void => {
    other!.setLimits(limits, at)
    gate.setLimits(limits, at)
  }
  return { gate, setLimits }
}

gateContract(
  'a gate without an overflow',
  ({ now, ...options }) => ({
    gate: new OverflowGate(new ModelGate({ ...options, profile: profileOf('unknown') }, now), undefined),
  }),
  { holdEmpties: true, limitsInMinute: 1 },
)
gateContract('a gate that may overflow', (spec) => overflowing(spec, false), { holdEmpties: false, limitsInMinute: 1 })
gateContract('a gate that has overflowed', (spec) => overflowing(spec, true), { holdEmpties: false, limitsInMinute: 1 })

describe('a gate that overflows', () => {
  test('is held by its own limits alone until something has overflowed', () => {
    const { gate, admit, used } = setup()
    admit(costOf(600, 200))
    expect(gate.admit(costOf(600), 0)).toEqual({ kind: 'not-before', at: MINUTE })
    expect(used()).toEqual({ own: { inputTpm: 600, outputTpm: 200 }, other: { rpm: 0, tpm: 0 } })
  })

  test('sends to the other limits at once what its own can never take', () => {
    const { gate, admit, used } = setup()
    admit(costOf(1000 - 200, 500))
    for (const cost of [costOf(801), costOf(10, 501)]) {
      expect(gate.impossible(cost)).toBeUndefined()
      expect(gate.earliest(cost, 0)).toEqual({ kind: 'not-before', at: 0 })
      admit(cost)
    }
    expect(used()).toEqual({ own: { inputTpm: 800, outputTpm: 500 }, other: { rpm: 2, tpm: 801 + 511 } })
    expect(gate.admit(costOf(2000), 0)).toEqual({ kind: 'not-before', at: MINUTE })
    expect(gate.impossible(costOf(3001))).toEqual({ kind: 'never', limit: 'tpm', effective: 3000, amount: 3001 })
    expect(gate.mostOutput(100)).toBe(500)
    expect(gate.mostOutput(900)).toBe(2100)
    expect(gate.shareOf(costOf(900))).toBe(0.3)
    expect(gate.shareOf(costOf(100))).toBe(0.1)
  })

  test('charges the other limits with what overflowed, and settles both by what was used', () => {
    const { gate, admit, used } = setup()
    const reservation = admit(costOf(600, 200))
    gate.overflowed(reservation, 10)
    gate.overflowed(reservation, 10)
    expect(used(10)).toEqual({ own: { inputTpm: 600, outputTpm: 200 }, other: { rpm: 1, tpm: 800 } })
    gate.raise(reservation, costOf(600, 300), 20)
    expect(used(20)).toEqual({ own: { inputTpm: 600, outputTpm: 300 }, other: { rpm: 1, tpm: 900 } })
    expect(gate.settle(reservation, costOf(600, 50), 30)).toBe(true)
    expect(gate.settle(reservation, costOf(600, 50), 30)).toBe(false)
    expect(used(30)).toEqual({ own: { inputTpm: 600, outputTpm: 50 }, other: { rpm: 1, tpm: 650 } })
    expect(gate.inFlight).toBe(0)
  })

  test('asks for room in both for two minutes after that', () => {
    const { gate, admit, used, other } = setup()
    gate.overflowed(admit(costOf(1)), 0)
    other.admit(costOf(2900), 0)
    expect(gate.admit(costOf(100), 0)).toEqual({ kind: 'not-before', at: MINUTE })
    expect(gate.earliest(costOf(100), 0)).toEqual({ kind: 'not-before', at: MINUTE })
    admit(costOf(99))
    expect(used()).toEqual({ own: { inputTpm: 100, outputTpm: 0 }, other: { rpm: 3, tpm: 3000 } })
    admit(costOf(100), 2 * MINUTE - 1)
    expect(used(2 * MINUTE - 1).other).toEqual({ rpm: 1, tpm: 100 })
    admit(costOf(100), 2 * MINUTE)
    expect(used(2 * MINUTE)).toEqual({ own: { inputTpm: 200, outputTpm: 0 }, other: { rpm: 1, tpm: 100 } })
  })

  test('one that the other limits never take is left to the own ones', () => {
    const { gate, admit } = setup(800, { tpm: 300 })
    gate.overflowed(admit(costOf(1)), 0)
    admit(costOf(400))
    expect(gate.impossible(costOf(400))).toBeUndefined()
  })

  test('a refusal is one of the other limits: nothing is learned of its own, and both are asked', () => {
    const { gate, admit, other } = setup()
    expect(gate.usedShares('tokens', 0, costOf(0))).toBeUndefined()
    gate.hold(5000, 'tokens', 0)
    other.admit(costOf(2900), 0)
    expect(gate.heldUntil).toBe(5000)
    expect(gate.admit(costOf(100), 0)).toEqual({ kind: 'not-before', at: 5000 })
    expect(gate.admit(costOf(200), 5000)).toEqual({ kind: 'not-before', at: MINUTE })
    admit(costOf(100), 5000)
  })

  test('what waits for a place that no time frees asks again', () => {
    const { gate, admit } = setup(800, { concurrency: 1 })
    const reservation = admit(costOf(900))
    expect(gate.admit(costOf(900), 100)).toEqual({ kind: 'not-before', at: 1100 })
    gate.settle(reservation, costOf(900), 200)
    admit(costOf(900), 300)
  })

  test('without other limits it is its own gate', () => {
    const { gate, own } = setup()
    gate.setOverflow(undefined)
    const reservation = gate.admit(costOf(600), 0) as Reservation
    gate.overflowed(reservation, 0)
    gate.hold(0, 'none', 0)
    expect(gate.admit(costOf(600), 0)).toEqual(own.admit(costOf(600), 0))
    expect(gate.impossible(costOf(2000))).toMatchObject({ kind: 'never', limit: 'inputTpm' })
    expect(gate.usedShares('tokens', 0, costOf(0))).toEqual({ minute: 0.6, second: 0.6 })
    expect(gate.settle(reservation, costOf(100), 0)).toBe(true)
  })

  test('what was admitted before they were known is settled, and what overflowed is heeded', () => {
    const { gate, own, other } = setup()
    const late = new OverflowGate(own, undefined)
    const reservation = late.admit(costOf(600), 0) as Reservation
    late.setOverflow({ gate: () => other, maxInputTokens: 800 })
    late.overflowed(reservation, 0)
    late.raise(reservation, costOf(700), 0)
    late.settle(reservation, costOf(100), 0)
    expect(usedOf(own, 0)['inputTpm']).toBe(100)
    other.admit(costOf(3000), 0)
    expect(late.admit(costOf(100), 0)).toEqual({ kind: 'not-before', at: MINUTE })
    expect(gate.heldUntil).toBe(0)
  })
})

type Step =
  | { readonly does: 'idle'; readonly ms: number }
  | { readonly does: 'ask'; readonly input: number; readonly output: number }
  | { readonly does: 'settle'; readonly which: number; readonly share: number }
  | { readonly does: 'overflow'; readonly which: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('idle' as const), ms: fc.nat(20_000) }),
    {
      arbitrary: fc.record({ does: fc.constant('ask' as const), input: fc.nat(1200), output: fc.nat(300) }),
      weight: 4,
    },
    fc.record({
      does: fc.constant('settle' as const),
      which: fc.nat(),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ does: fc.constant('overflow' as const), which: fc.nat() }),
  ),
  { maxLength: 80 },
)

interface Charge {
  readonly at: number
  readonly reservation: Reservation
  readonly isOther: boolean
  otherAt: number | undefined
  input: number
  output: number
}

describe('against a log of all charges', () => {
  test('what is admitted fits, and what is refused would not have', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { gate } = setup()
        const log: Charge[] = []
        const open: Charge[] = []
        let now = 0
        let until = -1
        const sum = (charges: Charge[], of: (charge: Charge) => number) => charges.reduce((so, one) => so + of(one), 0)
        const fits = (input: number, output: number): boolean => {
          const isOther = input > 800 || output > 500
          const own = log.filter(({ at, isOther: other }) => !other && at > now - MINUTE)
          const others = log.filter(({ otherAt }) => otherAt !== undefined && otherAt > now - MINUTE)
          const inOwn = sum(own, (one) => one.input) + input <= 1000 && sum(own, (one) => one.output) + output <= 500
          const inOther = others.length < 20 && sum(others, (one) => one.input + one.output) + input + output <= 3000
          return isOther ? inOther : inOwn && (now >= until || inOther)
        }
        for (const step of all) {
          if (step.does === 'idle') now += step.ms
          else if (step.does === 'ask') {
            const { input, output } = step
            const does = fits(input, output)
            const answer = gate.earliest(costOf(input, output), now)
            const admission = gate.admit(costOf(input, output), now)
            expect(admission.kind === undefined).toBe(does)
            expect(answer.kind === 'not-before' && answer.at <= now).toBe(does)
            if (admission.kind !== undefined) continue
            const isOther = input > 800 || output > 500
            const otherAt = isOther || now < until ? now : undefined
            const charge = { at: now, reservation: admission, isOther, otherAt, input, output }
            log.push(charge)
            open.push(charge)
          } else if (open.length > 0) {
            const index = step.which % open.length
            const charge = open[index]!
            if (step.does === 'overflow') {
              gate.overflowed(charge.reservation, now)
              charge.otherAt ??= now
              if (!charge.isOther) until = now + 2 * MINUTE
            } else {
              open.splice(index, 1)
              charge.input = Math.round(charge.input * step.share)
              charge.output = Math.round(charge.output * step.share)
              gate.settle(charge.reservation, costOf(charge.input, charge.output), now)
            }
          }
        }
      }),
      runs(400),
    )
  })
})
