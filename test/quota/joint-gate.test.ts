import { describe, expect, test } from 'vitest'
import type { AdmissionResult } from '../../src/quota/admission-result.js'
import type { Gate } from '../../src/quota/gate.js'
import type { Reservation } from '../../src/quota/reservation.js'
import { JointGate } from '../../src/quota/joint-gate.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Limits } from '../../src/types.js'
import { profileOf, tokens } from '../property/traffic.js'
import { gateContract, type GateSpec } from './gate-contract.js'

const NONE = tokens(0, 0)

function gateOf(limits: Limits, idleMs = 120_000): ModelGate {
  return new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs: 0, idleSince: -idleMs }, 0)
}

function joined(own: Limits, account: Limits) {
  const gates = { own: gateOf(own), account: gateOf(account) }
  return { ...gates, joint: new JointGate(gates.own, gates.account) }
}

function reserved(admission: AdmissionResult): Reservation {
  if (admission.kind !== undefined) throw new Error(`refused: ${JSON.stringify(admission)}`)
  return admission
}

const inContract = ({ now, ...options }: GateSpec, limits = options.limits): ModelGate =>
  new ModelGate({ ...options, limits, profile: profileOf('unknown') }, now)

gateContract(
  'a joint gate whose own limits are the scarce ones',
  (spec) => ({ gate: new JointGate(inContract(spec), inContract(spec, { rpm: 1e6, tpm: 1e9 })) }),
  { holdEmpties: true, limitsInMinute: 1 },
)

gateContract(
  'a joint gate whose own limits are the account’s',
  (spec) => {
    const account = inContract(spec)
    const gate = new JointGate(inContract(spec), account)
    const setLimits = (limits: Limits, now: number): void => {
      account.setLimits(limits, now)
      gate.setLimits(limits, now)
    }
    return { gate, setLimits }
  },
  { holdEmpties: true, limitsInMinute: 1 },
)

/** All that can be read of a gate. */
function stateOf(gate: ModelGate, now: number): unknown {
  const { totals, inFlight, heldUntil } = gate
  const earliest = [1, 100, 900, 5000].map((amount) => gate.earliest(tokens(amount), now))
  return { totals, inFlight, heldUntil, earliest, room: gate.room(now) }
}

