import type { Recorder } from '../metrics/recorder.js'
import type { Reservation } from '../quota/reservation.js'
import type { QueuedRequest } from './queued-request.js'

/** One attempt of a request, as the model that it is sent to knows it. */
export interface SentRequest {
  readonly job: QueuedRequest
  readonly reservation: Reservation
  /** Who counts what becomes of it; see `ModelState.recorderOf`. */
  readonly recorder: Recorder
  /** The part of the quota that its tenant was charged with; undefined where nothing waited. */
  readonly share: number | undefined
  /** 1 for the first attempt. */
  readonly attempt: number
  /** How long this attempt waited, in ms. */
  readonly waitMs: number
  /** Whether the reservation holds an estimate of the output, and not an exact total. */
  readonly isEstimated: boolean
  /** The most output tokens that all answers to it may have together; undefined where it does not say. */
  readonly mostOutputTokens: number | undefined
}
