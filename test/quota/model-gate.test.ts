import { describe, expect, test } from 'vitest'
import type { AdmissionResult } from '../../src/quota/admission-result.js'
import type { Reservation } from '../../src/quota/reservation.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Cost, Limits, Profile, WindowKind } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'
import { gateContract, type GateSpec as ContractSpec, type MadeGate } from './gate-contract.js'

const J = 50

interface GateSpec {
  readonly networkJitterMs?: number
  readonly window?: WindowKind
  /** How long before `now` nothing has run: by default so long that every bucket is full. */
  readonly idleMs?: number
  readonly now?: number
}

function gateOf(limits: Limits, spec: GateSpec = {}): ModelGate {
  const { networkJitterMs = J, window = 'unknown', idleMs = 120_000, now = 0 } = spec
  return new ModelGate({ limits, profile: profileOf(window), networkJitterMs, idleSince: now - idleMs }, now)
}

function cost(inputTokens: number, more: Partial<Cost> = {}): Cost {
  return { requests: 1, inputTokens, outputTokens: 0, thinkingTokens: 0, ...more }
}

function reserved(admission: AdmissionResult): Reservation {
  if (admission.kind !== undefined) throw new Error(`refused: ${JSON.stringify(admission)}`)
  return admission
}

const made =
  (profile: Profile) =>
  ({ now, ...options }: ContractSpec): MadeGate => ({ gate: new ModelGate({ profile, ...options }, now) })

describe.each([
  ['unknown', true, 1],
  ['fixed', false, 1],
  ['sliding', false, 1],
  ['bucket', true, 2],
  ['counter', false, 1],
] as const)('a server that counts in windows of the kind', (window, holdEmpties, limitsInMinute) => {
  gateContract(`'${window}': its gate`, made(profileOf(window)), { holdEmpties, limitsInMinute })
})

gateContract(
  'the gate for a server that counts output when an answer ends',
  made({ ...profileOf('unknown'), outputAccounting: 'completion' }),
  { holdEmpties: true, limitsInMinute: 1 },
)

gateContract(
  'the gate for fixed windows of a phase that is known for five minutes',
  ({ now, ...options }) => {
    const phase = { fromMs: 12_345, toMs: 12_345 + options.networkJitterMs, untilMs: now + 300_000 }
    const profile = { ...profileOf('fixed'), windowPhase: 'clock' } as const
    return { gate: new ModelGate({ ...options, profile, phase }, now) }
  },
  { holdEmpties: false, limitsInMinute: 2 },
)

/** The times at which `count` requests go, each as soon as the one before has. */
function times(gate: ModelGate, one: Cost, count: number, now = 0): number[] {
  const all: number[] = []
  for (let i = 0; i < count; i++) {
    const answer = gate.earliest(one, now)
    if (answer.kind !== 'not-before') throw new Error(answer.kind)
    now = answer.at
    reserved(gate.admit(one, now))
    all.push(now)
  }
  return all
}

describe('tiny limits', () => {
  test('one request a minute goes once in W + J', () => {
    expect(times(gateOf({ rpm: 1 }), cost(1), 3)).toEqual([0, 60_050, 120_100])
  })

  test('one token a minute likewise', () => {
    expect(times(gateOf({ tpm: 1, tps: 1 / 60 }), cost(1), 3)).toEqual([0, 60_050, 120_100])
  })

  test('one request in eleven days is waited for', () => {
    const gate = gateOf({ rps: 1e-6 }, { idleMs: 0 })
    expect(gate.admit(cost(1), 0)).toEqual({ kind: 'not-before', at: 1e9 + J })
  })
})

