import { InvalidRequest } from '../errors.js'
import { readUsage } from '../tokens/usage.js'
import type { Reservation } from '../quota/reservation.js'
import type { Recorder } from '../metrics/recorder.js'
import type { ErrorResponse } from '../throttling/classify.js'
import type { ResponseMetadata } from '../throttling/response-headers.js'
import type { Usage } from '../types.js'
import type { ModelState } from '../models/model-state.js'
import type { Job } from './job.js'

/** Leave to send one request, once: what `run` is given. */
export interface Grant {
  /** The model to call: the one asked for, or a backup. */
  readonly model: string
  /** 1 for the first attempt. */
  readonly attempt: number
  /** How long this attempt waited, in ms. */
  readonly waitMs: number
  /** The request's own signal; one that never aborts where it has none. */
  readonly signal: AbortSignal
  /**
   * Says what the request used: `{ inputTokens, outputTokens }` or a `usage` object of the service. Once; a second call is
   * ignored and counted. A returned value that carries a `usage` needs no call.
   *
   * @throws InvalidRequest for anything that is no usage
   */
  settle(usage: Usage | object): void
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

/** What an attempt tells the line that it runs in. */
export interface AttemptEvents {
  /** Corrects the charge; `undefined`: the reservation stands. */
  settled(attempt: Attempt, usage: Usage | undefined): void
  /** So much output has come already; the attempt goes on. */
  grew(attempt: Attempt, outputTokens: number): void
  /** The server refused inside an answer that has begun: nothing to repeat, but a lesson for the group. */
  refusedLate(attempt: Attempt, answer: ErrorResponse): void
  settledTwice(): void
  /** The service says when the request reached it: at `epochMs` by its clock. */
  arrived(attempt: Attempt, epochMs: number): void
  /** The service says that the request left its provisioned throughput. */
  overflowed(attempt: Attempt): void
  /** What an answer's headers tell beside it. */
  onMetadata(attempt: Attempt, news: ResponseMetadata): void
}

/** One admitted attempt of a job, as the dispatcher and transport see it. Settles exactly once. */
export class Attempt implements Grant {
  readonly model: string
  readonly attempt: number
  readonly waitMs: number
  readonly modelState: ModelState
  readonly job: Job
  readonly reservation: Reservation
  /** Who hears of it. */
  readonly recorder: Recorder
  /** What its tenant was charged with; undefined where nothing waited. */
  readonly share: number | undefined
  /** Set where the answer goes on after `run` has returned: then transport settles. */
  isOpen = false
  /** Whether `run` has returned or thrown. */
  hasRun = false
  /** When the first content of the answer came, in the clock's ms. */
  firstTokenAt: number | undefined
  readonly #events: AttemptEvents
  #signal: AbortSignal | undefined

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

  get signal(): AbortSignal {
    return (this.#signal ??= this.job.request.signal ?? new AbortController().signal)
  }

  /** Bound to the attempt: a `run` may take it out of its grant. */
  get settle(): Grant['settle'] {
    return (usage) => {
      const read = readUsage(usage)
      if (read === undefined) {
        throw new InvalidRequest(
          'settle(usage): give { inputTokens, outputTokens }, both numbers of 0 or more, or a usage object of the service',
        )
      }
      this.close(read)
    }
  }

  /** Settles with what is known; nothing known: the reservation stands. */
  close(usage: Usage | undefined): void {
    if (this.reservation.settled) this.#events.settledTwice()
    else this.#events.settled(this, usage)
  }

  onMetadata(news: ResponseMetadata): void {
    this.#events.onMetadata(this, news)
  }

  /** Bound to the attempt, too. */
  get arrived(): Grant['arrived'] {
    return (epochMs) => this.#events.arrived(this, epochMs)
  }

  /** Bound to the attempt, too. */
  get overflowed(): Grant['overflowed'] {
    return () => this.#events.overflowed(this)
  }

  /** Charges what has come beyond the reservation, before the answer is at its end. */
  grew(outputTokens: number): void {
    if (!this.reservation.settled) this.#events.grew(this, outputTokens)
  }

  refusedLate(answer: ErrorResponse): void {
    this.#events.refusedLate(this, answer)
  }
}
