import type { Never, Reservation } from '../quota/gate.js'
import type { Waiting } from './job-list.js'

/** What the scheduler needs of a job. */
export interface Schedulable extends Waiting {
  /** Until when it must start, in the clock's ms; Infinity where it has no deadline. */
  readonly startBy: number
}

/** A job that left its queue: admitted, and charged to its tenant with `share`; or because it never can be; or late. */
export type LaneStep<J> =
  | { readonly job: J; readonly reservation: Reservation; readonly share: number; readonly wasHead: boolean }
  | { readonly job: J; readonly never: Never }
  | { readonly job: J; readonly isLate: true }
