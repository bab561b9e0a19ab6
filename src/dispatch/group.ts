import type { QuotaExhausted } from '../errors.js'
import { RequestTooLarge, InvalidRequest, type HeadgateError } from '../errors.js'
import type { ResolvedLimits } from '../limits/resolve.js'
import { writes } from '../meter/dimensions.js'
import type { Gate, Never, Reservation } from '../meter/gate.js'
import { Collector } from '../metrics/collector.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import { Charging } from '../route/charging.js'
import type { Episodes } from '../route/learn.js'
import { Ramp } from '../route/ramp.js'
import type { Lane } from '../schedule/lane.js'
import type { Cost, Limits, OutputCharging, Profile } from '../types.js'
import type { FoundLimits } from './found-limits.js'
import type { Holding } from './holding.js'
import type { Job } from './job.js'
import type { Workspace } from './workspace.js'

/** One model of the account or of a workspace: everything that its requests share. */
export class Group {
  readonly model: string
  readonly workspace: Workspace
  /** The same model of the account; undefined if this is the account's. */
  readonly account: Group | undefined
  readonly profile: Profile
  readonly gate: Gate
  readonly lane: Lane<Job>
  readonly episodes: Episodes
  readonly ramp = new Ramp()
  /** When the service counts output: of the account's model, for its workspaces too. */
  readonly charging: Charging
  #chargedAs: OutputCharging | undefined
  readonly activity = new Collector()
  /** Who hears of its requests. */
  readonly recorder: Recorder
  /** What was told, and the limits in force: the same, or what was found to be there of them. */
  holding: Holding
  limits: ResolvedLimits
  found: FoundLimits
  /** Since when what was told holds, in the clock's ms. */
  limitsSince = -Infinity
  /** When what was not refused is to be looked at, in the clock's ms. */
  reviewAt = 0
  /** When the last request was sent whose use was not known, in the clock's ms. */
  estimatedAt = -Infinity
  readonly #makeFound: () => FoundLimits
  /** What the service itself tells of the limits a minute. */
  told: Limits | undefined
  /** Set while the quota is used up; the next request after `until` is sent to see. */
  exhausted: { readonly until: number; readonly error: QuotaExhausted } | undefined
  inFlight = 0
  /** Whether the service has ever said that a request went beyond its provisioned throughput. */
  hasOverflowed = false

  constructor(
    parts: Pick<Group, 'model' | 'workspace' | 'account' | 'profile' | 'gate' | 'lane' | 'episodes' | 'holding'> & {
      readonly makeFound: () => FoundLimits
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
    this.charging = parts.account?.charging ?? new Charging(parts.profile.chargesOutput)
    this.#chargedAs = this.charging.origin === 'told' ? this.charging.way : undefined
    this.holding = parts.holding
    this.limits = parts.holding.limits
    this.#makeFound = parts.makeFound
    this.found = parts.makeFound()
  }

  /** Whether the table says that it is retired. */
  get retired(): boolean {
    return this.holding.retired
  }

  /** What was found belongs to other limits, or was something else. */
  forgetFound(): void {
    this.found = this.#makeFound()
    this.reviewAt = 0
  }

  /** The same limits hold until another time, or for good. */
  showUntil(until: number | undefined): void {
    const show = (limits: ResolvedLimits): ResolvedLimits => {
      const { until: _, ...rest } = limits
      return until === undefined ? rest : { ...rest, until }
    }
    const isAsTold = this.limits === this.holding.limits
    this.holding = { ...this.holding, limits: show(this.holding.limits) }
    this.limits = isAsTold ? this.holding.limits : show(this.limits)
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
    this.ramp.refused(at)
    this.account?.refused(at)
  }

  /** The pace that holds at `now`, in requests a second; undefined: none. */
  paceAt(now: number): number | undefined {
    const pace = Math.min(this.ramp.rate(now) ?? Infinity, this.account?.ramp.rate(now) ?? Infinity)
    return pace === Infinity ? undefined : pace
  }

  /** A request was sent, of which the most that its answer may have is known, or is not. */
  sent({ cost, at }: Reservation, mostOutputTokens: number | undefined): void {
    // Before the first answer of unknown length there is nothing to find out.
    if (!this.charging.hasWritten && !writes(cost)) return
    if (this.#tokensPerSecond === undefined) return
    this.#takeCharging()
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.charging.sent(at, first, most, writes(cost), this.#tokensPerSecond)
  }

  /** The answer to one that was sent has ended. */
  answered({ cost, at }: Reservation, outputTokens: number | undefined, now: number): void {
    if (this.#tokensPerSecond === undefined || !writes(cost)) return
    this.charging.ended(at, now, outputTokens, this.#tokensPerSecond)
  }

  /** One that was sent was refused for its tokens. */
  refusedTokens({ cost, at }: Reservation, mostOutputTokens: number | undefined, now: number): void {
    if (this.#tokensPerSecond === undefined) return
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.charging.refused(at, first, most, writes(cost), now, this.#tokensPerSecond)
    this.#takeCharging()
    if (this.account !== undefined) this.account.#takeCharging()
  }

  get #tokensPerSecond(): number | undefined {
    return this.charging.origin === 'told' ? undefined : (this.account ?? this).limits.tps
  }

  /** What was learned since, here or in another workspace. */
  #takeCharging(): void {
    const { way } = this.charging
    if (way === undefined || way === this.#chargedAs) return
    this.#chargedAs = way
    this.gate.setCharging(way, 0)
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
    const { ramp } = this
    const wasPaced = ramp.holds
    ramp.sent(at)
    if (wasPaced) this.gate.pace(ramp.spacing(at), at)
    if (this.account !== undefined) this.account.#sent(at, isEstimated)
  }

  #tooLarge({ limit, stated, amount }: Never): RequestTooLarge {
    const what = limit === 'rpm' || limit === 'rps' ? 'requests' : 'tokens'
    return new RequestTooLarge(
      `The request counts ${amount} ${what}, but ${limit} of '${this.model}' is ${stated} (${this.limits.source}): ` +
        'it can never pass. Make it smaller, or choose a model with a higher limit',
    )
  }
}

/** The tokens of a request that count at once, and with all that its answer may have. */
function countsOf(cost: Cost, mostOutputTokens = cost.outputTokens): { first: number; most: number } {
  const first = cost.inputTokens + (cost.knownOutputTokens ?? 0)
  return { first, most: writes(cost) ? first + mostOutputTokens : first }
}
