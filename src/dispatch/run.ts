import type { Clock } from '../clock.js'
import { usageOf } from '../cost/usage.js'
import { LimiterClosed, QueueFull } from '../errors.js'
import { chargedBy, NO_COST, type Reservation } from '../meter/gate.js'
import { classify, type Answer } from '../route/classify.js'
import type { JitterEstimator } from '../route/jitter.js'
import type { PhaseEstimator } from '../route/phase.js'
import type { News } from '../route/rate-headers.js'
import { Scheduler } from '../schedule/scheduler.js'
import type { Cost, Profile, Usage } from '../types.js'
import { Account } from './account.js'
import { Again } from './again.js'
import { Attempt, type AttemptEvents } from './attempt.js'
import { costAt } from './chain.js'
import { entryOf, type Entry } from './entry.js'
import type { Group } from './group.js'
import type { GroupsOptions } from './groups.js'
import type { Resolve } from './holding.js'
import { Job, type Run } from './job.js'
import { keptAttempt } from './kept.js'
import { FAILED, isLimit, meaningOf } from './meaning.js'
import { checkFields, checkRequest, mostOutput, type JobRequest } from './request.js'
import { learnFromSuccess } from './found-limits.js'
import { settle, type Ending, type OutputExpectation } from './settlement.js'
import type { Workspace } from './workspace.js'

