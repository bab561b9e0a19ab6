import type { Clock } from '../clock.js'
import { LimiterClosed, QueueFull } from '../errors.js'
import { Account, type AccountOptions } from '../models/account.js'
import type { Resolve } from '../models/state/configured-limits.js'
import type { ModelState } from '../models/model-state.js'
import type { QueuedRequest } from '../models/queued-request.js'
import type { Workspace } from '../models/workspace.js'
import { Scheduler } from '../queue/scheduler.js'
import type { Reservation } from '../quota/reservation.js'
import { classify, type ErrorResponse } from '../throttling/classify.js'
import { FAILED, interpretError, isLimitRefusal } from '../throttling/interpret-error.js'
import { usageOf } from '../tokens/usage.js'
import type { Cost, Limits, Profile, Usage } from '../types.js'
import { Attempt, type AttemptEvents, type Run } from './attempt.js'
import { costAt } from './candidates.js'
import { chooseModel, type ModelChoice } from './choose-model.js'
import { FailureHandler, type FailureHandlerOptions } from './failure-handler.js'
import { Job } from './job.js'
import { checkFields, checkRequest, type JobRequest } from './schedule-request.js'
import { settle } from './settlement.js'

export interface DispatcherOptions extends AccountOptions, FailureHandlerOptions {
  /** What is configured for a model of the account. */
  readonly resolve: Resolve
  readonly profile: Profile
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
 * The one line that every request goes: queue → gate → run → interpret → settle → done, or again. `schedule` and `fetch` both
 * come through here, of the account and of its workspaces; nothing else repeats a request.
 *
 * A refusal takes one way, from `#failed`:
 *
 * 1. `throttling/interpret-error` says what the error means: a `Verdict`.
 * 2. `ModelState.refused` (models/) learns from it, and holds or closes the model. The attempt is settled after that, so that
 *    the room that comes back lets nothing run into the same limit.
 * 3. `throttling/decide`, which is pure, says what becomes of the request, from the verdict and how the models of its chain stand.
 * 4. `FailureHandler` (failure-handler.ts) calls both and does what was decided: another model, the queue, or an error.
 */
export class Dispatcher implements AttemptEvents {
  readonly account: Account
  readonly #options: DispatcherOptions
  readonly #clock: Clock
  readonly #scheduler: Scheduler<QueuedRequest>
  readonly #failures: FailureHandler
  #doubleSettles = 0
  #lastId = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#scheduler = new Scheduler<QueuedRequest>(
      options.clock,
      { maxWaiting: options.maxQueue, maxBackfillDelayMs: options.maxBackfillDelayMs, weightOf: options.weightOf },
      {
        // All that wait here are jobs, for nothing else adds any.
        onStart: (job: Job, reservation, share) => this.#start(job, reservation, share),
        onNever: (job: Job) => this.#never(job),
        onLate: (job: Job) => this.#failures.late(job),
      },
    )
    this.#failures = new FailureHandler(options, this.#scheduler)
    this.account = new Account(options, options.resolve, this.#scheduler)
  }

  /** Usages that were reported after an attempt's first one, and were ignored. */
  get doubleSettles(): number {
    return this.#doubleSettles
  }

