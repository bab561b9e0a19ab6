import type { Cost, Limits, OutputAccounting } from '../types.js'
import type { AdmissionResult, Never, NotAdmitted } from './admission-result.js'
import type { ClockPhase } from './clock-phase.js'
import type { MeterUse, UsedShares } from './meter-use.js'
import type { Reservation } from './reservation.js'

/** The role of whoever starts requests: what may go, and when. */
export interface Admission {
  /** Charges all meters, or none. */
  admit(cost: Cost, now: number): AdmissionResult
  /**
   * The answer that {@link admit} would give, without a charge: the time of admission, or why there is none. With `ahead`, the
   * answer for after that much was admitted. That is a prediction: it leaves out new requests and corrections.
   */
  earliest(cost: Cost, now: number, ahead?: Cost): NotAdmitted
  /** Why `cost` can never pass under the limits in force. Undefined if it can. */
  impossible(cost: Cost): Never | undefined
  /** The most output tokens that can ever pass beside `inputTokens`. An estimate of the output must not exceed it. */
  mostOutput(inputTokens: number): number
  /** The dominant share of `cost`: the part that it takes of the scarcest limit's minute. Without limits, its requests. */
  shareOf(cost: Cost): number
  /** The use of each limit. */
  room(now: number): MeterUse[]
  /** When the oldest charge of a minute's window leaves it. `now` if there is none. */
  minuteFreesAt(now: number): number
  /** The end of the newest hold, in the clock's ms. 0 if the gate was never held. */
  readonly heldUntil: number
}

/** The role of whoever sends requests: what becomes of an admitted charge. */
export interface Reservations {
  /**
   * Corrects a reservation to the amount that was used. With `undefined` the reservation stands as it is. False, and nothing
   * changes, if it was settled before.
   */
  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean
  /**
   * Raises an open reservation to `cost` in all, because that much was used already. The difference counts from now on, whether
   * there is room or not. False, and nothing is charged, if the reservation was settled or `cost` is below its charge.
   */
  raise(reservation: Reservation, cost: Cost, now: number): boolean
  /**
   * The service refused this request for its tokens. True if output that the meters do not know yet explains that: then they
   * take in the missing output, they know when there is room again, and no hold is needed. Call it before the settlement.
   */
  accountsFor(reservation: Reservation, now: number): boolean
  /** The service counted this request against limits other than this gate's. Left out where there are no others. */
  overflowed?(reservation: Reservation, now: number): void
  /** The number of reservations that are not settled yet. */
  readonly inFlight: number
}

/** The role of whoever learns from the service's answers: what a gate holds requests to. */
export interface Control {
  /** Admits nothing until `until` (the clock's ms). The buckets that `empties` names are empty then. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void
  /**
   * Spaces requests evenly at this rate a second, beside all limits. Undefined ends that. A new rate spaces the last request
   * that was sent, too. A refund gives back no place in the spacing.
   */
  pace(requestsPerSecond: number | undefined, now: number): void
  /**
   * Sets new limits and keeps the charges made under the old ones. `configured` are the limits that decide what can never
   * pass, where the limits in force are lower for a time. A request between the two then passes alone. @default `limits`
   */
  setLimits(limits: Limits, now: number, configured?: Limits): void
  /** Sets when the service counts output. */
  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void
  /** Sets J, the spread of the delays to the service, in ms. */
  setNetworkJitter(networkJitterMs: number, now: number): void
  /**
   * Sets the phase of the service's clock. Undefined: it is not known any more. Windows that begin by that clock count all their
   * charges anew. Calls no listener: the caller asks for its waiting requests again, once all gates have the phase.
   */
  setClockPhase(phase: ClockPhase | undefined, now: number): void
  /**
   * The used shares of the configured limits on requests, or on tokens. Where there are limits of one length only, both shares
   * are theirs. Undefined where there is no such limit. `refused` is the cost of a request that was charged and then refused.
   * The minute's share leaves it out. A second holds few requests, and its limit may lie anywhere between its use without the
   * refused one and with it.
   */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): UsedShares | undefined
  /** Calls `listener` when room may have come by other means than time. One listener at most. */
  onChange(listener: () => void): void
}

/**
 * All meters of one model as one: the seam at which a quota can be shared. It is synchronous, and has no clock of its own: time
 * is an argument, in the clock's ms. `ModelGate` is the one in memory. Depend on the roles that you use.
 */
export type Gate = Admission & Reservations & Control
