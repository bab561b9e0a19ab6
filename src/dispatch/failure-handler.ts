import type { Clock } from '../clock.js'
import { DeadlineImpossible, QuotaExhausted } from '../errors.js'
import type { FallbackReason } from '../metrics/events.js'
import type { ModelState } from '../models/model-state.js'
import type { QueuedRequest } from '../models/queued-request.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { Verdict } from '../throttling/classify.js'
import { decide } from '../throttling/decide.js'
import { anotherModel } from '../throttling/fallback.js'
import { isLimitRefusal } from '../throttling/interpret-error.js'
import { ConnectionFailed } from '../throttling/request-errors.js'
import type { ThrottleClass } from '../types.js'
import type { Attempt } from './attempt.js'
import { candidates, costAt } from './candidates.js'
import type { Job } from './job.js'
import type { OutputExpectation } from './settlement.js'

export interface FailureHandlerOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly output: OutputExpectation
  /** Where a request does not say. */
  readonly maxRetries: number
}

/** Why a job goes to another model: what its `fallback` event says. */
interface MoveReason {
  readonly reason: FallbackReason
  readonly class?: ThrottleClass
}

const EXHAUSTED: MoveReason = { reason: 'exhausted' }

/** What becomes of a job that could not be served: back to a queue, on to a backup, or failed. */
export class FailureHandler {
  readonly #options: FailureHandlerOptions
  readonly #scheduler: Scheduler<QueuedRequest>

  constructor(options: FailureHandlerOptions, scheduler: Scheduler<QueuedRequest>) {
    this.#options = options
    this.#scheduler = scheduler
  }

  /** Tells the model of a failed attempt. A refusal may hold it, or close it: then requests that wait for it go elsewhere or fail. */
  tellModel(attempt: Attempt, verdict: Verdict, now: number): void {
    const { modelState } = attempt
    if (!isLimitRefusal(verdict)) {
      modelState.failed(attempt, now)
      return
    }
    const { isExhausted } = modelState.refused(attempt, verdict, now)
    if (!isExhausted) {
      this.#scheduler.changed(modelState.lane)
      return
    }
    // The models know less of a request than the dispatcher, but only the dispatcher adds requests, and all are jobs.
    const waiting = this.#scheduler.takeAll([modelState.lane]) as Job[]
    for (const job of waiting) this.reroute(job, EXHAUSTED)
  }

  /** Does with a job whose attempt failed what `throttling/decide` says. `error` is what its caller gets if nothing else helps. */
  handle(job: Job, verdict: Verdict, error: unknown): void {
    const { clock, output, random } = this.#options
    const { signal, maxRetries = this.#options.maxRetries } = job.request
    const now = clock.now()
    const isCallersToRepeat = job.request.callerRetries === true && error instanceof ConnectionFailed
    if (verdict.kind === 'final' || isCallersToRepeat) job.reject(error)
    else if (signal?.aborted === true) job.reject(signal.reason)
    else if (job.modelState.isExhausted(now)) {
      job.usedUp = (job.usedUp ?? new Set()).add(job.modelState)
      this.reroute(job, EXHAUSTED, error)
    } else {
      job.tried = (job.tried ?? new Set()).add(job.modelState)
      const decision = decide(verdict, {
        retries: job.retries,
        maxRetries,
        chain: candidates(job, output, now),
        random,
      })
      if (decision.do === 'reject') {
        job.reject(error)
        return
      }
      if (decision.do !== 'move') {
        job.retries++
        job.tried = undefined
      }
      if (decision.do === 'back-off') {
        const notBefore = now + decision.delayMs
        if (notBefore > job.startBy) this.late(job, error)
        else this.#queueFirst(job, notBefore)
      } else this.#move(job, decision.to.modelState, reasonOf(verdict))
    }
  }

  /** Sends a job that its model cannot serve any more to another one of its chain, or rejects it. `cause`: the last attempt's error. */
  reroute(job: Job, reason: MoveReason, cause?: unknown): void {
    const now = this.#options.clock.now()
    const other = anotherModel(candidates(job, this.#options.output, now))
    if (other !== undefined) {
      this.#move(job, other.modelState, reason)
      return
    }
    const error = job.modelState.closedError(job.cost, now)
    if (error instanceof QuotaExhausted && cause !== undefined) {
      this.#reject(job, new QuotaExhausted(error.message, { resetAt: error.resetAt, cause }))
    } else this.#reject(job, error ?? cause)
  }

  /** Makes another model the job's own. */
  change(job: Job, to: ModelState, reason: MoveReason): void {
    const from = job.modelState.model
    job.modelState = to
    job.cost = costAt(to, job.request, this.#options.output)
    const { id, tenant } = job
    to.workspace.events.emit('fallback', { requestId: id, tenant, from, to: to.model, ...reason })
  }

  /** Takes a waiting job out of its queue when its caller aborts. */
  listenForAbort(job: Job): void {
    const leave = (): void => {
      if (this.#scheduler.remove(job.modelState.lane, job)) this.#reject(job, job.request.signal?.reason)
    }
    job.listenForAbort(leave)
    // A listener of ours may have aborted it just now.
    if (job.request.signal?.aborted === true) leave()
  }

  /** A job did not start by its deadline. `cause`: the error that sent it back to wait, if one did. */
  late(job: Job, cause?: unknown): void {
    const { deadlineMs } = job.request
    const message = `The request did not start within its deadline of ${deadlineMs} ms`
    this.#reject(job, new DeadlineImpossible(message, { cause }))
  }

  /** To the head of a queue, of this model or another: it has waited its turn. */
  #move(job: Job, to: ModelState, reason: MoveReason): void {
    if (to !== job.modelState) this.change(job, to, reason)
    this.#queueFirst(job)
  }

  #queueFirst(job: Job, notBefore?: number): void {
    const { signal } = job.request
    // It may have been aborted while it was in no queue: by a request that started when this one's model was held or settled.
    if (signal?.aborted === true) {
      this.#reject(job, signal.reason)
      return
    }
    job.queuedAt = this.#options.clock.now()
    // The output that is expected of it may have changed, and the limits too.
    job.cost = costAt(job.modelState, job.request, this.#options.output)
    // If it ran at once, this still is its caller's context: that of the promise that it returned.
    job.keepContext()
    this.listenForAbort(job)
    this.#scheduler.addFirst(job.modelState.lane, job, notBefore)
  }

  #reject(job: Job, reason: unknown): void {
    job.forgetAbort()
    job.reject(reason)
    // It waited, and ended without running.
    job.modelState.workspace.idle.check()
  }
}

/** Of a verdict that sends a job to another model: a limit, or a quota. */
function reasonOf(verdict: Verdict): MoveReason {
  return verdict.kind === 'throttled' ? { reason: 'throttled', class: verdict.class } : EXHAUSTED
}