describe('requests a second', () => {
  test('of 100 a minute are spaced by 600 ms and J', () => {
    const gate = gateOf({ rpm: 100, rps: 100 / 60 })
    expect(times(gate, cost(1), 5)).toEqual([0, 650, 1300, 1950, 2600])
  })

  test('of 60 a minute are one in a second and J', () => {
    expect(times(gateOf({ rpm: 60, rps: 1 }), cost(1), 3)).toEqual([0, 1050, 2100])
  })

  test('of 600 a minute burst by what a bucket of ten always has room for', () => {
    const gate = gateOf({ rpm: 600, rps: 10 })
    const sent = times(gate, cost(1), 20)
    expect(sent.slice(0, 10)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 50])
    expect(sent[10]).toBe(1050)
  })

  test('that no period holds in whole numbers are never faster than stated', () => {
    for (const rps of [3.1415926, 347.123456, 400_000.123, 5_000_000.7]) {
      const gate = gateOf({ rps }, { idleMs: 0, window: 'bucket', networkJitterMs: 0 })
      const answer = gate.earliest(cost(1, { requests: Math.floor(rps / 2) }), 0)
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      const exact = (Math.floor(rps / 2) / rps) * 1000
      expect(answer.at).toBeGreaterThanOrEqual(exact - 1e-9)
      expect(answer.at).toBeLessThanOrEqual(exact * 1.0001 + 0.002)
    }
  })
})

describe('tokens a second', () => {
  test('a large rate that is no whole number still lets many requests into a second', () => {
    const gate = gateOf({ tps: 400_000.123 })
    expect(times(gate, cost(1000), 300).at(-1)).toBe(0)
  })

  test('of 60,000 a minute: a request above a second goes alone, and its debt is waited for', () => {
    const gate = gateOf({ tpm: 60_000, tps: 1000 })
    reserved(gate.admit(cost(3000), 0))
    // 950 deep: −2,050, so one token more is there after 2,051 ms.
    expect(gate.admit(cost(1), 0)).toEqual({ kind: 'not-before', at: 2051 })
    // The next such one waits until the server, at worst J late, has got all back.
    expect(gate.admit(cost(3000), 0)).toEqual({ kind: 'not-before', at: 3050 })
  })

  test('a request above a second waits for an empty window', () => {
    const gate = gateOf({ tpm: 60_000, tps: 1000 })
    reserved(gate.admit(cost(1), 0))
    expect(gate.admit(cost(1001), 0)).toEqual({ kind: 'not-before', at: 1050 })
  })
})

describe('a request as large as the limit', () => {
  test('of a minute passes, and the next one after W + J', () => {
    const gate = gateOf({ tpm: 60_000 })
    expect(times(gate, cost(60_000), 2)).toEqual([0, 60_050])
  })

  test('of a second passes, and the next one after 1 s + J', () => {
    const gate = gateOf({ tpm: 60_000, tps: 1000 })
    expect(times(gate, cost(1000), 3)).toEqual([0, 1050, 2100])
  })

  test('is told as impossible without being asked in, what can wait is not', () => {
    const gate = gateOf({ rpm: 1, tpm: 60_000, tps: 1000 })
    reserved(gate.admit(cost(1), 0))
    expect(gate.impossible(cost(60_000))).toBeUndefined()
    expect(gate.impossible(cost(60_001))).toEqual({ kind: 'never', limit: 'tpm', effective: 60_000, amount: 60_001 })
    gate.setLimits({ rpm: 1, tps: 1000 }, 0)
    expect(gate.impossible(cost(60_001))).toBeUndefined()
  })
})

describe('what costs nothing', () => {
  test('in tokens is bound by requests alone', () => {
    const gate = gateOf({ rpm: 2, tpm: 100 })
    reserved(gate.admit(cost(100), 0))
    expect(gate.admit(cost(0), 30_100)).toMatchObject({ at: 30_100, seq: 2 })
  })
})

describe('dimensions', () => {
  test('thinking and output are bound beside input', () => {
    const gate = gateOf({ inputTpm: 100, outputTpm: 50, thinkingTpm: 20 }, { window: 'sliding' })
    reserved(gate.admit(cost(10, { outputTokens: 30, thinkingTokens: 20 }), 0))
    expect(gate.room(0).map(({ limit, used }) => [limit, used])).toEqual([
      ['inputTpm', 10],
      ['outputTpm', 30],
      ['thinkingTpm', 20],
    ])
    expect(gate.admit(cost(90, { outputTokens: 20 }), 0).kind).toBeUndefined()
    expect(gate.admit(cost(0, { outputTokens: 1 }), 0)).toEqual({ kind: 'not-before', at: 60_050 })
  })
})

