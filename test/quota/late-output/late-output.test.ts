import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../../src/quota/reservation.js'
import { ModelGate } from '../../../src/quota/model-gate.js'
import type { Limits, OutputAccounting, WindowKind } from '../../../src/types.js'
import { profileOf } from '../../property/traffic.js'
import { runs } from '../../support/runs.js'

const JITTER_MS = 50
const TPS = { tps: 1000 }

function gateOf(
  outputAccounting: OutputAccounting | undefined,
  limits: Limits = TPS,
  kind: WindowKind = 'sliding',
): ModelGate {
  const profile = { ...profileOf(kind), outputAccounting }
  return new ModelGate({ limits, profile, networkJitterMs: JITTER_MS, idleSince: -10_000 }, 0)
}

const cost = (inputTokens: number, outputTokens = 256) => ({
  requests: 1,
  inputTokens,
  outputTokens,
  thinkingTokens: 0,
})

function admit(gate: ModelGate, inputTokens: number, at: number): Reservation {
  const reservation = gate.admit(cost(inputTokens), at)
  if (reservation.kind !== undefined) throw new Error(`refused at ${at}: ${reservation.kind}`)
  return reservation
}

const used = (gate: ModelGate, limit: string, at: number) => gate.room(at).find((use) => use.limit === limit)!.used

describe.each(['completion', 'generated'] as const)('a second of a server that counts output as %s', (way) => {
  test('a request above all of it goes alone, whatever is written', () => {
    const gate = gateOf(way)
    const first = admit(gate, 100, 0)
    expect(gate.admit(cost(1500), 1000)).toMatchObject({ kind: 'not-before', at: 1050 })
    if (way === 'completion') gate.settle(first, cost(100, 400), 1000)
    expect(used(gate, 'tps', 1050)).toBeGreaterThan(0)
    expect(gate.admit(cost(1500), 1050).kind).toBeUndefined()
  })

  test('one below it has to fit beside what is written', () => {
    const gate = gateOf(way)
    const running = Array.from({ length: 8 }, () => admit(gate, 10, 0))
    if (way === 'completion') gate.settle(running[0]!, cost(10, 400), 4000)
    else gate.room(4000)
    expect(gate.admit(cost(900), 4000)).toMatchObject({ kind: 'not-before' })
    expect(gate.admit(cost(400), 4000).kind).toBeUndefined()
  })
})

describe('a second of a server that counts output as it is written', () => {
  test('an answer known beforehand that writes more takes no other out when it ends', () => {
    const gate = gateOf('generated')
    for (let i = 0; i < 8; i++) admit(gate, 10, 0)
    for (let i = 0; i < 8; i++) {
      const known = gate.admit({ ...cost(10, 0), knownOutputTokens: 0 }, 2000) as Reservation
      gate.raise(known, { ...known.cost, outputTokens: 20 }, 2100)
      gate.settle(known, undefined, 2100)
    }
    expect(gate.admit(cost(900), 4000)).toMatchObject({ kind: 'not-before', isExpected: true })
  })

  test('what is only taken to be written leaves no debt above ten minutes', () => {
    const gate = gateOf('generated', { tps: 10 }, 'bucket')
    const quick = admit(gate, 1, 0)
    gate.settle(quick, cost(1, 500), 0)
    for (let i = 0; i < 100; i++) gate.admit(cost(0), 0)
    for (let at = 1000; at <= 60_000; at += 1000) gate.room(at)
    expect(used(gate, 'tps', 60_000)).toBeLessThanOrEqual(10 * 60 * 10 + 10)
  })

  test('what waits for answers to end says so, and passes once they have', () => {
    const gate = gateOf('generated')
    const running = Array.from({ length: 8 }, () => admit(gate, 10, 0))
    expect(gate.admit(cost(900), 4000)).toMatchObject({ kind: 'not-before', isExpected: true })
    expect(gate.admit(cost(100), 4000)).not.toHaveProperty('isExpected')
    for (const each of running) gate.settle(each, cost(10, 200), 4000)
    expect(gate.admit(cost(900), 6000).kind).toBeUndefined()
  })

  test('the answers are foreseen to go on where a request waits for what was admitted', () => {
    const gate = gateOf('generated')
    for (let i = 0; i < 4; i++) admit(gate, 10, 0)
    admit(gate, 700, 4000)
    const answer = gate.earliest(cost(700), 4000)
    expect(answer).toMatchObject({ kind: 'not-before' })
    expect((answer as { at: number }).at).toBeGreaterThanOrEqual(5050)
  })

  test('a refusal adds what must have been there, and no more than a quarter of the limit', () => {
    const gate = gateOf('generated')
    const refused = admit(gate, 900, 0)
    expect(gate.accountsFor(refused, 60)).toBe(true)
    gate.settle(refused, cost(0, 0), 60)
    expect(gate.admit(cost(900), 60)).toMatchObject({ kind: 'not-before' })
    expect(gate.admit(cost(900), 1200).kind).toBeUndefined()
    const other = gateOf('generated')
    expect(other.accountsFor(admit(other, 500, 0), 60)).toBe(false)
    const known = gateOf('generated')
    const total = known.admit({ ...cost(700, 200), knownOutputTokens: 200 }, 0) as Reservation
    expect(known.accountsFor(total, 60)).toBe(false)
    const first = gateOf('reserved')
    expect(first.accountsFor(admit(first, 700, 0), 60)).toBe(false)
  })
})

