import type { QuotaExhausted } from '../errors.js'
import { RequestTooLarge, InvalidRequest, type HeadgateError } from '../errors.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import { writes } from '../quota/dimensions.js'
import type { Gate } from '../quota/gate.js'
import type { Never } from '../quota/admission-result.js'
import type { Reservation } from '../quota/reservation.js'
import { Collector } from '../metrics/collector.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import { OutputAccountingEstimator } from '../learning/output-accounting-estimator.js'
import type { Episodes } from '../learning/episodes.js'
import { SlowStart } from '../learning/slow-start.js'
import type { Lane } from '../queue/lane.js'
import type { Cost, Limits, OutputAccounting, Profile } from '../types.js'
import type { LearnedLimits } from './learned-limits.js'
import type { EffectiveLimits } from './effective-limits.js'
import type { Job } from '../dispatch/job.js'
import type { Workspace } from './workspace.js'

/** One model of the account or of a workspace: everything that its requests share. */
export class ModelState {
  readonly model: string
  readonly workspace: Workspace
  /** The same model of the account; undefined if this is the account's. */
  readonly account: ModelState | undefined
  readonly profile: Profile
  readonly gate: Gate
  readonly lane: Lane<Job>
  readonly episodes: Episodes
  readonly slowStart = new SlowStart()
  /** When the service counts output: of the account's model, for its workspaces too. */
  readonly outputAccounting: OutputAccountingEstimator
  #chargedAs: OutputAccounting | undefined
  readonly activity = new Collector()
  /** Who hears of its requests. */
  readonly recorder: Recorder
  /** What was told, and the limits in force: the same, or what was found to be there of them. */
  effectiveLimits: EffectiveLimits
  limits: ResolvedLimits
  learned: LearnedLimits
  /** Since when what was told holds, in the clock's ms. */
  limitsSince = -Infinity
  /** When what was not refused is to be looked at, in the clock's ms. */
  reviewAt = 0
  /** When the last request was sent whose use was not known, in the clock's ms. */
  estimatedAt = -Infinity
  readonly #makeFound: () => LearnedLimits
  /** What the service itself tells of the limits a minute. */
  reportedLimits: Limits | undefined
  /** Set while the quota is used up; the next request after `until` is sent to see. */
  exhausted: { readonly until: number; readonly error: QuotaExhausted } | undefined
  inFlight = 0
  /** Whether the service has ever said that a request went beyond its provisioned throughput. */
  hasOverflowed = false

  constructor(
    parts: Pick<
      ModelState,
      'model' | 'workspace' | 'account' | 'profile' | 'gate' | 'lane' | 'episodes' | 'effectiveLimits'
    > & {
      readonly makeFound: () => LearnedLimits
    },
  ) {
    this.model = parts.model
    this.workspace = parts.workspace
    this.account = parts.account
    this.recorder = parts.account === undefined ? this.activity : new Recorders(this.activity, parts.account.activity)
    this.profile = parts.profile
    this.gate = parts.gate
    this.lane = parts.lane
    this.episodes = parts.episodes
    this.outputAccounting =
      parts.account?.outputAccounting ?? new OutputAccountingEstimator(parts.profile.outputAccounting)
    this.#chargedAs = this.outputAccounting.origin === 'configured' ? this.outputAccounting.way : undefined
    this.effectiveLimits = parts.effectiveLimits
    this.limits = parts.effectiveLimits.limits
    this.#makeFound = parts.makeFound
    this.learned = parts.makeFound()
  }

  /** Whether the table says that it is retired. */
  get retired(): boolean {
    return this.effectiveLimits.retired
  }

  /** What was found belongs to other limits, or was something else. */
  forgetLearned(): void {
    this.learned = this.#makeFound()
    this.reviewAt = 0
  }

  /** The same limits hold until another time, or for good. */
  showUntil(until: number | undefined): void {
    const show = (limits: ResolvedLimits): ResolvedLimits => {
      const { until: _, ...rest } = limits
      return until === undefined ? rest : { ...rest, until }
    }
    const isAsTold = this.limits === this.effectiveLimits.limits
    this.effectiveLimits = { ...this.effectiveLimits, limits: show(this.effectiveLimits.limits) }
    this.limits = isAsTold ? this.effectiveLimits.limits : show(this.limits)
  }

