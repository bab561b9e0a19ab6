import { describe, expect, test } from 'vitest'
import { startOf } from '../../../src/quota/admission-result.js'
import { NO_COST } from '../../../src/quota/reservation.js'
import type { Cost } from '../../../src/types.js'
import { type Gates, outlook, reserved, START, tokens, UNTIL_CHANGE, usedOf } from './made-gate.js'

/** What holds of the role `Reservations`. */
export function reservationsContract(gates: Gates): void {
  describe('settle', () => {
    test('happens once: a second one is false and changes nothing', () => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(900), START))
      expect([gate.settle(reservation, tokens(400), START), reservation.settled]).toEqual([true, true])
      const before = outlook(gate, START)
      expect(gate.settle(reservation, NO_COST, START)).toBe(false)
      expect(gate.settle(reservation, undefined, START + 1)).toBe(false)
      expect([usedOf(gate, START), gate.inFlight, outlook(gate, START)]).toEqual([[400], 0, before])
    })

    test.each([0, 1, 400, 899])(
      'below the reservation gives the room back exactly: as if %i had been reserved',
      (used) => {
        const [gate, small] = [gates.of({ rpm: 20, tpm: 1000, tps: 500 }), gates.of({ rpm: 20, tpm: 1000, tps: 500 })]
        gate.settle(reserved(gate.admit(tokens(900), START)), tokens(used), START)
        reserved(small.admit(tokens(used), START))
        expect(usedOf(gate, START)).toEqual(usedOf(small, START))
        expect(gate.earliest(tokens(500), START + 1000)).toEqual(small.earliest(tokens(500), START + 1000))
      },
    )

    test.each([0, 10, 30, 59.9])(
      '%f s later gives back no room that had come by time: two refunds permit no more than had they never been charged',
      (seconds) => {
        const limits = { rpm: 20, tpm: 1000, tps: 500 }
        const [gate, never] = [gates.of(limits), gates.of(limits)]
        const [first, second] = [reserved(gate.admit(tokens(200), START)), reserved(gate.admit(tokens(100), START))]
        const later = START + 1000 * seconds
        for (const each of [gate, never]) reserved(each.admit(tokens(450), later + 2000))
        gate.settle(second, NO_COST, later + 2000)
        gate.settle(first, NO_COST, later + 2000)
        const permitted = outlook(never, later + 2000).map(startOf)
        const times = outlook(gate, later + 2000).map(startOf)
        for (const [i, at] of times.entries()) expect(at).toBeGreaterThanOrEqual(permitted[i]!)
      },
    )

    test('at no requests gives the request back', () => {
      const gate = gates.of({ rpm: 20, tpm: 1000 })
      const before = usedOf(gate, START)
      gate.settle(reserved(gate.admit(tokens(900), START)), NO_COST, START)
      expect(usedOf(gate, START)).toEqual(before)
    })

    test('without usage lets the reservation stand', () => {
      const gate = gates.of({ tpm: 1000 })
      expect(gate.settle(reserved(gate.admit(tokens(900), START)), undefined, START)).toBe(true)
      expect([usedOf(gate, START), gate.inFlight]).toEqual([[900], 0])
    })

    test('above the reservation charges the excess at once', () => {
      const gate = gates.of({ tpm: 1000 })
      gate.settle(reserved(gate.admit(tokens(900), START)), tokens(1500), START)
      expect(usedOf(gate, START)).toEqual([1500])
      expect(gate.admit(tokens(1), START).kind).toBe('not-before')
    })

    test('after its charge has left the window gives nothing back', () => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(900), START))
      const later = START + 200_000
      reserved(gate.admit(tokens(900), later))
      gate.settle(reservation, NO_COST, later)
      expect([usedOf(gate, later), gate.inFlight]).toEqual([[900], 1])
    })
  })

  describe('raise', () => {
    test('counts at once, room or not, and the settlement corrects it all', () => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(300), START))
      expect(gate.raise(reservation, tokens(300, { outputTokens: 500 }), START)).toBe(true)
      expect(gate.raise(reservation, tokens(300, { outputTokens: 900 }), START)).toBe(true)
      expect([usedOf(gate, START), gate.inFlight]).toEqual([[1200], 1])
      expect(reservation.raised?.cost).toEqual(tokens(300, { outputTokens: 900 }))
      gate.settle(reservation, tokens(300, { outputTokens: 100 }), START)
      expect([usedOf(gate, START), gate.inFlight]).toEqual([[400], 0])
    })

    test('without usage at the end it stands', () => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(300), START))
      gate.raise(reservation, tokens(500), START)
      gate.settle(reservation, undefined, START)
      expect(usedOf(gate, START)).toEqual([500])
    })

    test.each<[string, Cost]>([
      ['to less', tokens(299)],
      ['to less in one dimension', tokens(0, { outputTokens: 400 })],
    ])('%s is refused, and changes nothing', (_, cost) => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(300), START))
      const before = outlook(gate, START)
      expect(gate.raise(reservation, cost, START)).toBe(false)
      expect([reservation.raised, outlook(gate, START)]).toEqual([undefined, before])
    })

    test('after the settlement is refused', () => {
      const gate = gates.of({ tpm: 1000 })
      const reservation = reserved(gate.admit(tokens(300), START))
      gate.settle(reservation, undefined, START)
      expect(gate.raise(reservation, tokens(500), START)).toBe(false)
      expect(usedOf(gate, START)).toEqual([300])
    })
  })

  describe('in flight', () => {
    test('admitted requests count until they are settled, refused ones never', () => {
      const gate = gates.of({ tpm: 1000 })
      const open = [100, 200, 300].map((size) => reserved(gate.admit(tokens(size), START)))
      expect(gate.admit(tokens(900), START).kind).toBe('not-before')
      expect(gate.inFlight).toBe(3)
      for (const [i, each] of open.entries()) {
        gate.settle(each, i === 0 ? undefined : tokens(500 * i), START)
        expect(gate.inFlight).toBe(2 - i)
      }
    })

    test('their limit answers until a change; a wait for time comes first', () => {
      const gate = gates.of({ rpm: 2, concurrency: 1 })
      const first = reserved(gate.admit(tokens(1), START))
      const withoutRequest = tokens(1, { requests: 0 })
      expect(gate.earliest(withoutRequest, START)).toEqual(UNTIL_CHANGE)
      expect(gate.admit(withoutRequest, START)).toEqual(UNTIL_CHANGE)
      expect(gate.earliest(tokens(1, { requests: 2 }), START).kind).toBe('not-before')
      gate.settle(first, undefined, START)
      reserved(gate.admit(withoutRequest, START))
    })
  })
}
