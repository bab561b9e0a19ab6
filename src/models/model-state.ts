import type { HeadgateError } from '../errors.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { Episodes } from '../learning/episodes.js'
import type { LearnedLimits } from '../learning/learned-limits.js'
import { Collector } from '../metrics/collector.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import type { ModelStats } from '../metrics/stats.js'
import type { Lane } from '../queue/lane.js'
import { chargedBy, NO_COST, type Reservation } from '../quota/reservation.js'
import { startOf } from '../quota/admission-result.js'
import type { ClockPhase } from '../quota/clock-phase.js'
import type { Gate } from '../quota/gate.js'
import { JointGate } from '../quota/joint-gate.js'
import { OverflowGate, type Overflow } from '../quota/overflow-gate.js'
import type { LimitRefusal } from '../throttling/classify.js'
import type { Cost, Limits, OutputAccounting, Profile, Usage } from '../types.js'
import type { ModelOwner } from './model-owner.js'
import type { QueuedRequest } from './queued-request.js'
import type { SentRequest } from './sent-request.js'
import { retiredError, tooLargeError } from './state/closed-errors.js'
import type { ConfiguredLimits } from './state/configured-limits.js'
import { ModelHold, type RefusalEffect } from './state/model-hold.js'
import { ModelLimits } from './state/model-limits.js'
import { ModelOutputAccounting } from './state/model-output-accounting.js'

export interface ModelStateParts {
  readonly model: string
  readonly workspace: ModelOwner
  /** The same model of the account; undefined if this is the account's. */
  readonly account: ModelState | undefined
  readonly profile: Profile
  readonly gate: Gate
  readonly lane: Lane<QueuedRequest>
  readonly episodes: Episodes
  readonly configured: ConfiguredLimits
  readonly createLearned: () => LearnedLimits
}

/**
 * One model of the account or of a workspace, and all that its requests change: its gate, what holds it back, its limits, what was
 * learned of it, and its counts. Only its methods change these. The dispatcher says what happens to each attempt: `started`; then
 * `succeeded`, `refused` or `failed`; `settled`; and `completed` where the whole answer came.
 */
export class ModelState {
  readonly model: string
  readonly workspace: ModelOwner
  /** The same model of the account; undefined if this is the account's. */
  readonly account: ModelState | undefined
  readonly profile: Profile
  readonly lane: Lane<QueuedRequest>
  readonly #gate: Gate
  readonly #limits: ModelLimits
  readonly #hold: ModelHold
  readonly #output: ModelOutputAccounting
  readonly #activity = new Collector()
  /** Counts here, and at the account's model. */
  readonly #recorder: Recorder
  #inFlight = 0
  /** Whether the service has ever said that a request went beyond its provisioned throughput. */
  #hasOverflowed = false