describe('settling', () => {
  test('happens once', () => {
    const gate = gateOf({ tpm: 1000 })
    const reservation = reserved(gate.admit(cost(900), 0))
    expect(gate.settle(reservation, cost(400), 0)).toBe(true)
    expect(gate.settle(reservation, cost(0), 0)).toBe(false)
    expect(gate.room(0)[0]!.used).toBe(400)
    expect(gate.inFlight).toBe(0)
    expect(gate.totals).toEqual({ reserved: 900, settled: 400, refunded: 500, excess: 0, inFlight: 0 })
  })

  test('above the reservation is charged now', () => {
    const gate = gateOf({ tpm: 1000 })
    const reservation = reserved(gate.admit(cost(900), 0))
    gate.settle(reservation, cost(1500), 30_000)
    expect(gate.room(30_000)[0]!.used).toBe(1500)
    expect(gate.room(60_050)[0]!.used).toBe(600)
    expect(gate.totals).toEqual({ reserved: 900, settled: 1500, refunded: 0, excess: 600, inFlight: 0 })
  })

  test('without usage lets the reservation stand', () => {
    const gate = gateOf({ tpm: 1000 })
    gate.settle(reserved(gate.admit(cost(900), 0)), undefined, 0)
    expect(gate.room(0)[0]!.used).toBe(900)
    expect(gate.totals).toEqual({ reserved: 900, settled: 900, refunded: 0, excess: 0, inFlight: 0 })
  })

  test('two refunds do not give the same overflow back twice', () => {
    const gate = gateOf({ tpm: 60_000 }, { window: 'bucket', networkJitterMs: 0 })
    const first = reserved(gate.admit(cost(30_000), 0))
    const second = reserved(gate.admit(cost(30_000), 0))
    reserved(gate.admit(cost(54_000), 54_000))
    gate.settle(second, cost(0), 54_000)
    gate.settle(first, cost(0), 54_000)
    // Had neither been charged, the full bucket would have 6,000 left, not 12,000.
    expect(gate.admit(cost(6001), 54_000).kind).toBe('not-before')
    expect(gate.admit(cost(6000), 54_000).kind).toBeUndefined()
  })
})

describe('a hold', () => {
  test('of an hour leaves the bucket empty, however fast it fills', () => {
    const gate = gateOf({ tpm: 50_000_000 })
    gate.hold(3_600_000, 'tokens', 0)
    expect(gate.admit(cost(25_000_000), 3_600_000)).toEqual({ kind: 'not-before', at: 3_630_000 })
  })

  test('ends when it was to end, though the limits change meanwhile', () => {
    const gate = gateOf({ tpm: 60_000 })
    gate.hold(10_000, 'tokens', 0)
    gate.setLimits({ tpm: 6000 }, 0)
    expect(gate.admit(cost(1), 0)).toEqual({ kind: 'not-before', at: 10_010 })
  })
})

describe('new limits', () => {
  test('keep what was charged', () => {
    const gate = gateOf({ rpm: 600, tpm: 60_000 })
    const reservation = reserved(gate.admit(cost(40_000), 0))
    gate.setLimits({ rpm: 600, tpm: 30_000 }, 10)
    expect(gate.room(10)).toEqual([
      { limit: 'rpm', effective: 600, used: 1 },
      { limit: 'tpm', effective: 30_000, used: 40_000 },
    ])
    expect(gate.admit(cost(1), 10)).toEqual({ kind: 'not-before', at: 60_050 })
    gate.settle(reservation, cost(20_000), 20)
    expect(gate.admit(cost(10_000), 20).kind).toBeUndefined()
    expect(gate.admit(cost(1), 20).kind).toBe('not-before')
  })

  test('that are higher take effect at once where the window bound', () => {
    const gate = gateOf({ rpm: 1 }, { window: 'sliding' })
    reserved(gate.admit(cost(1), 0))
    gate.setLimits({ rpm: 3 }, 0)
    expect(gate.admit(cost(1), 0).kind).toBeUndefined()
    expect(gate.admit(cost(1), 0).kind).toBeUndefined()
    expect(gate.admit(cost(1), 0).kind).toBe('not-before')
    expect(gate.limits).toEqual({ rpm: 3 })
  })

  test('with a limit that did not bind before start its bucket empty, and refunds of earlier charges do not lower it', () => {
    const gate = gateOf({ rpm: 600 })
    const earlier = reserved(gate.admit(cost(50_000), 0))
    gate.setLimits({ rpm: 600, tpm: 60_000 }, 0)
    expect(gate.admit(cost(1000), 0)).toEqual({ kind: 'not-before', at: 1000 })
    reserved(gate.admit(cost(1000), 1000))
    gate.settle(earlier, cost(0), 1000)
    expect(gate.room(1000)[1]).toEqual({ limit: 'tpm', effective: 60_000, used: 1000 })
    expect(gate.admit(cost(1), 1000)).toEqual({ kind: 'not-before', at: 1001 })
  })
})

