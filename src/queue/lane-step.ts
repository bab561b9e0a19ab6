import type { Never } from '../quota/admission-result.js'
import type { Reservation } from '../quota/reservation.js'
import type { Waiting } from './job-list.js'

/** A job as the scheduler sees it. */
export interface Schedulable extends Waiting {
  /** The latest start of the job, in the clock's ms; Infinity if it has no deadline. */
  readonly startBy: number
}

/**
 * A job that left its queue. It was admitted, and its tenant was charged with `share`; or it can never be admitted; or
 * its deadline has passed.
 */
export type LaneStep<J> =
  | { readonly job: J; readonly reservation: Reservation; readonly share: number; readonly wasHead: boolean }
  | { readonly job: J; readonly never: Never }
  | { readonly job: J; readonly isLate: true }
