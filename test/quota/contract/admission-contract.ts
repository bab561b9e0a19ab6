import { describe, expect, test } from 'vitest'
import { type NotAdmitted, startOf } from '../../../src/quota/admission-result.js'
import { NO_COST } from '../../../src/quota/reservation.js'
import type { Cost, Limits } from '../../../src/types.js'
import { type Gates, outlook, reserved, START, tokens, US, usedOf } from './made-gate.js'

/** What holds of the role `Admission`. */
export function admissionContract(gates: Gates): void {
  describe('admit', () => {
    test('a request is charged to every limit', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      expect(reserved(gate.admit(tokens(300), START))).toMatchObject({ cost: tokens(300), at: START, settled: false })
      expect(gate.room(START)).toEqual([
        { limit: 'rpm', effective: 20, used: 1 },
        { limit: 'tpm', effective: 1000, used: 300 },
      ])
    })

    test.each<[string, Limits]>([
      ['the first of its limits', { rpm: 2, tpm: 1e6 }],
      ['the last of its limits', { rpm: 1e6, tpm: 1000 }],
      ['the number in flight', { rpm: 1e6, concurrency: 1 }],
    ])('a request refused for %s is charged to none', (_, limits) => {
      const gate = gates.of(limits)
      reserved(gate.admit(tokens(900), START))
      while (limits.rpm === 2 && gate.admit(tokens(0), START).kind === undefined);
      const before = [usedOf(gate, START), gate.inFlight, outlook(gate, START)]
      expect(gate.admit(tokens(900), START).kind).toBeDefined()
      expect([usedOf(gate, START), gate.inFlight, outlook(gate, START)]).toEqual(before)
    })

    test('a burst at one instant stays within every limit, and uses nearly all of the scarcest', () => {
      const gate = gates.of({ rpm: 100, tpm: 1000 })
      let count = 0
      while (gate.admit(tokens(30), START).kind === undefined) count++
      expect(count).toBeLessThanOrEqual(33)
      expect(count).toBeGreaterThanOrEqual(32)
    })

    test('a request without a cost passes whatever is charged, and changes no window', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      reserved(gate.admit(tokens(990), START))
      const before = usedOf(gate, START)
      expect(gate.settle(reserved(gate.admit(NO_COST, START)), NO_COST, START)).toBe(true)
      expect(usedOf(gate, START)).toEqual(before)
    })

    test('reservations are numbered upward', () => {
      const gate = gates.of({ tpm: 1000 })
      const [first, second] = [reserved(gate.admit(tokens(1), START)), reserved(gate.admit(tokens(1), START))]
      expect(second.seq).toBeGreaterThan(first.seq)
    })
  })

  describe('earliest', () => {
    test('names the time at which admit passes; a microsecond before, admit still names it', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      reserved(gate.admit(tokens(700), START))
      const answer = gate.earliest(tokens(700), START + 10)
      const at = startOf(answer)
      expect(at).toBeGreaterThan(START + 10)
      expect(at).toBeLessThan(START + 121_000)
      expect(gate.admit(tokens(700), START + 10)).toEqual(answer)
      expect(gate.admit(tokens(700), at - US)).toEqual(answer)
      expect(reserved(gate.admit(tokens(700), at)).at).toBeCloseTo(at, 6)
    })

    test.each([0.2, 0.4999, 0.5, 0.7, 0.98])('a request may go at once, %f µs after a whole one', (fraction) => {
      const now = START + 234 + fraction / 1000
      const gate = gates.of({ tpm: 6000 })
      expect(startOf(gate.earliest(tokens(100), now))).toBeLessThanOrEqual(now)
      reserved(gate.admit(tokens(100), now))
    })

    test('charges nothing', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      const before = outlook(gate, START)
      expect(outlook(gate, START)).toEqual(before)
      expect(usedOf(gate, START)).toEqual([0, 0])
    })

    test('with requests ahead names no sooner time, and without a cost ahead the same', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      reserved(gate.admit(tokens(300), START))
      expect(gate.earliest(tokens(400), START, NO_COST)).toEqual({ kind: 'not-before', at: START })
      expect(startOf(gate.earliest(tokens(400), START, tokens(500)))).toBeGreaterThan(START)
    })
  })

  describe('never', () => {
    test.each<[string, Limits, Cost, object]>([
      ['all tokens', { rpm: 20, tpm: 1000 }, tokens(900, { outputTokens: 101 }), { limit: 'tpm', amount: 1001 }],
      ['input', { tpm: 5000, inputTpm: 1000 }, tokens(1001), { limit: 'inputTpm', amount: 1001 }],
      ['output', { outputTpm: 1000 }, tokens(1, { outputTokens: 1001 }), { limit: 'outputTpm', amount: 1001 }],
    ])('a request above a minute of %s is answered so, held or not; one as large is not', (_, limits, cost, why) => {
      const gate = gates.of(limits)
      const never = { kind: 'never', effective: 1000, ...why }
      const atLimit = { ...cost, ...(cost.outputTokens > 0 ? { outputTokens: cost.outputTokens - 1 } : tokens(1000)) }
      for (const held of [false, true]) {
        if (held) gate.hold(START + 5000, 'none', START)
        expect([gate.impossible(cost), gate.admit(cost, START), gate.earliest(cost, START)]).toEqual([
          never,
          never,
          never,
        ])
        expect(gate.impossible(atLimit)).toBeUndefined()
      }
      expect(startOf(gate.earliest(atLimit, START))).toBeLessThan(Infinity)
      expect(gate.inFlight).toBe(0)
    })

    test('new limits decide anew', () => {
      const { gate, setLimits } = gates.listened({ tpm: 1000 })
      setLimits({ tpm: 500 }, START)
      expect(gate.impossible(tokens(501))).toMatchObject({ kind: 'never', effective: 500 })
      setLimits({ tpm: 2000 }, START)
      expect(gate.impossible(tokens(2000))).toBeUndefined()
    })
  })

  describe('readings', () => {
    test('the dominant share, the most output, and a minute without charges', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      expect([gate.shareOf(tokens(500)), gate.shareOf(tokens(10))]).toEqual([0.5, 0.05])
      expect([gate.mostOutput(300), gate.mostOutput(1500)]).toEqual([700, 0])
      expect(gate.minuteFreesAt(START + 5)).toBe(START + 5)
    })
  })

  describe('time', () => {
    test('that runs backward adds no room and no wait', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      reserved(gate.admit(tokens(900), START + 50_000))
      const at = startOf(gate.earliest(tokens(900), START + 50_000))
      expect(gate.admit(tokens(900), START)).toEqual({ kind: 'not-before', at })
      expect(startOf(gate.earliest(tokens(900), 0))).toBe(at)
      expect(gate.minuteFreesAt(0)).toBe(gate.minuteFreesAt(START + 50_000))
      reserved(gate.admit(tokens(900), at))
    })

    test('that is no number stands still', () => {
      const gate = gates.of({ tpm: 1000 })
      reserved(gate.admit(tokens(900), START))
      const answer = gate.admit(tokens(900), START)
      expect(gate.admit(tokens(900), Number.NaN)).toEqual(answer)
      reserved(gate.admit(tokens(900), startOf(answer as NotAdmitted)))
    })
  })
}