describe('a minute that answers may fill beyond what was expected of them', () => {
  test('takes a refusal that they explain in, and goes on as its charges leave it', () => {
    const gate = gateOf('generated', { tpm: 10_000 })
    admit(gate, 5000, 0)
    admit(gate, 4000, 20_000)
    const refused = admit(gate, 100, 30_000)
    expect(used(gate, 'tpm', 30_000)).toBe(9868)
    expect(gate.accountsFor(refused, 30_060)).toBe(true)
    gate.settle(refused, cost(0, 0), 30_060)
    expect(used(gate, 'tpm', 30_060)).toBe(10_101 - 356)
    expect(gate.admit(cost(100), 30_060)).toMatchObject({ kind: 'not-before', at: 60_050 })
  })

  test('is another matter where more than a twentieth lacks, or nothing is unknown', () => {
    const gate = gateOf('generated', { tpm: 10_000 })
    admit(gate, 8900, 0)
    const refused = admit(gate, 50, 10)
    expect(used(gate, 'tpm', 10)).toBeLessThan(9500)
    expect(gate.accountsFor(refused, 60)).toBe(false)
    const exact = gateOf('generated', { tpm: 10_000 })
    admit(exact, 9700, 0)
    const known = exact.admit(cost(10, 0), 10) as Reservation
    expect(exact.accountsFor(known, 60)).toBe(false)
  })
})

test('output is held in a minute until its answer has ended only where that is told, or after a refusal', () => {
  const usedAfter = (gate: ModelGate) => {
    const answered = admit(gate, 100, 0)
    gate.settle(answered, cost(100, 200), 40_000)
    return [used(gate, 'tpm', 60_049), used(gate, 'tpm', 60_050), used(gate, 'tpm', 100_050)]
  }
  const limits = { tpm: 10_000 }
  expect(usedAfter(gateOf(undefined, limits))).toEqual([300, 0, 0])
  expect(usedAfter(gateOf('reserved', limits))).toEqual([300, 0, 0])
  expect(usedAfter(gateOf('completion', limits))).toEqual([300, 200, 0])
  const refused = gateOf(undefined, limits)
  const stray = admit(refused, 1, 0)
  refused.accountsFor(stray, 0)
  refused.settle(stray, cost(0, 0), 0)
  expect(usedAfter(refused)).toEqual([300, 200, 0])
})

test('what only few ended answers leave room for is said to wait for that', () => {
  const gate = gateOf('completion')
  const early = admit(gate, 10, 0)
  gate.settle(early, cost(10, 400), 4000)
  expect(gate.admit(cost(900), 4100)).toMatchObject({ kind: 'not-before', at: 5050, isExpected: true })
  admit(gate, 500, 4100)
  expect(gate.admit(cost(600), 4200)).not.toHaveProperty('isExpected')
})

