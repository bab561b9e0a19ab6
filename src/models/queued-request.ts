import type { Schedulable } from '../queue/lane-step.js'

/** What the models know of a request that waits in one of their queues. */
export interface QueuedRequest extends Schedulable {
  /** Its number within the limiter, from 1; the same in all attempts. */
  readonly id: number
  /** Ends it with this error. A request that has ended already does nothing. */
  reject(reason: unknown): void
  /** Stops listening for its caller's abort, for it waits no longer. */
  forgetAbort(): void
}
