import type { Cost, Limits, OutputAccounting } from '../types.js'
import {
  NO_COST,
  toUs,
  type Admission,
  type ClockPhase,
  type Gate,
  type MeterUse,
  type Never,
  type Raise,
  type NotAdmitted,
  type Reservation,
} from './gate.js'

/** So long after an overflow others are taken to be possible: longer than what waits for a minute's limit waits. */
const OVERFLOWS_FOR_MS = 120_000
/** What waits for something of the other gate's that no time ends asks again so often: it is not told. */
const ASK_AGAIN_MS = 1000

/** What takes requests that exceed a gate's limits. */
export interface Overflow {
  /** The gate whose limits hold for them; undefined: none does. */
  readonly gate: () => Gate | undefined
  /** The most input tokens of a request that the own limits take. */
  readonly maxInputTokens: number
}

/** A charge that stands in the own gate, and perhaps in the other one. */
class OverflowReservation implements Reservation {
  readonly cost: Cost
  readonly own: Reservation
  /** Whether it went to the other gate at once, and stands in the own one as a request alone. */
  readonly isOther: boolean
  other: { readonly gate: Gate; readonly reservation: Reservation } | undefined
  settled = false

  constructor(cost: Cost, own: Reservation, isOther: boolean, other: OverflowReservation['other']) {
    this.cost = cost
    this.own = own
    this.isOther = isOther
    this.other = other
  }

  get at(): number {
    return this.own.at
  }

  get seq(): number {
    return this.own.seq
  }

  get raised(): Raise | undefined {
    return (this.isOther ? this.other?.reservation : this.own)?.raised
  }
}

/**
 * A gate above whose limits nothing is refused, but counted against other limits: a throughput that was bought, and the public limits
 * of its model. Requests are paced by the own limits. One that they could never take goes by the other ones at once. When the
 * service says that one went there, it is charged there, and for two minutes all must find room in both.
 */
export class OverflowGate implements Gate {
  readonly #own: Gate
  #overflow: Overflow | undefined
  #overflowsUntil = -Infinity

  constructor(own: Gate, overflow: Overflow | undefined) {
    this.#own = own
    this.#overflow = overflow
  }

  /** The own limits alone. */
  get own(): Gate {
    return this.#own
  }

  setOverflow(overflow: Overflow | undefined): void {
    this.#overflow = overflow
  }

  admit(cost: Cost, now: number): Admission {
    const other = this.#overflow?.gate()
    if (other === undefined) return this.#own.admit(cost, now)
    const isOther = this.#goesThere(cost)
    const own = isOther ? requestOnly(cost) : cost
    const charged = isOther || this.#mayOverflow(cost, other, now) ? this.#both(own, cost, other, now) : undefined
    if (charged?.kind !== undefined) return charged
    const admission = this.#own.admit(own, now)
    if (admission.kind === undefined) {
      return new OverflowReservation(cost, admission, isOther, charged && { gate: other, reservation: charged })
    }
    // No gate in memory takes its answer back.
    if (charged !== undefined) other.settle(charged, NO_COST, now)
    return admission
  }

  earliest(cost: Cost, now: number, ahead?: Cost): NotAdmitted {
    const other = this.#overflow?.gate()
    if (other === undefined) return this.#own.earliest(cost, now, ahead)
    if (this.#goesThere(cost)) {
      const before = ahead && this.#goesThere(ahead) ? ahead : undefined
      const own = this.#own.earliest(requestOnly(cost), now, ahead && requestOnly(ahead))
      return laterOf(own, other.earliest(cost, now, before), now)
    }
    const own = this.#own.earliest(cost, now, ahead)
    return this.#mayOverflow(cost, other, now) ? laterOf(own, other.earliest(cost, now, ahead), now) : own
  }