  constructor({ model, workspace, account, profile, gate, lane, episodes, ...limits }: ModelStateParts) {
    this.model = model
    this.workspace = workspace
    this.account = account
    this.profile = profile
    this.lane = lane
    this.#gate = gate
    this.#limits = new ModelLimits({ model, events: workspace.events, gate, ...limits })
    const accountLimits = account ? account.#limits : this.#limits
    this.#output = new ModelOutputAccounting(profile, gate, accountLimits, account && account.#output)
    this.#hold = new ModelHold({
      model,
      gate,
      episodes,
      limits: this.#limits,
      output: this.#output,
      account: account && { hold: account.#hold, limits: account.#limits },
    })
    this.#recorder = account === undefined ? this.#activity : new Recorders(this.#activity, account.#activity)
  }

  /** The limits that are configured: by the table, the user and the service's headers. */
  get configuredLimits(): ResolvedLimits {
    return this.#limits.configured.limits
  }

  /** The limits in force: the configured ones, or the share of them that was learned. */
  get limits(): ResolvedLimits {
    return this.#limits.effective
  }

  /** Attempts that were sent and have not been settled. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** When the service counts output; undefined: it is not known yet. */
  get outputAccounting(): OutputAccounting | undefined {
    return this.#output.way
  }

  /** Whether a 429 holds it back now. */
  isHeld(now: number): boolean {
    return this.#hold.heldUntil > now
  }

  isExhausted(now: number): boolean {
    return this.#hold.exhaustion.isActive(now)
  }

  /** Why the model turns such a request away now; undefined if it can serve it, sooner or later. */
  whyClosed(cost: Cost, now: number): 'retired' | 'exhausted' | 'too_large' | undefined {
    if (this.#limits.configured.retired) return 'retired'
    if (this.isExhausted(now)) return 'exhausted'
    return this.canEverPass(cost) ? undefined : 'too_large'
  }

  /** Whether a request of this cost has room within its limits at some time. */
  canEverPass(cost: Cost): boolean {
    return this.#gate.impossible(cost) === undefined
  }

  /** The error for the caller of a request that the model turns away; see {@link whyClosed}. */
  closedError(cost: Cost, now: number): HeadgateError | undefined {
    if (this.#limits.configured.retired) return retiredError(this.model, this.limits)
    const never = this.isExhausted(now) ? undefined : this.#gate.impossible(cost)
    return never ? tooLargeError(this.model, this.limits, never) : this.#hold.exhaustion.errorAt(now)
  }

  /** When a request at the head of its queue could start, in the clock's ms; Infinity where that depends on more than time. */
  startsAt(cost: Cost, now: number): number {
    return startOf(this.#gate.earliest(cost, now))
  }

  /** The most output tokens that can ever pass with this many input tokens. */
  mostOutput(inputTokens: number): number {
    return this.#gate.mostOutput(inputTokens)
  }

  /** How it stands and what it did in the last `lastMs`; others know `waiting` and `output`. */
  stats({ waiting, output }: Pick<ModelStats, 'waiting' | 'output'>, lastMs: number, now: number): ModelStats {
    const requestsPerSecond = this.#hold.paceAt(now)
    return {
      limits: this.limits,
      windows: this.#gate.room(now),
      waiting,
      inFlight: this.#inFlight,
      heldMs: Math.max(0, this.#hold.heldUntil - now),
      pace: requestsPerSecond === undefined ? undefined : { requestsPerSecond, origin: 'learned' },
      outputAccounting: { as: this.#output.way, origin: this.#output.origin },
      output,
      ...this.#activity.report(lastMs, now),
    }
  }

  /** Who counts the attempts of a tenant's request. */
  recorderOf(tenant: string | undefined): Recorder {
    return tenant === undefined ? this.#recorder : this.workspace.recorderOf(tenant, this.#recorder)
  }

  /** A request that was admitted is not sent: all that was charged comes back. */
  withdrawn(reservation: Reservation, now: number): void {
    this.#gate.settle(reservation, NO_COST, now)
  }

  /** An attempt is sent. */
  started(sent: SentRequest): void {
    const { reservation, job, attempt, waitMs } = sent
    const { events } = this.workspace
    this.#begin(reservation.at, sent.isEstimated)
    this.#hold.sent(reservation)
    this.#output.sent(reservation, sent.mostOutputTokens)
    sent.recorder.call(reservation.at)
    if (events.has('admit')) {
      events.emit('admit', { requestId: job.id, tenant: job.tenant, model: this.model, attempt, waitMs })
    }
  }

  /** The answer to an attempt has come to `outputTokens` already, and goes on: what is above the charge so far is charged. */
  grew({ reservation }: SentRequest, outputTokens: number, now: number): void {
    this.#gate.raise(reservation, { ...chargedBy(reservation), outputTokens }, now)
  }

  /** The service counted an attempt beyond its provisioned throughput. */
  overflowed({ reservation, recorder }: SentRequest, now: number): void {
    recorder.overflowed(now)
    this.#gate.overflowed?.(reservation, now)
    const known = this.account ?? this
    if (known.#hasOverflowed) return
    known.#hasOverflowed = true
    const message = `Model '${this.model}' went beyond its provisioned throughput: such calls are paid for by token, and the public limits hold`
    this.workspace.events.emit('warning', { model: this.model, message })
  }

  /** An attempt was served. */
  succeeded({ reservation }: SentRequest, now: number): void {
    this.#hold.served(reservation)
    this.#limits.served(now)
    if (this.account !== undefined) this.account.#limits.served(now)
  }

  /** An attempt failed, and not because of a limit. */
  failed({ recorder }: SentRequest, now: number): void {
    recorder.failure(now)
  }

  /**
   * The service refused an attempt for a limit or a quota. Learns from it, and holds the model until the limit can have room, or
   * closes it where the quota is used up. To be called before the attempt is settled: the room that comes back must not let another
   * request run into the same refusal.
   */
  refused(sent: SentRequest, refusal: LimitRefusal, now: number): RefusalEffect {
    const { job, recorder } = sent
    const { class: kind, code, message } = refusal
    recorder.failure(now)
    recorder.throttled(kind, now)
    const effect = this.#hold.refused(sent, refusal, now)
    const { id: requestId, tenant } = job
    const what = { model: this.model, class: kind, code, message, holdMs: effect.holdMs }
    this.workspace.events.emit('throttled', { requestId, tenant, ...what })
    return effect
  }

  /**
   * The charge of an attempt is corrected to `actual`; undefined: the reservation stands. `usage` is what the service said.
   * dispatch/settlement.ts says both, once for each attempt.
   */
  settled(sent: SentRequest, actual: Cost | undefined, usage: Usage | undefined, now: number): void {
    const { job, reservation, share } = sent
    const { events } = this.workspace
    const counted = actual ?? chargedBy(reservation)
    this.#end()
    this.#output.ended(reservation, usage?.outputTokens, now)
    sent.recorder.tokens(counted.inputTokens + counted.outputTokens, now)
    if (events.has('settle')) {
      const { inputTokens, outputTokens, thinkingTokens } = reservation.cost
      const reserved = { inputTokens, outputTokens, thinkingTokens }
      const durationMs = now - reservation.at
      events.emit('settle', { requestId: job.id, tenant: job.tenant, model: this.model, reserved, usage, durationMs })
    }
    if (share !== undefined && counted !== reservation.cost) this.lane.queue.correct(job, share, counted)
    // Last, because the room that comes back may start other requests.
    this.#gate.settle(reservation, actual, now)
  }

  /** The whole answer to an attempt is there. `firstTokenAt`: when its first content came, in the clock's ms. */
  completed({ reservation, recorder }: SentRequest, firstTokenAt: number | undefined, now: number): void {
    const firstTokenMs = firstTokenAt === undefined ? undefined : firstTokenAt - reservation.at
    recorder.answered(now - reservation.at, firstTokenMs, now)
  }

  /** Takes in limits of the service's headers, which are the account's. True if they are new: then `configure` has to follow. */
  reportLimits(reported: Limits): boolean {
    const known = this.account ?? this
    return known.#limits.report(reported)
  }

  /** Takes in limits of the table and the user, and what takes requests that exceed them. */
  configure(configured: ConfiguredLimits, overflow: Overflow | undefined, now: number): void {
    if (this.#gate instanceof OverflowGate && this.#limits.setOverflow(configured.overflow)) {
      this.#gate.setOverflow(overflow)
    }
    this.#limits.configure(configured, now)
  }

  /** Takes in the spread of the delays to the service, J, in ms. */
  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#gate.setNetworkJitter(networkJitterMs, now)
  }

  /** Takes in the phase of the service's clock, where windows begin by it; undefined: it is not known any more. */
  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    if (this.profile.windowPhase !== undefined) this.#gate.setClockPhase(phase, now)
  }

  /** A gate that charges `own`, of a workspace's model, and this model's gate: all or nothing. */
  joinGate(own: Gate): Gate {
    return new JointGate(own, this.#gate)
  }

  /** The gate for what exceeds another model's limits. It goes no further: two models could overflow into each other. */
  get gateForOverflow(): Gate {
    return this.#gate instanceof OverflowGate ? this.#gate.own : this.#gate
  }

  #begin(at: number, isEstimated: boolean): void {
    this.#inFlight++
    this.#limits.sent(at, isEstimated)
    if (this.account !== undefined) this.account.#begin(at, isEstimated)
  }

  #end(): void {
    this.#inFlight--
    if (this.account !== undefined) this.account.#end()
  }
}