test('how output counts may come to be known: what was charged before stays, and nothing of it comes back twice', () => {
  const gate = gateOf(undefined)
  const early = admit(gate, 500, 0)
  gate.setOutputAccounting('completion', 100)
  expect(used(gate, 'tps', 100)).toBe(756)
  gate.settle(early, cost(0, 0), 100)
  expect(used(gate, 'tps', 100)).toBe(756)
  expect(used(gate, 'tps', 1150)).toBe(0)
})

interface Answer {
  readonly gapMs: number
  readonly takesMs: number
  readonly input: number
  readonly output: number
}

const answers: fc.Arbitrary<Answer[]> = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 3000 }),
    takesMs: fc.integer({ min: 1, max: 90_000 }),
    input: fc.integer({ min: 1, max: 2000 }),
    output: fc.integer({ min: 0, max: 256 }),
  }),
  { minLength: 1, maxLength: 60 },
)

describe.each([
  ['first', undefined],
  ['first', 'refused'],
  ['last', 'refused'],
  ['last', 'completion'],
] as const)('a minute, where the server counts output %s, and what is known is %s', (moment, known) => {
  test('holds at least what any window of that server does', () => {
    fc.assert(
      fc.property(answers, (all) => {
        const gate = gateOf(known === 'completion' ? known : undefined, { tpm: 10_000 })
        if (known === 'refused') {
          const refused = admit(gate, 1, 0)
          gate.accountsFor(refused, 0)
          gate.settle(refused, cost(0, 0), 0)
        }
        const charges: { at: number; tokens: number }[] = []
        const open: { endsAt: number; answer: Answer; reservation: Reservation }[] = []
        let now = 0
        const settleUntil = (until: number) => {
          open.sort((a, b) => a.endsAt - b.endsAt)
          while (open.length > 0 && open[0]!.endsAt <= until) {
            const { endsAt, answer, reservation } = open.shift()!
            gate.settle(reservation, cost(answer.input, answer.output), endsAt)
            if (moment === 'last') charges.push({ at: endsAt, tokens: answer.output })
          }
        }
        for (const answer of all) {
          now += answer.gapMs
          settleUntil(now)
          const reservation = gate.admit(cost(answer.input), now)
          if (reservation.kind !== undefined) continue
          open.push({ endsAt: now + answer.takesMs, answer, reservation })
          charges.push({ at: now, tokens: answer.input + (moment === 'first' ? answer.output : 0) })
          const inWindow = charges.filter(({ at }) => at > now - 60_000)
          const server = inWindow.reduce((total, { tokens }) => total + tokens, 0)
          expect(used(gate, 'tpm', now)).toBeGreaterThanOrEqual(server)
        }
      }),
      runs(200),
    )
  })
})

test('a total that is known counts with the request, once', () => {
  const gate = gateOf('completion', { tps: 1000, tpm: 10_000 })
  const known = { ...cost(300, 400), knownOutputTokens: 400 }
  const reservation = gate.admit(known, 0)
  expect(used(gate, 'tps', 0)).toBe(700)
  gate.settle(reservation as Reservation, known, 2000)
  expect([used(gate, 'tps', 2000), used(gate, 'tpm', 60_049), used(gate, 'tpm', 60_050)]).toEqual([0, 700, 0])
})

test('refusals of one moment add what a minute must have held once, not each', () => {
  const gate = gateOf('completion', { tpm: 10_000 }, 'bucket')
  const sent = Array.from({ length: 38 }, () => admit(gate, 6, 60_000))
  expect(used(gate, 'tpm', 60_100)).toBeGreaterThan(9500)
  for (const each of sent) expect(gate.accountsFor(each, 60_100)).toBe(true)
  expect(used(gate, 'tpm', 60_100)).toBeLessThanOrEqual(10_000 + 200)
})