  /** Charges the other gate, if both have room. */
  #both(own: Cost, cost: Cost, other: Gate, now: number): Admission {
    const byOwn = this.#own.earliest(own, now)
    if (byOwn.kind !== 'not-before' || toUs(byOwn.at) > toUs(now)) {
      return laterOf(byOwn, other.earliest(cost, now), now)
    }
    const charged = other.admit(cost, now)
    return charged.kind === undefined ? charged : laterOf(byOwn, charged, now)
  }

  impossible(cost: Cost): Never | undefined {
    const other = this.#overflow?.gate()
    if (other === undefined) return this.#own.impossible(cost)
    if (!this.#goesThere(cost)) return undefined
    return other.impossible(cost) ?? this.#own.impossible(requestOnly(cost))
  }

  mostOutput(inputTokens: number): number {
    const other = this.#overflow?.gate()
    const input: Cost = { ...NO_COST, requests: 1, inputTokens }
    return (other !== undefined && this.#goesThere(input) ? other : this.#own).mostOutput(inputTokens)
  }

  shareOf(cost: Cost): number {
    const other = this.#overflow?.gate()
    return (other !== undefined && this.#goesThere(cost) ? other : this.#own).shareOf(cost)
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (!(reservation instanceof OverflowReservation)) return this.#own.settle(reservation, actual, now)
    if (reservation.settled) return false
    reservation.settled = true
    const { own, other, isOther } = reservation
    // The own gate tells of its room last: what asks it then finds what came back to the other.
    other?.gate.settle(other.reservation, actual, now)
    return this.#own.settle(own, isOther ? actual && requestOnly(actual) : actual, now)
  }

  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    if (!(reservation instanceof OverflowReservation)) return this.#own.raise(reservation, cost, now)
    if (reservation.settled) return false
    const { own, other, isOther } = reservation
    const byOther = other?.gate.raise(other.reservation, cost, now) === true
    return isOther ? byOther : this.#own.raise(own, cost, now)
  }

  /** The service counted it against the other limits. It stays charged here, too: the room for it was not there. */
  overflowed(reservation: Reservation, now: number): void {
    const gate = this.#overflow?.gate()
    if (gate === undefined) return
    if (reservation instanceof OverflowReservation) {
      if (!reservation.isOther) this.#overflowsUntil = now + OVERFLOWS_FOR_MS
      if (reservation.settled || reservation.other !== undefined) return
      const charge = gate.admit(NO_COST, now)
      // Held, or with no place left: it cannot be charged, and lets nothing in for now.
      if (charge.kind !== undefined) return
      gate.raise(charge, reservation.raised?.cost ?? reservation.cost, now)
      reservation.other = { gate, reservation: charge }
    } else this.#overflowsUntil = now + OVERFLOWS_FOR_MS
  }

  /** What was bought is never refused: what is was refused by the other limits. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    const overflows = this.#overflow?.gate() !== undefined
    if (overflows) this.#overflowsUntil = Math.max(until, now) + OVERFLOWS_FOR_MS
    this.#own.hold(until, overflows ? 'none' : empties, now)
  }

  get heldUntil(): number {
    return this.#own.heldUntil
  }

  pace(requestsPerSecond: number | undefined, now: number): void {
    this.#own.pace(requestsPerSecond, now)
  }

  setLimits(limits: Limits, now: number, configured?: Limits): void {
    this.#own.setLimits(limits, now, configured)
  }

  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void {
    this.#own.setOutputAccounting(outputAccounting, now)
  }

  /** What was bought refuses nothing: only the other limits can have, and only of what was charged there can they account for it. */
  accountsFor(reservation: Reservation, now: number): boolean {
    if (!(reservation instanceof OverflowReservation)) return this.#own.accountsFor(reservation, now)
    const { other } = reservation
    if (other === undefined || !other.gate.accountsFor(other.reservation, now)) return false
    this.#overflowsUntil = Math.max(this.#overflowsUntil, now + OVERFLOWS_FOR_MS)
    return true
  }

  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#own.setNetworkJitter(networkJitterMs, now)
  }

  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    this.#own.setClockPhase(phase, now)
  }

  /** Of the own limits. */
  room(now: number): MeterUse[] {
    return this.#own.room(now)
  }

  /** None where the other limits are what refuses: nothing is to be learned of the own ones. */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): { minute: number; second: number } | undefined {
    return this.#overflow?.gate() === undefined ? this.#own.usedShares(kind, now, refused) : undefined
  }

  minuteFreesAt(now: number): number {
    return Math.max(this.#own.minuteFreesAt(now), this.#overflow?.gate()?.minuteFreesAt(now) ?? now)
  }

  onChange(listener: () => void): void {
    this.#own.onChange(listener)
  }

  get inFlight(): number {
    return this.#own.inFlight
  }

  /** Whether the own limits can never take it. */
  #goesThere(cost: Cost): boolean {
    return cost.inputTokens > this.#overflow!.maxInputTokens || this.#own.impossible(cost) !== undefined
  }

  /** Whether it must find room in the other gate as well; one that never can is left to its luck. */
  #mayOverflow(cost: Cost, other: Gate, now: number): boolean {
    return now < this.#overflowsUntil && other.impossible(cost) === undefined
  }
}

/** What the own gate is charged with for a request that goes by the other limits: for its pace and its holds. */
function requestOnly({ requests }: Cost): Cost {
  return { ...NO_COST, requests }
}

/** The answer that holds for both. The other gate's changes are not heard of: what waits for one asks again. */
function laterOf(own: NotAdmitted, other: NotAdmitted, now: number): NotAdmitted {
  if (own.kind !== 'not-before') return own
  if (other.kind === 'never') return other
  const at = other.kind === 'until-change' ? now + ASK_AGAIN_MS : other.at
  return at > own.at ? { kind: 'not-before', at } : own
}
