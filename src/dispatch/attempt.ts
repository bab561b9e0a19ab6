import { InvalidRequest } from '../errors.js'
import { isUsageUnknown, readUsage, type UsageLike } from '../tokens/usage.js'
import type { Reservation } from '../quota/reservation.js'
import type { Recorder } from '../metrics/recorder.js'
import type { ModelState } from '../models/model-state.js'
import type { SentRequest } from '../models/sent-request.js'
import type { ErrorResponse } from '../throttling/classify.js'
import type { ResponseMetadata } from '../throttling/response-headers.js'
import type { Limits, Usage } from '../types.js'
import type { Job } from './job.js'
import { mostOutput } from './schedule-request.js'

/** Leave to send one request, once: what `run` is given. */
export interface Grant {
  /** The request's number within the limiter: that of its events, the same in all attempts. */
  readonly requestId: number
  /** The model to call: the one asked for, or a backup. */
  readonly model: string
  /** 1 for the first attempt. */
  readonly attempt: number
  /** How long this attempt waited, in ms. */
  readonly waitMs: number
  /** The request's own signal; one that never aborts where it has none. */
  readonly signal: AbortSignal
  /**
   * Says what the request used: `{ inputTokens, outputTokens }` or a `usage` object of a service or an SDK. Once; a second call is
   * ignored and counted. A returned value that carries a `usage` needs no call. A usage with a count that is `null` or
   * undefined is not known, and says nothing.
   *
   * @throws InvalidRequest for anything that is no usage
   */
  settle(usage: UsageLike): void
  /**
   * Says when the service counted the request, in ms by its own clock (Model Studio: the header `req-arrive-time` of its answer):
   * from this J is learned, where `networkJitterMs` was not given. What is no finite number is passed over.
   */
  arrived(epochMs: number): void
  /**
   * Says that the service counted the request beyond its provisioned throughput (Model Studio: the header
   * `x-dashscope-ptu-overflow: true` of its answer): the public limits bind it too, and for two minutes what comes after it. To be
   * called before it settles; a second call says nothing more. Of an error that is thrown with its headers it is read by itself.
   */
  overflowed(): void
}

/** Does a request's work, once for each attempt. */
export type Run<T> = (attempt: Attempt) => T | PromiseLike<T>

/** What an attempt tells the dispatcher. */
export interface AttemptEvents {
  /** Its usage is known; `undefined`: it will not be. May come several times, of which the first one counts. */
  closed(attempt: Attempt, usage: Usage | undefined): void
  /** The answer has come to this many output tokens already, and goes on. */
  grew(attempt: Attempt, outputTokens: number): void
  /** The server refused inside an answer that has begun: nothing to repeat, but the model learns from it. */
  refusedLate(attempt: Attempt, answer: ErrorResponse): void
  /** The service says when the request reached it: at `epochMs` by its clock. */
  arrived(attempt: Attempt, epochMs: number): void
  /** The service says that the request left its provisioned throughput. At most once. */
  overflowed(attempt: Attempt): void
  /** The service says which limits a minute hold for the model. */
  limitsReported(attempt: Attempt, limits: Limits): void
}

/** One admitted attempt of a job, as the models, the dispatcher and transport see it. */
export class Attempt implements Grant, SentRequest {
  readonly model: string
  readonly attempt: number
  readonly waitMs: number
  readonly modelState: ModelState
  readonly job: Job
  readonly reservation: Reservation
  readonly recorder: Recorder
  readonly share: number | undefined
  /** Set where the answer goes on after `run` has returned: then transport closes the attempt. */
  isOpen = false
  /** Whether `run` has returned or thrown. */
  hasRun = false
  /** When the first content of the answer came, in the clock's ms. */
  firstTokenAt: number | undefined
  readonly #events: AttemptEvents
  #signal: AbortSignal | undefined
  #hasOverflowed = false

  constructor(job: Job, reservation: Reservation, share: number | undefined, events: AttemptEvents) {
    this.job = job
    this.modelState = job.modelState
    this.reservation = reservation
    this.recorder = job.modelState.recorderOf(job.tenant)
    this.share = share
    this.model = job.modelState.model
    this.attempt = ++job.attempts
    this.waitMs = Math.max(0, reservation.at - job.queuedAt)
    this.#events = events
  }

  get requestId(): number {
    return this.job.id
  }

  get isEstimated(): boolean {
    return this.job.request.tokens === undefined
  }

  get mostOutputTokens(): number | undefined {
    return mostOutput(this.job.request)
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.job.request.signal ?? new AbortController().signal)
  }

  /** Bound to the attempt: a `run` may take it out of its grant. */
  get settle(): Grant['settle'] {
    return (usage) => {
      const read = readUsage(usage)
      if (read === undefined) {
        if (isUsageUnknown(usage)) return
        throw new InvalidRequest(
          'settle(usage): give { inputTokens, outputTokens }, both numbers of 0 or more, or a usage object of the service',
        )
      }
      this.close(read)
    }
  }

  /** The answer has come to its end with this usage; nothing known: the reservation stands. */
  close(usage: Usage | undefined): void {
    this.#events.closed(this, usage)
  }

  /** What the headers of an answer tell beside it. */
  onMetadata({ arrivedAt, limits, hasOverflowed }: ResponseMetadata): void {
    if (hasOverflowed === true) this.overflowed()
    if (arrivedAt !== undefined) this.arrived(arrivedAt)
    if (limits !== undefined) this.#events.limitsReported(this, limits)
  }

  /** Bound to the attempt, too. */
  get arrived(): Grant['arrived'] {
    return (epochMs) => this.#events.arrived(this, epochMs)
  }

  /** Bound to the attempt, too. */
  get overflowed(): Grant['overflowed'] {
    return () => {
      // A `run` may say so, and then throw an error whose headers do.
      if (this.#hasOverflowed) return
      this.#hasOverflowed = true
      this.#events.overflowed(this)
    }
  }

  /** Charges what has come beyond the reservation, before the answer is at its end. */
  grew(outputTokens: number): void {
    if (!this.reservation.settled) this.#events.grew(this, outputTokens)
  }

  refusedLate(answer: ErrorResponse): void {
    this.#events.refusedLate(this, answer)
  }
}