describe('when a minute frees', () => {
  test('is when its oldest charge leaves the window, and now where nothing is in it', () => {
    const gate = gateOf({ rpm: 600, rps: 10, tpm: 60_000 })
    expect(gate.minuteFreesAt(5)).toBe(5)
    reserved(gate.admit(cost(10), 10))
    reserved(gate.admit(cost(10), 20))
    expect(gate.minuteFreesAt(30)).toBe(60_060)
    expect(gate.minuteFreesAt(60_060)).toBe(60_070)
    expect(gate.minuteFreesAt(60_070)).toBe(60_070)
  })
})

describe('a profile', () => {
  test('of sliding windows bursts up to the limit, without a bucket', () => {
    const gate = gateOf({ rpm: 3 }, { window: 'sliding', idleMs: 0 })
    expect(times(gate, cost(1), 4)).toEqual([0, 0, 0, 60_050])
  })

  test('of a bucket has no window: what flows in can be used at once', () => {
    const gate = gateOf({ tpm: 60_000 }, { window: 'bucket' })
    reserved(gate.admit(cost(59_950), 0))
    expect(gate.admit(cost(1000), 0)).toEqual({ kind: 'not-before', at: 1000 })
    expect(gate.admit(cost(1000), 1000).kind).toBeUndefined()
  })

  test('of a bucket shows what is missing from a full one as used', () => {
    const gate = gateOf({ rpm: 1, tpm: 60_000 }, { window: 'bucket' })
    expect(gate.room(0).map(({ used }) => used)).toEqual([0, 0])
    reserved(gate.admit(cost(600), 0))
    expect(gate.room(0).map(({ used }) => used)).toEqual([1, 600])
    expect(gate.room(300).map(({ used }) => used)).toEqual([1, 300])
  })
})

describe('the clock', () => {
  /** A microsecond before and at the time that was named, from clocks whose milliseconds are not exact in binary. */
  test.each([0, 1 / 3, 1e9 + 1 / 3, 86_400_000.1, 1.11e12, 1.784e12 + 1 / 3])('at %d ms is answered exactly', (now) => {
    const gate = gateOf({ rpm: 997, rps: 997 / 60, tpm: 1_000_003, tps: 1_000_003 / 60 }, { now, idleMs: 0 })
    let at = now
    for (let i = 0; i < 300; i++) {
      const answer = gate.admit(cost(700), at)
      if (answer.kind === undefined) continue
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      expect(gate.admit(cost(700), answer.at - 0.001).kind).toBe('not-before')
      at = answer.at
      expect(gate.admit(cost(700), at).kind).toBeUndefined()
    }
  })
})

