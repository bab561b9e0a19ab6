import type { MeteredLimit } from './limit-rules.js'
import type { Reservation } from './reservation.js'

/** Not now, but at `at` (the clock's ms, exact), if nothing else is admitted before. */
export interface NotBefore {
  readonly kind: 'not-before'
  readonly at: number
  /** Whether the request waits for answers to end. Then `at` is an expectation, not exact. @default false */
  readonly isExpected?: boolean
}

/** Not until something other than time changes: a settlement, a limit, a hold without end. */
export interface UntilChange {
  readonly kind: 'until-change'
}

/** Never: the request counts `amount`, and `limit` allows only `effective` in its whole window. */
export interface Never {
  readonly kind: 'never'
  readonly limit: MeteredLimit
  readonly effective: number
  readonly amount: number
}

/** Why, and for how long, a gate refuses a request. */
export type NotAdmitted = NotBefore | UntilChange | Never

/** The answer to `Admission.admit`. A refusal has a `kind`; a reservation has none. */
export type AdmissionResult = (Reservation & { readonly kind?: undefined }) | NotAdmitted

/** The time of admission that an answer names, in the clock's ms. Infinity if it names none. */
export function startOf(answer: NotAdmitted): number {
  return answer.kind === 'not-before' ? answer.at : Infinity
}
