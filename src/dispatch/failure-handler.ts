import { DeadlineImpossible, QuotaExhausted } from '../errors.js'
import type { Reservation } from '../quota/reservation.js'
import type { LimitRefusal, Verdict } from '../throttling/classify.js'
import { decide } from '../throttling/decide.js'
import type { Scheduler } from '../queue/scheduler.js'
import { ConnectionFailed } from '../throttling/request-errors.js'
import { candidates, costAt } from './candidates.js'
import type { ModelState } from '../models/model-state.js'
import type { Job } from './job.js'
import { applyRefusal } from '../models/apply-refusal.js'
import type { DispatcherOptions } from './dispatcher.js'

const ANOTHER_MODEL: LimitRefusal = {
  kind: 'exhausted',
  class: 'exhausted',
  code: '',
  message: '',
  resetText: undefined,
}

/** What becomes of a job that could not be served: back to a queue, on to a backup, or failed. */
export class FailureHandler {
  readonly #options: DispatcherOptions
  readonly #scheduler: Scheduler<Job>

  constructor(options: DispatcherOptions, scheduler: Scheduler<Job>) {
    this.#options = options
    this.#scheduler = scheduler
  }

  /** A refusal of a job's request holds or closes its group. What waits for a closed one goes elsewhere or fails at once. */
  refused(job: Job, reservation: Reservation, refusal: LimitRefusal): void {
    const { modelState } = job
    const isClosed = applyRefusal(job, reservation, refusal, this.#options.clock)
    if (!isClosed) {
      this.#scheduler.changed(modelState.lane)
      return
    }
    for (const each of this.#scheduler.takeAll([modelState.lane])) this.reroute(each, 'its quota is used up')
  }

  /** An attempt failed; `error` is what its caller gets if nothing else helps. */
  decide(job: Job, verdict: Verdict, error: unknown): void {
    const { clock, output, random } = this.#options
    const { signal, maxRetries = this.#options.maxRetries } = job.request
    const now = clock.now()
    const isAbove = job.request.callerRetries === true && error instanceof ConnectionFailed
    if (verdict.kind === 'final' || isAbove) job.reject(error)
    else if (signal?.aborted === true) job.reject(signal.reason)
    else if (job.modelState.isExhausted(now)) {
      job.usedUp = (job.usedUp ?? new Set()).add(job.modelState)
      this.reroute(job, 'its quota is used up', error)
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

  /** Sends a job that its model cannot serve any more to another one of its chain, or rejects it. */
  reroute(job: Job, reason: string, cause?: unknown): void {
    const { clock, output, random } = this.#options
    const chain = candidates(job, output, clock.now())
    const decision = decide(ANOTHER_MODEL, { retries: 0, maxRetries: 0, chain, random })
    if (decision.do === 'move') {
      this.#move(job, decision.to.modelState, reason)
      return
    }
    const refusal = job.modelState.refusal(job.cost, clock.now())
    if (refusal instanceof QuotaExhausted && cause !== undefined) {
      this.#reject(job, new QuotaExhausted(refusal.message, { resetAt: refusal.resetAt, cause }))
    } else this.#reject(job, refusal ?? cause)
  }

  /** Makes another model the job's own. */
  change(job: Job, to: ModelState, reason: string): void {
    const from = job.modelState.model
    job.modelState = to
    job.cost = costAt(to, job.request, this.#options.output)
    to.workspace.events.emit('fallback', { from, to: to.model, why: reason })
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

  /** A job did not start by its deadline. `cause`: what sent it back to wait, if anything did. */
  late(job: Job, cause?: unknown): void {
    const { deadlineMs } = job.request
    const message = `The request did not start within its deadline of ${deadlineMs} ms`
    this.#reject(job, new DeadlineImpossible(message, { cause }))
  }

  /** To the head of a queue, of this model or another: it has waited its turn. */
  #move(job: Job, to: ModelState, reason: string): void {
    if (to !== job.modelState) this.change(job, to, reason)
    this.#queueFirst(job)
  }

  #queueFirst(job: Job, notBefore?: number): void {
    const { signal } = job.request
    // It may have been aborted while it was in no queue: by a request that another one's way led to.
    if (signal?.aborted === true) {
      this.#reject(job, signal.reason)
      return
    }
    job.queuedAt = this.#options.clock.now()
    // What is expected of it may have changed, and the limits too.
    job.cost = costAt(job.modelState, job.request, this.#options.output)
    // If it ran at once, this still is its caller's context: that of what it returned.
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

function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'throttled' ? `its ${verdict.class} limit was reached` : 'it could not serve'
}