describe('what would stop a model for good', () => {
  test('a usage that is off by orders of magnitude counts as the limit of ten minutes at most', () => {
    const gate = gateOf({ tpm: 1000 })
    gate.settle(reserved(gate.admit(cost(900), 0)), cost(5e7), 0)
    expect(gate.room(0)[0]!.used).toBe(10_000)
    const next = gate.earliest(cost(1), 0)
    expect(next.kind === 'not-before' && next.at).toBeLessThanOrEqual(11 * 60_000)
  })

  test('nor do many such usages together', () => {
    const gate = gateOf({ tpm: 1000, rpm: 100 })
    const inFlight = Array.from({ length: 60 }, () => reserved(gate.admit(cost(10), 0)))
    for (const reservation of inFlight) gate.settle(reservation, cost(1e7), 0)
    const next = gate.earliest(cost(1), 0)
    expect(next.kind === 'not-before' && next.at).toBeLessThanOrEqual(12 * 60_000)
  })

  test('a hold without end waits for a change, and new limits do not lift it', () => {
    const gate = gateOf({ tpm: 1000 })
    gate.hold(Infinity, 'none', 0)
    expect(gate.admit(cost(1), 5)).toEqual({ kind: 'until-change' })
    expect(gate.earliest(cost(1), 5)).toEqual({ kind: 'until-change' })
    expect(gate.admit(cost(1001), 5)).toMatchObject({ kind: 'never' })
  })
})

describe('another J while it runs', () => {
  test('a longer one holds from the next admission on, for what was charged before too', () => {
    const gate = gateOf({ rpm: 2 }, { window: 'sliding' })
    for (const at of [0, 10]) reserved(gate.admit(cost(1), at))
    gate.setNetworkJitter(1000, 20)
    expect(gate.earliest(cost(1), 20)).toEqual({ kind: 'not-before', at: 61_000 })
    gate.setNetworkJitter(0, 30)
    expect(gate.earliest(cost(1), 30)).toEqual({ kind: 'not-before', at: 60_000 })
  })

  test('adds no capacity to a bucket, and tells whoever waits', () => {
    const gate = gateOf({ rpm: 60 }, { window: 'bucket', networkJitterMs: 1000 })
    let changes = 0
    gate.onChange(() => changes++)
    for (let i = 0; i < 59; i++) reserved(gate.admit(cost(1), 0))
    expect(gate.admit(cost(1), 0).kind).toBe('not-before')
    gate.setNetworkJitter(10, 0)
    expect([gate.admit(cost(1), 0).kind, changes]).toEqual(['not-before', 1])
  })
})

describe('the phase of the server’s clock', () => {
  test('holds for limits that come later, and for both lengths of window', () => {
    const profile = { ...profileOf('fixed'), windowPhase: 'clock' } as const
    const gate = new ModelGate({ limits: { rpm: 5 }, profile, networkJitterMs: 50, idleSince: -Infinity }, 0)
    gate.setClockPhase({ fromMs: 59_900, toMs: 59_990, untilMs: 1e9 }, 0)
    gate.setLimits({ rpm: 5, rps: 3 }, 0)
    // The first second ends at 100 by our clock, and with it the first minute; what is sent before may count there only.
    expect(times(gate, cost(1), 7)).toEqual([0, 0, 0, 100, 100, 100, 1100])
  })

  test('is nothing to a second in which output is counted when an answer ends', () => {
    const profile = { ...profileOf('fixed'), windowPhase: 'clock', outputAccounting: 'completion' } as const
    const gate = new ModelGate({ limits: { tps: 10, tpm: 15 }, profile, networkJitterMs: 50, idleSince: -Infinity }, 0)
    gate.setClockPhase({ fromMs: 59_000, toMs: 59_100, untilMs: 1e9 }, 0)
    expect(times(gate, cost(5), 6)).toEqual([0, 0, 1050, 1050, 2100, 61_000])
  })

  test('is nothing to windows that have none', () => {
    const gate = gateOf({ rpm: 1 }, { window: 'sliding', networkJitterMs: 0 })
    gate.setClockPhase({ fromMs: 59_900, toMs: 59_990, untilMs: 1e9 }, 0)
    reserved(gate.admit(cost(1), 0))
    expect(gate.earliest(cost(1), 0)).toEqual({ kind: 'not-before', at: 60_000 })
  })
})

