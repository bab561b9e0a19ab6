import type { Clock } from '../clock.js'
import { usageOf } from '../tokens/usage.js'
import { LimiterClosed, QueueFull } from '../errors.js'
import { chargedBy, NO_COST, type Reservation } from '../quota/reservation.js'
import { classify, type ErrorResponse } from '../throttling/classify.js'
import type { NetworkJitterEstimator } from '../learning/network-jitter-estimator.js'
import type { ClockPhaseEstimator } from '../learning/clock-phase-estimator.js'
import type { ResponseMetadata } from '../throttling/response-headers.js'
import { Scheduler } from '../queue/scheduler.js'
import type { Cost, Profile, Usage } from '../types.js'
import { Account } from '../models/account.js'
import { FailureHandler } from './failure-handler.js'
import { Attempt, type AttemptEvents } from './attempt.js'
import { costAt } from './candidates.js'
import { entryOf, type Entry } from './entry-model.js'
import type { ModelState } from '../models/model-state.js'
import type { ModelRegistryOptions } from '../models/model-registry.js'
import type { Resolve } from '../models/effective-limits.js'
import { Job, type Run } from './job.js'
import { keptAttempt } from './kept.js'
import { FAILED, isLimitRefusal, interpretError } from '../throttling/interpret-error.js'
import { checkFields, checkRequest, mostOutput, type JobRequest } from './schedule-request.js'
import { learnFromSuccess } from '../models/learned-limits.js'
import { settle, type Ending, type OutputExpectation } from './settlement.js'
import type { Workspace } from '../models/workspace.js'

export interface DispatcherOptions extends ModelRegistryOptions {
  /** Learns J; undefined: it was told. */
  readonly jitter: NetworkJitterEstimator | undefined
  /** Learns when the service counts what is sent, where profiles tell that its windows begin by its clock. */
  readonly phases: ClockPhaseEstimator
  /** What holds for a model of the account. */
  readonly resolve: Resolve
  readonly output: OutputExpectation
  readonly profile: Profile
  readonly maxRetries: number
  readonly maxQueue: number
  /** How much later the head of a queue may start for all that went before it, in ms. */
  readonly maxBackfillDelayMs: number
  /** A tenant's weight in the shares of a queue. */
  readonly weightOf: (tenant: string | undefined) => number
  /** Undefined: a new request waits for its own model, however long. */
  readonly fallbackAfterWaitMs: number | undefined
}

const ignore = (): void => {}

/**
 * The one line that every request goes: acquire → run → classify → decide → settle → done, or again. `schedule` and
 * `fetch` both come through here, of the account and of its workspaces; nothing else repeats a request.
 */
export class Dispatcher implements AttemptEvents {
  static readonly kept = keptAttempt