describe('an admission', () => {
  test('charges both gates, at one time', () => {
    const { own, account, joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    expect(reserved(joint.admit(tokens(300), 7))).toMatchObject({ cost: tokens(300), at: 7, seq: 1, settled: false })
    expect(own.room(7)).toEqual([{ limit: 'tpm', effective: 1000, used: 300 }])
    expect(account.room(7)).toEqual([{ limit: 'tpm', effective: 5000, used: 300 }])
  })

  test.each([
    ['own', { tpm: 1000 }, { tpm: 5000 }],
    ['account', { tpm: 5000 }, { tpm: 1000 }],
    ['own, of requests in flight', { tpm: 5000, concurrency: 1 }, { tpm: 5000 }],
    ['account, of requests in flight', { tpm: 5000 }, { tpm: 5000, concurrency: 1 }],
  ])('refused for the sake of the %s limits changes nothing in either', (_, limits, accountLimits) => {
    const { own, account, joint } = joined(limits, accountLimits)
    reserved(joint.admit(tokens(900), 0))
    const before = [stateOf(own, 10), stateOf(account, 10)]
    expect(joint.admit(tokens(900), 10).kind).toBeDefined()
    expect([stateOf(own, 10), stateOf(account, 10)]).toEqual(before)
  })

  test('never passes what is too large for either, the own limit named first', () => {
    const { joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    const ownNever = { kind: 'never', limit: 'tpm', effective: 1000, amount: 6000 }
    expect(joint.admit(tokens(6000), 0)).toEqual(ownNever)
    expect(joint.impossible(tokens(6000))).toEqual(ownNever)
    const { joint: wide } = joined({ rpm: 10 }, { tpm: 5000 })
    expect(wide.impossible(tokens(6000))).toEqual({ ...ownNever, effective: 5000 })
    expect(wide.impossible(tokens(5000))).toBeUndefined()
  })

  test('says never rather than later, and that a change is needed rather than a time', () => {
    const { joint } = joined({ rpm: 1 }, { tpm: 5000, concurrency: 1 })
    reserved(joint.admit(tokens(1), 0))
    expect(joint.admit(tokens(6000), 10)).toMatchObject({ kind: 'never' })
    expect(joint.admit(tokens(1), 10)).toEqual({ kind: 'until-change' })
    expect(joint.earliest(tokens(1), 10)).toEqual({ kind: 'until-change' })
  })

  test('named for the later of both times is refused a microsecond before it', () => {
    const { account, joint } = joined({ rpm: 1 }, { rpm: 1 })
    reserved(account.admit(tokens(1), 0))
    expect(joint.admit(tokens(1), 0)).toEqual({ kind: 'not-before', at: 60_000 })
    reserved(account.admit(tokens(1), 60_000))
    expect(joint.admit(tokens(1), 60_000)).toEqual({ kind: 'not-before', at: 120_000 })
    expect(joint.admit(tokens(1), 119_999.999).kind).toBe('not-before')
    expect(reserved(joint.admit(tokens(1), 120_000)).at).toBe(120_000)
    expect(joint.earliest(tokens(1), 120_000)).toEqual({ kind: 'not-before', at: 180_000 })
  })

  test('of a workspace whose time is behind is dated by the account in both', () => {
    const { own, account, joint } = joined({ rpm: 1 }, { rpm: 10 })
    reserved(account.admit(tokens(1), 8))
    expect(reserved(joint.admit(tokens(1), 5)).at).toBe(8)
    expect(own.earliest(tokens(1), 5)).toEqual({ kind: 'not-before', at: 60_008 })
  })

  test('at a time before the last one passes as in one gate', () => {
    const { joint } = joined({ rpm: 10 }, { rpm: 10 })
    joint.room(9)
    expect(reserved(joint.admit(tokens(1), 3)).at).toBe(9)
  })

  test('that the own gate takes back does not leave the account charged', () => {
    const { own, account } = joined({ rpm: 1 }, { rpm: 10 })
    const fickle: Gate = Object.assign(Object.create(own) as Gate, {
      onChange: () => {},
      earliest: () => ({ kind: 'not-before', at: 0 }),
      admit: () => ({ kind: 'until-change' }),
    })
    expect(new JointGate(fickle, account).admit(tokens(1), 0)).toEqual({ kind: 'until-change' })
    expect(account.room(0)).toEqual([{ limit: 'rpm', effective: 10, used: 0 }])
    expect(account.inFlight).toBe(0)
  })
})

describe('a prediction', () => {
  test('counts what is ahead in both', () => {
    const { joint } = joined({ tpm: 6000 }, { tpm: 3000 })
    expect(joint.earliest(tokens(100), 0, tokens(2000))).toEqual({ kind: 'not-before', at: 0 })
    expect(joint.earliest(tokens(100), 0, tokens(3000))).toEqual({ kind: 'not-before', at: 60_000 })
  })
})

describe('a settlement', () => {
  test('corrects both, once', () => {
    const { own, account, joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    const reservation = reserved(joint.admit(tokens(900), 0))
    expect(joint.inFlight).toBe(1)
    expect(joint.settle(reservation, tokens(100), 10)).toBe(true)
    expect(joint.settle(reservation, NONE, 20)).toBe(false)
    expect(reservation.settled).toBe(true)
    expect(joint.inFlight).toBe(0)
    for (const gate of [own, account]) {
      expect(gate.room(20)[0]!.used).toBe(100)
      expect(gate.totals).toEqual({ reserved: 900, settled: 100, refunded: 800, excess: 0, inFlight: 0 })
    }
  })

  test('tells nobody before both have their refund: who is told may admit at once', () => {
    const { account, joint } = joined({ tpm: 1000 }, { tpm: 1000 })
    const admitted: string[] = []
    const admitAtOnce = (who: string) => () => {
      const { kind } = joint.admit(tokens(500), 10)
      admitted.push(`${who}: ${kind ?? 'admitted'}`)
    }
    account.onChange(admitAtOnce('account'))
    joint.onChange(admitAtOnce('own'))
    joint.settle(reserved(joint.admit(tokens(1000), 0)), NONE, 10)
    expect(admitted).toEqual(['account: admitted', 'own: admitted'])
    expect(joint.admit(tokens(1), 10).kind).toBe('not-before')
  })

  test('from within one is told of as well', () => {
    const { own, account, joint } = joined({ tpm: 1000 }, { tpm: 1000 })
    const [outer, inner] = [reserved(joint.admit(tokens(400), 0)), reserved(joint.admit(tokens(600), 0))]
    const used: number[][] = []
    account.onChange(() => joint.settle(inner, NONE, 10))
    joint.onChange(() => used.push([own.room(10)[0]!.used, account.room(10)[0]!.used]))
    joint.settle(outer, NONE, 10)
    expect(used).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  test('that gives nothing back tells nobody', () => {
    const { account, joint } = joined({ tpm: 1000 }, { tpm: 1000 })
    joint.settle(reserved(joint.admit(tokens(1000), 0)), NONE, 0)
    let changes = 0
    account.onChange(() => changes++)
    joint.onChange(() => changes++)
    joint.settle(reserved(joint.admit(tokens(400), 0)), undefined, 10)
    joint.settle(reserved(joint.admit(tokens(400), 20)), tokens(500), 30)
    expect(changes).toBe(0)
  })
})

describe('beside another workspace of the account', () => {
  function two() {
    const account = gateOf({ tpm: 1000 })
    const [a, b] = [gateOf({ tpm: 800 }), gateOf({ tpm: 800 })].map((own) => new JointGate(own, account))
    return { account, a: a!, b: b! }
  }

  test('one has what the other leaves', () => {
    const { a, b } = two()
    const first = reserved(a.admit(tokens(700), 0))
    expect(b.admit(tokens(700), 0)).toEqual({ kind: 'not-before', at: 60_000 })
    reserved(b.admit(tokens(300), 0))
    a.settle(first, NONE, 10)
    expect(b.admit(tokens(500), 10).kind).toBeUndefined()
  })

  test('each counts its own in flight and keeps its own hold; that of the account holds both', () => {
    const { account, a, b } = two()
    reserved(a.admit(tokens(100), 0))
    expect([a.inFlight, b.inFlight, account.inFlight]).toEqual([1, 0, 1])
    a.hold(5000, 'none', 0)
    expect([a.heldUntil, b.heldUntil, account.heldUntil]).toEqual([5000, 0, 0])
    expect(a.admit(tokens(1), 10)).toEqual({ kind: 'not-before', at: 5000 })
    expect(b.admit(tokens(1), 10).kind).toBeUndefined()
    account.hold(8000, 'none', 10)
    expect([a.heldUntil, b.heldUntil]).toEqual([8000, 8000])
    expect(a.admit(tokens(1), 10)).toEqual({ kind: 'not-before', at: 8000 })
  })

  test('the listener of the account stays its own, and hears of every refund', () => {
    const account = gateOf({ tpm: 1000 })
    let changes = 0
    account.onChange(() => changes++)
    const joints = [gateOf({ tpm: 800 }), gateOf({ rpm: 10 })].map((own) => new JointGate(own, account))
    for (const joint of joints) {
      joint.onChange(() => {})
      joint.settle(reserved(joint.admit(tokens(100), 0)), NONE, 10)
    }
    expect(changes).toBe(2)
  })
})

describe('what is read', () => {
  test('new limits are the own ones, and are told of', () => {
    const { account, joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    let changes = 0
    joint.onChange(() => changes++)
    joint.setLimits({ tpm: 2000 }, 0)
    expect(changes).toBe(1)
    expect(joint.room(0)).toEqual([{ limit: 'tpm', effective: 2000, used: 0 }])
    expect(account.limits).toEqual({ tpm: 5000 })
  })

  test('the windows are the own ones; where there are none, those of the account', () => {
    const { account, joint } = joined({ concurrency: 3 }, { tpm: 5000 })
    reserved(account.admit(tokens(100), 0))
    expect(joint.room(0)).toEqual([{ limit: 'tpm', effective: 5000, used: 100 }])
    joint.setLimits({ rpm: 10 }, 0)
    expect(joint.room(0)).toEqual([{ limit: 'rpm', effective: 10, used: 0 }])
  })

  test('the most output is what both let pass', () => {
    expect(joined({ tpm: 1000 }, { tpm: 5000, outputTpm: 600 }).joint.mostOutput(300)).toBe(600)
    expect(joined({ tpm: 1000 }, { tpm: 5000, outputTpm: 600 }).joint.mostOutput(700)).toBe(300)
  })

  test('a minute frees when it does in the later of both', () => {
    const { own, account, joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    expect(joint.minuteFreesAt(5)).toBe(5)
    reserved(account.admit(tokens(1), 10))
    expect(joint.minuteFreesAt(15)).toBe(60_010)
    reserved(own.admit(tokens(1), 20))
    expect(joint.minuteFreesAt(25)).toBe(60_020)
  })
})

describe('a raise', () => {
  test('charges both, and both take it back at the end', () => {
    const { own, account, joint } = joined({ tpm: 1000 }, { tpm: 5000 })
    const reservation = reserved(joint.admit(tokens(300), 0))
    expect(joint.raise(reservation, tokens(800), 10)).toBe(true)
    expect([own, account].map((gate) => gate.room(10)[0]!.used)).toEqual([800, 800])
    expect(reservation.raised?.cost).toEqual(tokens(800))
    expect(joint.raise(reservation, tokens(700), 10)).toBe(false)
    joint.settle(reservation, tokens(100), 20)
    expect([own, account].map((gate) => gate.room(20)[0]!.used)).toEqual([100, 100])
    expect(joint.raise(reservation, tokens(900), 30)).toBe(false)
  })

  test('that is too much for one of them is made in the other, and each settles by its own', () => {
    const { own, account, joint } = joined({ tpm: 100 }, { tpm: 5000 })
    const reservation = reserved(joint.admit(tokens(50), 0))
    expect(joint.raise(reservation, tokens(4000), 0)).toBe(true)
    expect([own, account].map((gate) => gate.room(0)[0]!.used)).toEqual([50, 4000])
    joint.settle(reservation, tokens(30), 0)
    expect([own, account].map((gate) => gate.room(0)[0]!.used)).toEqual([30, 30])
  })
})
