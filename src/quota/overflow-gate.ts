import type { Cost, Limits, OutputAccounting } from '../types.js'
import type { AdmissionResult, Never, NotAdmitted } from './admission-result.js'
import type { ClockPhase } from './clock-phase.js'
import type { Admission, Gate, Reservations } from './gate.js'
import type { MeterUse, UsedShares } from './meter-use.js'
import { toUs } from './microseconds.js'
import { OverflowReservation } from './overflow-reservation.js'
import { NO_COST, type Reservation } from './reservation.js'

/**
 * For how long after an overflow, in ms, requests must find room in both gates. It is longer than any request waits for a minute's
 * limit: otherwise all requests that waited would go at once at its end. A longer time uses less of the provisioned throughput. See
 * docs/decisions/013-limits-that-move.md.
 */
const OVERFLOWS_FOR_MS = 120_000
/**
 * How soon a request asks again, in ms, if it waits for a change of the other gate. That gate's listener is not ours. A shorter time
 * polls more often, a longer one leaves room unused.
 */
const ASK_AGAIN_MS = 1000

/** The limits that count requests above the own ones. */
export interface Overflow {
  /** Their gate. Undefined: there are no such limits. */
  readonly gate: () => (Admission & Reservations) | undefined
  /** The most input tokens of a request that the own limits count. */
  readonly maxInputTokens: number
}

/**
 * A gate for provisioned throughput. The service refuses nothing above the own limits, but counts it against other ones: the public
 * limits of the model. The own limits pace the requests. A request that they can never pass goes by the other ones at once. When
 * the service says that it counted a request there, it is charged there, and for two minutes every request must find room in both.
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

  admit(cost: Cost, now: number): AdmissionResult {
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
    // No gate in memory takes back its answer. One that does must not leave the other gate charged.
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

  /** Charges the other gate if both have room. */
  #both(own: Cost, cost: Cost, other: Admission, now: number): AdmissionResult {
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
    // The own gate calls its listener last: the listener then finds the other gate's refund, too.
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

  /** The service counted it against the other limits. It stays charged here, too: it found no room here. */
  overflowed(reservation: Reservation, now: number): void {
    const gate = this.#overflow?.gate()
    if (gate === undefined) return
    if (reservation instanceof OverflowReservation) {
      if (!reservation.isOther) this.#overflowsUntil = now + OVERFLOWS_FOR_MS
      if (reservation.settled || reservation.other !== undefined) return
      const charge = gate.admit(NO_COST, now)
      // The other gate is held or has no place left. It cannot be charged, and admits nothing for now.
      if (charge.kind !== undefined) return
      gate.raise(charge, reservation.raised?.cost ?? reservation.cost, now)
      reservation.other = { gate, reservation: charge }
    } else this.#overflowsUntil = now + OVERFLOWS_FOR_MS
  }

  /** Provisioned throughput never returns 429, so the other limits refused. The own buckets are as full as before. */
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

  /** Provisioned throughput never returns 429. Only a charge to the other limits can explain one. */
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

  /** The use of the own limits. */
  room(now: number): MeterUse[] {
    return this.#own.room(now)
  }

  /** Undefined where the other limits refuse: their refusals teach nothing about the own ones. */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): UsedShares | undefined {
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

  /** Whether the own limits can never pass it. */
  #goesThere(cost: Cost): boolean {
    return cost.inputTokens > this.#overflow!.maxInputTokens || this.#own.impossible(cost) !== undefined
  }

  /** Whether it must find room in the other gate as well. A request that never can is sent all the same. */
  #mayOverflow(cost: Cost, other: Admission, now: number): boolean {
    return now < this.#overflowsUntil && other.impossible(cost) === undefined
  }
}

/** The charge to the own gate of a request that goes by the other limits: the own pace and holds stand for it, too. */
function requestOnly({ requests }: Cost): Cost {
  return { ...NO_COST, requests }
}

/** The answer that holds for both gates. The other one's listener is not ours, so a wait for its changes becomes a time. */
function laterOf(own: NotAdmitted, other: NotAdmitted, now: number): NotAdmitted {
  if (own.kind !== 'not-before') return own
  if (other.kind === 'never') return other
  const at = other.kind === 'until-change' ? now + ASK_AGAIN_MS : other.at
  return at > own.at ? { kind: 'not-before', at } : own
}