  readonly account: Account
  /** Settlements that came after the first one, and were ignored. */
  doubleSettles = 0
  readonly #options: DispatcherOptions
  readonly #clock: Clock
  readonly #scheduler: Scheduler<Job>
  readonly #again: FailureHandler
  /** Those that are known to have left their provisioned throughput. */
  readonly #overflown = new WeakSet<Attempt>()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#scheduler = new Scheduler<Job>(
      options.clock,
      { maxWaiting: options.maxQueue, maxBackfillDelayMs: options.maxBackfillDelayMs, weightOf: options.weightOf },
      {
        onStart: (job, reservation, share) => this.#start(job, reservation, share),
        onNever: (job) => this.#never(job),
        onLate: (job) => this.#again.late(job),
      },
    )
    this.#again = new FailureHandler(options, this.#scheduler)
    this.account = new Account(options, options.resolve, this.#scheduler)
  }

  /** `check` looks at what a user wrote by hand more closely than at what transport made. */
  submit<T>(workspace: Workspace, request: JobRequest, run: Run<T>, check?: (request: JobRequest) => void): Promise<T> {
    let job: Job | undefined
    try {
      checkRequest(request, run)
      check?.(request)
      if (workspace.isClosed) throw new LimiterClosed('The limiter is closed and takes no new requests')
      if (request.signal?.aborted === true) throw request.signal.reason
      job = this.#jobOf(workspace, request, run)
      this.#enter(job)
    } catch (error) {
      // The request was not taken.
      if (job === undefined) return Promise.reject(error)
      job.reject(error)
    }
    return job.promise() as Promise<T>
  }

  /**
   * Where a request would go now, and how long it would wait, in ms; Infinity where that depends on more than time.
   *
   * @throws as {@link submit} rejects
   */
  predict(workspace: Workspace, request: JobRequest): { model: string; waitMs: number } {
    checkRequest(request, ignore)
    checkFields(request)
    const job = this.#jobOf(workspace, request, ignore)
    const { modelState, startsAt } = this.#entryOf(job)
    return { model: modelState.model, waitMs: Math.max(0, startsAt() - job.queuedAt) }
  }

  #jobOf(workspace: Workspace, request: JobRequest, run: Run<unknown>): Job {
    const profile = request.profile ?? this.#options.profile
    const chain = workspace.models.chainOf(request.model, profile, request.fallback !== false)
    const cost = this.#costAt(chain[0]!, request)
    return new Job(request, run, chain, profile, cost, this.#clock.now())
  }

  settled(attempt: Attempt, usage: Usage | undefined): void {
    const now = this.#clock.now()
    this.#settle(attempt, usage ?? 'unknown', now)
    if (attempt.hasRun) this.#ended(attempt, now)
  }

  grew({ modelState, reservation }: Attempt, outputTokens: number): void {
    modelState.gate.raise(reservation, { ...chargedBy(reservation), outputTokens }, this.#clock.now())
  }

  settledTwice(): void {
    this.doubleSettles++
  }

  refusedLate(attempt: Attempt, answer: ErrorResponse): void {
    const verdict = classify(answer, attempt.job.profile)
    attempt.recorder.failure(this.#clock.now())
    if (isLimitRefusal(verdict)) this.#again.refused(attempt.job, attempt.reservation, verdict)
  }

  onMetadata(attempt: Attempt, { arrivedAt, limits, hasOverflowed }: ResponseMetadata): void {
    if (hasOverflowed === true) this.overflowed(attempt)
    if (arrivedAt !== undefined) this.arrived(attempt, arrivedAt)
    if (limits !== undefined) this.account.applyReportedLimits(attempt.modelState, limits)
  }

  overflowed(attempt: Attempt): void {
    // A `run` may say so, and then throw an error whose headers do.
    if (this.#overflown.has(attempt)) return
    this.#overflown.add(attempt)
    const { modelState, recorder, reservation } = attempt
    const now = this.#clock.now()
    recorder.overflowed(now)
    modelState.gate.overflowed?.(reservation, now)
    const known = modelState.account ?? modelState
    if (known.hasOverflowed) return
    known.hasOverflowed = true
    const message = `Model '${modelState.model}' went beyond its provisioned throughput: such calls are paid for by token, and the public limits hold`
    modelState.workspace.events.emit('warning', { model: modelState.model, message })
  }

  arrived({ reservation, job }: Attempt, epochMs: number): void {
    const { jitter, phases, networkJitterMs } = this.#options
    const isOtherJitter = jitter?.observe(reservation.at, epochMs) === true
    const now = this.#clock.now()
    const isOtherPhase =
      job.profile.windowPhase !== undefined && phases.observe(reservation.at, epochMs, networkJitterMs(), now)
    // Nothing may start by a phase that was found with another J.
    if (isOtherPhase) this.account.setClockPhase(phases.at(now))
    if (isOtherJitter) this.account.setNetworkJitter(networkJitterMs())
    if (isOtherPhase) this.account.startDue()
  }

  /** Puts a new job into the queue of the model of its chain that is to serve it. */
  #enter(job: Job): void {
    const now = job.queuedAt
    const { fallbackAfterWaitMs, maxQueue } = this.#options
    const hasChoice = job.startBy !== Infinity || (fallbackAfterWaitMs !== undefined && job.chain.length > 1)
    if (hasChoice || job.modelState.refusal(job.cost, now) !== undefined) {
      const { modelState, why } = this.#entryOf(job)
      if (modelState !== job.modelState) this.#again.change(job, modelState, why)
    }
    const taken = this.#scheduler.add(job.modelState.lane, job, now)
    if (taken === 'full') throw new QueueFull(`${maxQueue} requests wait already, as many as maxQueue allows`)
    if (taken !== 'waits') return
    job.keepContext()
    this.#again.listenForAbort(job)
  }

  #entryOf(job: Job): Entry {
    const { output, fallbackAfterWaitMs } = this.#options
    const predict = (modelState: ModelState, cost: Cost) => this.#scheduler.predict(modelState.lane, job, cost)
    return entryOf(job, job.queuedAt, { output, fallbackAfterWaitMs, predict })
  }

  /** A job that waited cannot pass as it was charged: with less output expected, at another model, or not at all. */
  #never(job: Job): void {
    const cost = this.#costAt(job.modelState, job.request)
    if (job.modelState.gate.impossible(cost) === undefined) {
      job.cost = cost
      this.#scheduler.addFirst(job.modelState.lane, job)
    } else this.#again.reroute(job, 'its limits are lower now')
  }

  #start(job: Job, reservation: Reservation, share: number | undefined): void {
    job.forgetAbort()
    const { modelState } = job
    // One signal may abort many, and what the first of them leaves lets the next one in before it is told.
    if (isAborted(job)) {
      modelState.gate.settle(reservation, NO_COST, this.#clock.now())
      job.reject(job.request.signal?.reason)
      modelState.workspace.idle.check()
      return
    }
    const attempt = new Attempt(job, reservation, share, this)
    const { events, idle } = modelState.workspace
    idle.begin()
    modelState.began(reservation, job.request.tokens === undefined)
    modelState.sent(reservation, mostOutput(job.request))
    attempt.recorder.call(reservation.at)
    if (events.has('admit')) {
      events.emit('admit', { model: modelState.model, attempt: attempt.attempt, waitMs: attempt.waitMs })
    }
    if (isAborted(job)) {
      this.#settle(attempt, 'unsent', this.#clock.now())
      job.reject(job.request.signal?.reason)
      idle.end()
      return
    }
    let result: unknown
    let isThenable: boolean
    try {
      result = job.run(attempt)
      isThenable = typeof (result as PromiseLike<unknown> | undefined)?.then === 'function'
    } catch (error) {
      this.#failed(attempt, error)
      return
    }
    if (isThenable) {
      // Of a thenable that is no promise nothing is certain: it may call back twice, or throw.
      Promise.resolve(result).then(
        (value) => this.#succeeded(attempt, value),
        (error: unknown) => this.#failed(attempt, error),
      )
    } else this.#succeeded(attempt, result)
  }

  #succeeded(attempt: Attempt, value: unknown): void {
    const { job, modelState, reservation } = attempt
    const now = this.#clock.now()
    modelState.episodes.served(reservation.at)
    learnFromSuccess(modelState, now)
    if (!attempt.isOpen && !reservation.settled) this.#settle(attempt, usageOf(value) ?? 'unknown', now)
    attempt.hasRun = true
    job.resolve(value)
    if (reservation.settled) this.#ended(attempt, now)
  }

  #failed(attempt: Attempt, error: unknown): void {
    const { job, modelState, reservation } = attempt
    // Its caller's own reason is no answer, whatever it looks like: often it is the error of another request.
    const isOwn = isAborted(job) && error === job.request.signal?.reason
    const { verdict, isRejection, metadata } = isOwn ? FAILED : interpretError(error, job.profile)
    if (metadata) this.onMetadata(attempt, metadata)
    const now = this.#clock.now()
    attempt.recorder.failure(now)
    // Before the charge comes back: the room that it leaves must not let another request run into the same refusal.
    if (isLimitRefusal(verdict)) this.#again.refused(job, reservation, verdict)
    if (!reservation.settled) this.#settle(attempt, isLimitRefusal(verdict) || isRejection ? 'refused' : 'unknown', now)
    if (modelState.workspace.isAbandoned) job.reject(error)
    else this.#again.decide(job, verdict, error)
    attempt.hasRun = true
    modelState.workspace.idle.end()
  }

  #costAt(modelState: ModelState, request: JobRequest): Cost {
    return costAt(modelState, request, this.#options.output)
  }

  #settle(attempt: Attempt, ending: Ending, now: number): void {
    settle(attempt, ending, now, this.#options.output)
  }

  /** An attempt that succeeded has both run and settled: its answer is there in full. */
  #ended({ modelState, recorder, reservation, firstTokenAt }: Attempt, now: number): void {
    const firstTokenMs = firstTokenAt === undefined ? undefined : firstTokenAt - reservation.at
    recorder.answered(now - reservation.at, firstTokenMs, now)
    modelState.workspace.idle.end()
  }
}

function isAborted(job: Job): boolean {
  return job.request.signal?.aborted === true
}