  /** Why the model cannot serve a request of this cost at all, now; undefined if it can, sooner or later. */
  refusal(cost: Cost, now: number): HeadgateError | undefined {
    if (this.retired) {
      return new InvalidRequest(
        `Model '${this.model}' is retired (${this.limits.source}): choose another, or give its limits in overrides`,
      )
    }
    if (this.isExhausted(now)) return this.exhausted?.error
    const never = this.gate.impossible(cost)
    return never && this.#tooLarge(never)
  }

  /** A request is sent with this reservation; `isEstimated`: charged with what is expected of it. */
  began({ at, seq }: Reservation, isEstimated: boolean): void {
    this.episodes.sent(seq)
    this.#sent(at, isEstimated)
  }

  /** One that was sent has been settled. */
  ended(): void {
    this.inFlight--
    this.account?.ended()
  }

  /** One that was sent at `at` was refused. */
  refused(at: number): void {
    this.slowStart.refused(at)
    this.account?.refused(at)
  }

  /** The pace that holds at `now`, in requests a second; undefined: none. */
  paceAt(now: number): number | undefined {
    const pace = Math.min(this.slowStart.rate(now) ?? Infinity, this.account?.slowStart.rate(now) ?? Infinity)
    return pace === Infinity ? undefined : pace
  }

  /** A request was sent, of which the most that its answer may have is known, or is not. */
  sent({ cost, at }: Reservation, mostOutputTokens: number | undefined): void {
    // Before the first answer of unknown length there is nothing to find out.
    if (!this.outputAccounting.hasWritten && !writes(cost)) return
    if (this.#tokensPerSecond === undefined) return
    this.#takeCharging()
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.outputAccounting.sent(at, first, most, writes(cost), this.#tokensPerSecond)
  }

  /** The answer to one that was sent has ended. */
  answered({ cost, at }: Reservation, outputTokens: number | undefined, now: number): void {
    if (this.#tokensPerSecond === undefined || !writes(cost)) return
    this.outputAccounting.ended(at, now, outputTokens, this.#tokensPerSecond)
  }

  /** One that was sent was refused for its tokens. */
  refusedTokens({ cost, at }: Reservation, mostOutputTokens: number | undefined, now: number): void {
    if (this.#tokensPerSecond === undefined) return
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.outputAccounting.refused(at, first, most, writes(cost), now, this.#tokensPerSecond)
    this.#takeCharging()
    if (this.account !== undefined) this.account.#takeCharging()
  }

  get #tokensPerSecond(): number | undefined {
    return this.outputAccounting.origin === 'configured' ? undefined : (this.account ?? this).limits.tps
  }

  /** What was learned since, here or in another workspace. */
  #takeCharging(): void {
    const { way } = this.outputAccounting
    if (way === undefined || way === this.#chargedAs) return
    this.#chargedAs = way
    this.gate.setOutputAccounting(way, 0)
  }

  /** Who hears of a request of this tenant. */
  recorderOf(tenant: string | undefined): Recorder {
    return tenant === undefined ? this.recorder : this.workspace.recorderOf(tenant, this.recorder)
  }

  isExhausted(now: number): boolean {
    return this.exhausted !== undefined && now < this.exhausted.until
  }

  #sent(at: number, isEstimated: boolean): void {
    this.inFlight++
    if (isEstimated) this.estimatedAt = at
    const { slowStart } = this
    const wasPaced = slowStart.holds
    slowStart.sent(at)
    if (wasPaced) this.gate.pace(slowStart.spacing(at), at)
    if (this.account !== undefined) this.account.#sent(at, isEstimated)
  }

  #tooLarge({ limit, effective, amount }: Never): RequestTooLarge {
    const what = limit === 'rpm' || limit === 'rps' ? 'requests' : 'tokens'
    return new RequestTooLarge(
      `The request counts ${amount} ${what}, but ${limit} of '${this.model}' is ${effective} (${this.limits.source}): ` +
        'it can never pass. Make it smaller, or choose a model with a higher limit',
    )
  }
}

/** The tokens of a request that count at once, and with all that its answer may have. */
function countsOf(cost: Cost, mostOutputTokens = cost.outputTokens): { first: number; most: number } {
  const first = cost.inputTokens + (cost.knownOutputTokens ?? 0)
  return { first, most: writes(cost) ? first + mostOutputTokens : first }
}