  /** `check` looks at what a user wrote by hand more closely than at what transport made. */
  submit<T>(workspace: Workspace, request: JobRequest, run: Run<T>, check?: (request: JobRequest) => void): Promise<T> {
    let job: Job | undefined
    try {
      checkRequest(request, run)
      check?.(request)
      if (workspace.isClosed) throw new LimiterClosed('The limiter is closed and takes no new requests')
      if (request.signal?.aborted === true) throw request.signal.reason
      job = this.#jobOf(workspace, request, run, ++this.#lastId)
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
    const job = this.#jobOf(workspace, request, ignore, 0)
    const { modelState, startsAt } = this.#choose(job)
    return { model: modelState.model, waitMs: Math.max(0, startsAt() - job.queuedAt) }
  }

  closed(attempt: Attempt, usage: Usage | undefined): void {
    if (attempt.reservation.settled) {
      this.#doubleSettles++
      return
    }
    const now = this.#clock.now()
    settle(attempt, usage ?? 'unknown', now, this.#options.output)
    if (attempt.hasRun) this.#complete(attempt, now)
  }

  grew(attempt: Attempt, outputTokens: number): void {
    attempt.modelState.grew(attempt, outputTokens, this.#clock.now())
  }

  refusedLate(attempt: Attempt, answer: ErrorResponse): void {
    this.#failures.tellModel(attempt, classify(answer, attempt.job.profile), this.#clock.now())
  }

  arrived({ reservation, job }: Attempt, epochMs: number): void {
    this.account.learnTiming(reservation.at, epochMs, job.profile)
  }

  overflowed(attempt: Attempt): void {
    attempt.modelState.overflowed(attempt, this.#clock.now())
  }

  limitsReported({ modelState }: Attempt, limits: Limits): void {
    this.account.applyReportedLimits(modelState, limits)
  }

  #jobOf(workspace: Workspace, request: JobRequest, run: Run<unknown>, id: number): Job {
    const profile = request.profile ?? this.#options.profile
    const chain = workspace.models.chainOf(request.model, profile, request.fallback !== false)
    const cost = this.#costAt(chain[0]!, request)
    return new Job(id, request, run, chain, profile, cost, this.#clock.now())
  }

  /** Puts a new job into the queue of the model of its chain that is to serve it. */
  #enter(job: Job): void {
    const now = job.queuedAt
    const { fallbackAfterWaitMs, maxQueue } = this.#options
    const hasChoice = job.startBy !== Infinity || (fallbackAfterWaitMs !== undefined && job.chain.length > 1)
    if (hasChoice || job.modelState.whyClosed(job.cost, now) !== undefined) {
      const { modelState, reason } = this.#choose(job)
      if (modelState !== job.modelState) this.#failures.change(job, modelState, { reason })
    }
    const taken = this.#scheduler.add(job.modelState.lane, job, now)
    if (taken === 'full') throw new QueueFull(`${maxQueue} requests wait already, as many as maxQueue allows`)
    if (taken !== 'waits') return
    job.keepContext()
    this.#failures.listenForAbort(job)
  }

  #choose(job: Job): ModelChoice {
    const { output, fallbackAfterWaitMs } = this.#options
    const predict = (modelState: ModelState, cost: Cost) => this.#scheduler.predict(modelState.lane, job, cost)
    return chooseModel(job, job.queuedAt, { output, fallbackAfterWaitMs, predict })
  }

  /** A job that waited cannot pass as it was charged: with less output expected, at another model, or not at all. */
  #never(job: Job): void {
    const cost = this.#costAt(job.modelState, job.request)
    if (job.modelState.canEverPass(cost)) {
      job.cost = cost
      this.#scheduler.addFirst(job.modelState.lane, job)
    } else this.#failures.reroute(job, { reason: 'limits_changed' })
  }

  #start(job: Job, reservation: Reservation, share: number | undefined): void {
    job.forgetAbort()
    const { modelState } = job
    // One signal may abort many jobs, and the room of the first admits the next one before it is told.
    if (isAborted(job)) {
      modelState.withdrawn(reservation, this.#clock.now())
      job.reject(job.request.signal?.reason)
      modelState.workspace.idle.check()
      return
    }
    const attempt = new Attempt(job, reservation, share, this)
    const { idle } = modelState.workspace
    idle.begin()
    modelState.started(attempt)
    // A listener of the event may have aborted it.
    if (isAborted(job)) {
      settle(attempt, 'unsent', this.#clock.now(), this.#options.output)
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
    modelState.succeeded(attempt, now)
    if (!attempt.isOpen && !reservation.settled) settle(attempt, usageOf(value) ?? 'unknown', now, this.#options.output)
    attempt.hasRun = true
    job.resolve(value)
    if (reservation.settled) this.#complete(attempt, now)
  }

  /** See the way of a refusal, above. */
  #failed(attempt: Attempt, error: unknown): void {
    const { job, modelState, reservation } = attempt
    // Its caller's own reason is no answer, whatever it looks like: often it is the error of another request.
    const isOwn = isAborted(job) && error === job.request.signal?.reason
    const { verdict, isRejection, metadata } = isOwn ? FAILED : interpretError(error, job.profile)
    if (metadata) attempt.onMetadata(metadata)
    const now = this.#clock.now()
    this.#failures.tellModel(attempt, verdict, now)
    if (!reservation.settled) {
      const ending = isLimitRefusal(verdict) || isRejection ? 'refused' : 'unknown'
      settle(attempt, ending, now, this.#options.output)
    }
    if (modelState.workspace.isAbandoned) job.reject(error)
    else this.#failures.handle(job, verdict, error)
    attempt.hasRun = true
    modelState.workspace.idle.end()
  }

  #costAt(modelState: ModelState, request: JobRequest): Cost {
    return costAt(modelState, request, this.#options.output)
  }

  /** An attempt that succeeded has both run and settled: its answer is there in full. */
  #complete(attempt: Attempt, now: number): void {
    attempt.modelState.completed(attempt, attempt.firstTokenAt, now)
    attempt.modelState.workspace.idle.end()
  }
}

function isAborted(job: Job): boolean {
  return job.request.signal?.aborted === true
}
