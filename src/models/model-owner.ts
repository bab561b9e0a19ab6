import type { Events } from '../metrics/events.js'
import type { Recorder } from '../metrics/recorder.js'
import type { Pausable } from '../queue/lane.js'
import type { IdleTracker } from './idle-tracker.js'

/** What the models of a workspace, and the requests at them, need of it. */
export interface ModelOwner extends Pausable {
  readonly events: Events
  readonly idle: IdleTracker
  /** Closed without waiting: what runs is not repeated. */
  readonly isAbandoned: boolean
  /** Who counts the requests of a tenant, beside `others`. */
  recorderOf(tenant: string, others: Recorder): Recorder
}
