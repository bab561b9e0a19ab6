import type { Cost, Limits, OutputAccounting } from '../types.js'
import type { MeteredLimit } from './limit-rules.js'

/** A charge that was admitted and waits for what was really used. */
export interface Reservation {
  readonly cost: Cost
  /** When it was admitted, in the clock's ms. */
  readonly at: number
  /** Number of the charge within its gate. */
  readonly seq: number
  /** Whether it was settled; that happens once. */
  settled: boolean
  /** The newest of the charges that were added to it; see {@link Gate.raise}. */
  raised?: Raise | undefined
}

/** A charge added to a reservation that had turned out too low. */
export interface Raise {
  /** What is charged with it in all. */
  readonly cost: Cost
  readonly seq: number
  /** The one before it. */
  readonly below: Raise | undefined
}

/** Not now: at `at` (the clock's ms, exact), if nothing else is admitted before. */
export interface NotBefore {
  readonly kind: 'not-before'
  readonly at: number
  /** Whether it waits for answers to end, so that `at` is an expectation. @default false */
  readonly isExpected?: boolean
}
/** Not until something else changes: a settlement, a limit. */
export interface UntilChange {
  readonly kind: 'until-change'
}
/** Never: larger than `limit` allows in its whole window. */
export interface Never {
  readonly kind: 'never'
  readonly limit: MeteredLimit
  readonly effective: number
  readonly amount: number
}
export type NotAdmitted = NotBefore | UntilChange | Never
/** The answer to {@link Gate.admit}: a refusal has a `kind`. */
export type Admission = (Reservation & { readonly kind?: undefined }) | NotAdmitted

/**
 * When the service counts what is sent, by its own clock: a request sent at t (the limiter's clock) between t + fromMs and
 * t + toMs.
 */
export interface ClockPhase {
  readonly fromMs: number
  readonly toMs: number
  /** It holds for what is sent before this time, in the limiter's clock's ms: after it, the clocks may have drifted apart. */
  readonly untilMs: number
}

/** How full a window is. */
export interface MeterUse {
  readonly limit: MeteredLimit
  /** The limit as stated. */
  readonly effective: number
  /** What counts against it now. */
  readonly used: number
}

/**
 * The seam for sharing a quota: all meters of one model as one, synchronous. Time is an argument, in the clock's ms.
 * In memory it is `ModelGate`.
 */
export interface Gate {
  /** Charges all meters or none. */
  admit(cost: Cost, now: number): Admission
  /**
   * What {@link admit} would answer, without charging: the time of admission, or why there is none. With `ahead`, what is to
   * be admitted before: a prediction, for requests that come meanwhile and corrections are not in it.
   */
  earliest(cost: Cost, now: number, ahead?: Cost): NotBefore | UntilChange | Never
  /** Why `cost` can never pass under the limits in force; undefined if it can. */
  impossible(cost: Cost): Never | undefined
  /** The most output tokens that can ever pass with so many of input: what is only expected must not exceed it. */
  mostOutput(inputTokens: number): number
  /** Which part of the scarcest limit's minute `cost` takes: its dominant share. Without limits, by requests. */
  shareOf(cost: Cost): number
  /** Corrects a reservation to what was used; `undefined`: the reservation stands. False if it was settled before. */
  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean
  /**
   * Charges a reservation that is open with `cost` in all, because that much was used already: what is above the charges so
   * far counts from now on, room or not. False, and nothing is charged, if it was settled or if that would lower it.
   */
  raise(reservation: Reservation, cost: Cost, now: number): boolean
  /** Admits nothing until `until`, and lets the meters of `empties` start from nothing then. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void
  /** Until when it is held, in the clock's ms; 0 if it never was. */
  readonly heldUntil: number
  /**
   * Lets requests through one after another at this rate a second, beside all limits; undefined: no more. What was sent last
   * is spaced by a new rate, too. A refund gives no place in it back.
   */
  pace(requestsPerSecond: number | undefined, now: number): void
  /**
   * Takes new limits, keeping what was charged under the old ones. `told`: those that say what can never pass, where the limits
   * in force are lower for a time; larger requests then pass alone. @default `limits`
   */
  setLimits(limits: Limits, now: number, configured?: Limits): void
  /** Takes in when the service counts output. */
  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void
  /**
   * The service refused a request for its tokens. True if output that is not known yet explains that: then the meters hold as
   * much more, they tell when there will be room, and nothing has to be held. To be called before it is settled.
   */
  accountsFor(reservation: Reservation, now: number): boolean
  /** Takes another spread of the delays to the server, J, in ms. */
  setNetworkJitter(networkJitterMs: number, now: number): void
  /**
   * Takes another phase of the service's clock; undefined: it is not known any more. Meters of windows that begin by that clock count
   * all that was charged anew by it. Tells nobody: whoever sets it asks again for what waits, once all gates have it.
   */
  setClockPhase(phase: ClockPhase | undefined, now: number): void
  /** The use of each window. */
  room(now: number): MeterUse[]
  /**
   * The largest share of a told limit on requests, or on tokens, that is used: of the limits a minute, and of those a second (or of
   * the one kind that there is). `refused`, a request that was charged and then refused, is left out of the minute's: a second
   * holds few, and its limit may lie anywhere between what was there before and with it. Undefined where there is no such limit.
   */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): { minute: number; second: number } | undefined
  /** When the oldest charge of a minute's window leaves it; `now` if there is none. */
  minuteFreesAt(now: number): number
  /** Calls `listener` when room may have come by other means than time. One listener at most. */
  onChange(listener: () => void): void
  /** Reservations not settled yet. */
  readonly inFlight: number
  /** The service says that it counted a request against other limits than this gate's. Left out: there are no others. */
  overflowed?(reservation: Reservation, now: number): void
}

/** The cost of a request that was never sent. */
export const NO_COST: Cost = { requests: 0, inputTokens: 0, outputTokens: 0, thinkingTokens: 0 }

/** What is charged for a reservation so far. */
export function chargedBy({ cost, raised }: Reservation): Cost {
  return raised === undefined ? cost : raised.cost
}

/** When an answer of {@link Gate.earliest} lets it start, in the clock's ms; Infinity if more than time decides, or never. */
export function startOf(answer: NotBefore | UntilChange | Never): number {
  return answer.kind === 'not-before' ? answer.at : Infinity
}

/** The nearest whole microsecond: a time that was answered in ms comes back as the same one, on an epoch's clock too. */
export function toUs(ms: number): number {
  return Math.round(ms * 1000)
}
