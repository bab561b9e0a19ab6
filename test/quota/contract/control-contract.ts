import { describe, expect, test } from 'vitest'
import { startOf } from '../../../src/quota/admission-result.js'
import { NO_COST } from '../../../src/quota/reservation.js'
import { type ContractOptions, type Gates, outlook, reserved, START, tokens, UNTIL_CHANGE, US } from './made-gate.js'

/** What holds of the role `Control`. */
export function controlContract(gates: Gates, { holdEmpties }: ContractOptions): void {
  describe('hold', () => {
    test('admits nothing until it ends, and no later hold shortens it', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      expect(gate.heldUntil).toBe(0)
      gate.hold(START + 9000, 'none', START)
      gate.hold(START + 5000, 'none', START)
      expect(gate.heldUntil).toBe(START + 9000)
      const wait = { kind: 'not-before', at: START + 9000 }
      expect([gate.admit(tokens(1), START), gate.earliest(NO_COST, START)]).toEqual([wait, wait])
      expect(gate.admit(tokens(1), START + 9000 - US)).toEqual(wait)
      reserved(gate.admit(tokens(1), START + 9000))
    })

    test.each(['requests', 'tokens', 'all', 'none'] as const)(
      'leaves the buckets of %s empty at its end',
      (empties) => {
        const gate = gates.of({ rpm: 600, tpm: 60_000 })
        const until = START + 9000
        gate.hold(until, empties, START)
        const waits = (kind: 'requests' | 'tokens') => holdEmpties && (empties === kind || empties === 'all')
        const [request, tokensAlone] = [tokens(0), tokens(100, { requests: 0 })]
        expect(startOf(gate.earliest(request, START))).toBe(waits('requests') ? until + 100 : until)
        expect(startOf(gate.earliest(tokensAlone, START))).toBe(waits('tokens') ? until + 100 : until)
      },
    )

    test('without end waits for a change', () => {
      const gate = gates.of({ tpm: 1000 })
      gate.hold(Infinity, 'none', START)
      expect([gate.admit(tokens(1), START), gate.earliest(tokens(1), START)]).toEqual([UNTIL_CHANGE, UNTIL_CHANGE])
      expect(gate.impossible(tokens(1001))).toMatchObject({ kind: 'never' })
    })
  })

  describe('pace', () => {
    test('spaces requests evenly, beside the limits, until it is lifted', () => {
      const gate = gates.of({ rpm: 600 })
      gate.pace(4, START)
      reserved(gate.admit(tokens(1), START))
      expect(gate.admit(tokens(1), START)).toEqual({ kind: 'not-before', at: START + 250 })
      reserved(gate.admit(tokens(1, { requests: 0 }), START))
      reserved(gate.admit(tokens(1), START + 250))
      gate.pace(undefined, START + 250)
      reserved(gate.admit(tokens(1), START + 250))
    })
  })

  describe('new limits', () => {
    test('keep the charges, and their reservations open', () => {
      const { gate, setLimits } = gates.listened({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(600), START))
      setLimits({ tpm: 500 }, START)
      expect(gate.admit(tokens(450), START).kind).toBe('not-before')
      // A window holds the charge of 600; a bucket has the 400 that were left.
      expect(gate.room(START)[0]!.used).toBeGreaterThanOrEqual(100)
      setLimits({ tpm: 1000 }, START)
      expect(gate.room(START)).toEqual([{ limit: 'tpm', effective: 1000, used: 600 }])
      expect([gate.settle(reservation, undefined, START), gate.inFlight]).toEqual([true, 0])
    })

    test('that are the same change nothing', () => {
      const limits = { rpm: 20, tpm: 1000 }
      const { gate, setLimits } = gates.listened(limits)
      reserved(gate.admit(tokens(300), START))
      const before = outlook(gate, START)
      setLimits(limits, START)
      expect(outlook(gate, START)).toEqual(before)
    })

    test('a J that grew admits nothing sooner', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000, tps: 100 })
      reserved(gate.admit(tokens(90), START))
      const before = outlook(gate, START).map(startOf)
      gate.setNetworkJitter(80, START)
      for (const [i, at] of outlook(gate, START).map(startOf).entries()) expect(at).toBeGreaterThanOrEqual(before[i]!)
    })
  })

  describe('onChange', () => {
    test('is called when a refund makes room, and may admit it at once', () => {
      const gate = gates.of({ tpm: 1000 })
      const kinds: unknown[] = []
      gate.onChange(() => kinds.push(gate.admit(tokens(900), START).kind))
      gate.settle(reserved(gate.admit(tokens(900), START)), NO_COST, START)
      expect(kinds).toEqual([undefined])
      expect(gate.admit(tokens(900), START).kind).toBe('not-before')
    })

    test('is called when a place comes free', () => {
      const { gate, heard } = gates.listened({ concurrency: 1 })
      gate.settle(reserved(gate.admit(tokens(1), START)), undefined, START)
      expect(heard.changes).toBeGreaterThan(0)
    })

    test('is called for new limits, which admit at once', () => {
      const { gate, setLimits, heard } = gates.listened({ tpm: 1000, concurrency: 1 })
      reserved(gate.admit(tokens(1), START))
      setLimits({ tpm: 1000, concurrency: 2 }, START)
      expect(heard.changes).toBeGreaterThan(0)
      reserved(gate.admit(tokens(1), START))
    })

    test('is called for another J, another output accounting and a faster pace', () => {
      const { gate, heard } = gates.listened({ tpm: 1000 })
      gate.setNetworkJitter(10, START)
      expect(heard.changes).toBe(1)
      gate.setOutputAccounting('generated', START)
      expect(heard.changes).toBe(2)
      gate.pace(1, START)
      reserved(gate.admit(tokens(1), START))
      expect(heard.changes).toBe(2)
      gate.pace(2, START)
      expect(heard.changes).toBe(3)
    })

    test('is not called where only time makes room, nor for a phase', () => {
      const { gate, heard } = gates.listened({ tpm: 1000 })
      gate.settle(reserved(gate.admit(tokens(400), START)), undefined, START)
      gate.settle(reserved(gate.admit(tokens(400), START)), tokens(500), START)
      gate.hold(START + 10, 'none', START)
      gate.setClockPhase(undefined, START)
      gate.room(START + 200_000)
      expect(gate.admit(tokens(900), START + 200_000).kind).toBeUndefined()
      expect(heard.changes).toBe(0)
    })
  })
}