describe('a raise', () => {
  const used = (gate: ModelGate, now: number) => gate.room(now)[0]!.used

  test('counts from when it is made, whether there is room or not', () => {
    const gate = gateOf({ tpm: 1000 }, { networkJitterMs: 0, window: 'sliding' })
    const reservation = reserved(gate.admit(cost(300), 0))
    expect(gate.raise(reservation, cost(300, { outputTokens: 500 }), 20_000)).toBe(true)
    expect(gate.raise(reservation, cost(300, { outputTokens: 900 }), 30_000)).toBe(true)
    expect(used(gate, 30_000)).toBe(1200)
    expect([60_000, 80_000, 90_000].map((now) => used(gate, now))).toEqual([900, 400, 0])
    expect(gate.totals).toEqual({ reserved: 300, excess: 900, settled: 0, refunded: 0, inFlight: 1200 })
  })

  test('is given back before what was reserved: the newest charge first', () => {
    const gate = gateOf({ tpm: 1000 }, { networkJitterMs: 0, window: 'sliding' })
    const reservation = reserved(gate.admit(cost(300), 0))
    gate.raise(reservation, cost(500), 20_000)
    gate.raise(reservation, cost(900), 30_000)
    expect(gate.settle(reservation, cost(400), 40_000)).toBe(true)
    expect([40_000, 60_000, 80_000].map((now) => used(gate, now))).toEqual([400, 100, 0])
    expect(gate.totals).toEqual({ reserved: 300, excess: 600, settled: 400, refunded: 500, inFlight: 0 })
  })

  test('gives back nothing of a charge that has left its window', () => {
    const gate = gateOf({ tpm: 1000 }, { networkJitterMs: 0, window: 'sliding' })
    const reservation = reserved(gate.admit(cost(300), 0))
    gate.raise(reservation, cost(500), 20_000)
    gate.settle(reservation, cost(100), 70_000)
    expect(used(gate, 70_000)).toBe(0)
    expect(gate.earliest(cost(1000), 70_000)).toEqual({ kind: 'not-before', at: 70_000 })
  })

  test('is exceeded by a usage above it, and stands where the usage is not known', () => {
    for (const [actual, expected] of [[cost(700), 700] as const, [undefined, 500] as const]) {
      const gate = gateOf({ tpm: 1000 }, { networkJitterMs: 0 })
      const reservation = reserved(gate.admit(cost(300), 0))
      gate.raise(reservation, cost(500), 1)
      gate.settle(reservation, actual, 2)
      expect(used(gate, 2)).toBe(expected)
      expect(gate.totals).toMatchObject({ settled: expected, inFlight: 0, refunded: 0 })
    }
  })

  test('so high that it would stop the model for more than ten minutes is none, and changes nothing', () => {
    const gate = gateOf({ tpm: 1000 })
    const reservation = reserved(gate.admit(cost(300), 0))
    const state = () => ({ room: gate.room(0), totals: { ...gate.totals }, answer: gate.earliest(cost(900), 0) })
    const before = state()
    expect(gate.raise(reservation, cost(20_000), 0)).toBe(false)
    expect(state()).toEqual(before)
  })
})

describe('limits that are lower than told for a time', () => {
  const configured = { tpm: 6000, tps: 100, rpm: 600 }

  test('let what is larger than they are, but not than what was told, pass alone', () => {
    const gate = gateOf(configured)
    gate.setLimits({ ...configured, tpm: 3000 }, 0, configured)
    expect(gate.impossible(cost(5000))).toBeUndefined()
    expect(gate.impossible(cost(6001))).toMatchObject({ kind: 'never' })
    reserved(gate.admit(cost(5000), 200))
    expect(gate.admit(cost(1), 50_000).kind).toBe('not-before')
    gate.setLimits({ ...configured, tpm: 3000 }, 50_000)
    expect(gate.impossible(cost(5000))).toMatchObject({ kind: 'never' })
  })

  test('are measured by what was told: a minute’s without what was refused, a second’s with it', () => {
    const gate = gateOf(configured)
    gate.setLimits({ rpm: 300, tpm: 3000, tps: 50 }, 0, configured)
    reserved(gate.admit(cost(30), 200))
    reserved(gate.admit(cost(20), 800))
    expect(gate.usedShares('tokens', 802, cost(20))).toEqual({ minute: 30 / 6000, second: 50 / 100 })
    expect(gate.usedShares('requests', 802, cost(20))).toEqual({ minute: 1 / 600, second: 1 / 600 })
    expect(gateOf({ rpm: 5 }).usedShares('tokens', 0, cost(1))).toBeUndefined()
  })
})