export interface DispatcherOptions extends GroupsOptions {
  /** Learns J; undefined: it was told. */
  readonly jitter: JitterEstimator | undefined
  /** Learns when the service counts what is sent, where profiles tell that its windows begin by its clock. */
  readonly phases: PhaseEstimator
  /** What holds for a model of the account. */
  readonly resolve: Resolve
  readonly output: OutputExpectation
  readonly profile: Profile
  readonly maxRetries: number
  readonly maxQueue: number
  /** How much later the head of a queue may start for all that went before it, in ms. */
  readonly maxHeadDelayMs: number
  /** A tenant's weight in the shares of a queue. */
  readonly weightOf: (tenant: string | undefined) => number
  /** Undefined: a new request waits for its own model, however long. */
  readonly spillAfterMs: number | undefined
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
  readonly #again: Again
  /** Those that are known to have left their provisioned throughput. */
  readonly #overflown = new WeakSet<Attempt>()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#scheduler = new Scheduler<Job>(
      options.clock,
      { maxWaiting: options.maxQueue, maxHeadDelayMs: options.maxHeadDelayMs, weightOf: options.weightOf },
      {
        onStart: (job, reservation, share) => this.#start(job, reservation, share),
        onNever: (job) => this.#never(job),
        onLate: (job) => this.#again.late(job),
      },
    )
    this.#again = new Again(options, this.#scheduler)
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
    const { group, startsAt } = this.#entryOf(job)
    return { model: group.model, waitMs: Math.max(0, startsAt() - job.queuedAt) }
  }

  #jobOf(workspace: Workspace, request: JobRequest, run: Run<unknown>): Job {
    const profile = request.profile ?? this.#options.profile
    const chain = workspace.groups.chainOf(request.model, profile, request.fallback !== false)
    const cost = this.#costAt(chain[0]!, request)
    return new Job(request, run, chain, profile, cost, this.#clock.now())
  }

  settled(attempt: Attempt, usage: Usage | undefined): void {
    const now = this.#clock.now()
    this.#settle(attempt, usage ?? 'unknown', now)
    if (attempt.hasRun) this.#ended(attempt, now)
  }

  grew({ group, reservation }: Attempt, outputTokens: number): void {
    group.gate.raise(reservation, { ...chargedBy(reservation), outputTokens }, this.#clock.now())
  }

  settledTwice(): void {
    this.doubleSettles++
  }

  refusedLate(attempt: Attempt, answer: Answer): void {
    const verdict = classify(answer, attempt.job.profile)
    attempt.recorder.failure(this.#clock.now())
    if (isLimit(verdict)) this.#again.heed(attempt.job, attempt.reservation, verdict)
  }

  heard(attempt: Attempt, { arrivedAt, limits, hasOverflowed }: News): void {
    if (hasOverflowed === true) this.overflowed(attempt)
    if (arrivedAt !== undefined) this.arrived(attempt, arrivedAt)
    if (limits !== undefined) this.account.tell(attempt.group, limits)
  }

  overflowed(attempt: Attempt): void {
    // A `run` may say so, and then throw an error whose headers do.
    if (this.#overflown.has(attempt)) return
    this.#overflown.add(attempt)
    const { group, recorder, reservation } = attempt
    const now = this.#clock.now()
    recorder.overflowed(now)
    group.gate.overflowed?.(reservation, now)
    const known = group.account ?? group
    if (known.hasOverflowed) return
    known.hasOverflowed = true
    const message = `Model '${group.model}' went beyond its provisioned throughput: such calls are paid for by token, and the public limits hold`
    group.workspace.events.emit('warning', { model: group.model, message })
  }

  arrived({ reservation, job }: Attempt, epochMs: number): void {
    const { jitter, phases, jitterMs } = this.#options
    const isOtherJitter = jitter?.observe(reservation.at, epochMs) === true
    const now = this.#clock.now()
    const isOtherPhase =
      job.profile.windowPhase !== undefined && phases.observe(reservation.at, epochMs, jitterMs(), now)
    // Nothing may start by a phase that was found with another J.
    if (isOtherPhase) this.account.setPhase(phases.at(now))
    if (isOtherJitter) this.account.setJitter(jitterMs())
    if (isOtherPhase) this.account.startDue()
  }

  /** Puts a new job into the queue of the model of its chain that is to serve it. */
  #enter(job: Job): void {
    const now = job.queuedAt
    const { spillAfterMs, maxQueue } = this.#options
    const hasChoice = job.startBy !== Infinity || (spillAfterMs !== undefined && job.chain.length > 1)
    if (hasChoice || job.group.refusal(job.cost, now) !== undefined) {
      const { group, why } = this.#entryOf(job)
      if (group !== job.group) this.#again.change(job, group, why)
    }
    const taken = this.#scheduler.add(job.group.lane, job, now)
    if (taken === 'full') throw new QueueFull(`${maxQueue} requests wait already, as many as maxQueue allows`)
    if (taken !== 'waits') return
    job.keepContext()
    this.#again.listenForAbort(job)
  }

  #entryOf(job: Job): Entry {
    const { output, spillAfterMs } = this.#options
    const predict = (group: Group, cost: Cost) => this.#scheduler.predict(group.lane, job, cost)
    return entryOf(job, job.queuedAt, { output, spillAfterMs, predict })
  }

  /** A job that waited cannot pass as it was charged: with less output expected, at another model, or not at all. */
  #never(job: Job): void {
    const cost = this.#costAt(job.group, job.request)
    if (job.group.gate.impossible(cost) === undefined) {
      job.cost = cost
      this.#scheduler.addFirst(job.group.lane, job)
    } else this.#again.reroute(job, 'its limits are lower now')
  }

  #start(job: Job, reservation: Reservation, share: number | undefined): void {
    job.forgetAbort()
    const { group } = job
    // One signal may abort many, and what the first of them leaves lets the next one in before it is told.
    if (isAborted(job)) {
      group.gate.settle(reservation, NO_COST, this.#clock.now())
      job.reject(job.request.signal?.reason)
      group.workspace.idle.check()
      return
    }
    const attempt = new Attempt(job, reservation, share, this)
    const { events, idle } = group.workspace
    idle.begin()
    group.began(reservation, job.request.tokens === undefined)
    group.sent(reservation, mostOutput(job.request))
    attempt.recorder.call(reservation.at)
    if (events.has('admit')) {
      events.emit('admit', { model: group.model, attempt: attempt.attempt, waitMs: attempt.waitMs })
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
    const { job, group, reservation } = attempt
    const now = this.#clock.now()
    group.episodes.served(reservation.at)
    learnFromSuccess(group, now)
    if (!attempt.isOpen && !reservation.settled) this.#settle(attempt, usageOf(value) ?? 'unknown', now)
    attempt.hasRun = true
    job.resolve(value)
    if (reservation.settled) this.#ended(attempt, now)
  }

  #failed(attempt: Attempt, error: unknown): void {
    const { job, group, reservation } = attempt
    // Its caller's own reason is no answer, whatever it looks like: often it is the error of another request.
    const isOwn = isAborted(job) && error === job.request.signal?.reason
    const { verdict, isRejection, news } = isOwn ? FAILED : meaningOf(error, job.profile)
    if (news) this.heard(attempt, news)
    const now = this.#clock.now()
    attempt.recorder.failure(now)
    // Before the charge comes back: the room that it leaves must not let another request run into the same refusal.
    if (isLimit(verdict)) this.#again.heed(job, reservation, verdict)
    if (!reservation.settled) this.#settle(attempt, isLimit(verdict) || isRejection ? 'refused' : 'unknown', now)
    if (group.workspace.isAbandoned) job.reject(error)
    else this.#again.decide(job, verdict, error)
    attempt.hasRun = true
    group.workspace.idle.end()
  }

  #costAt(group: Group, request: JobRequest): Cost {
    return costAt(group, request, this.#options.output)
  }

  #settle(attempt: Attempt, ending: Ending, now: number): void {
    settle(attempt, ending, now, this.#options.output)
  }

  /** An attempt that succeeded has both run and settled: its answer is there in full. */
  #ended({ group, recorder, reservation, firstTokenAt }: Attempt, now: number): void {
    const firstTokenMs = firstTokenAt === undefined ? undefined : firstTokenAt - reservation.at
    recorder.answered(now - reservation.at, firstTokenMs, now)
    group.workspace.idle.end()
  }
}

function isAborted(job: Job): boolean {
  return job.request.signal?.aborted === true
}
