import type { QuotaExhausted } from '../errors.js'
import { RequestTooLarge, InvalidRequest, type HeadgateError } from '../errors.js'
import type { ResolvedLimits } from '../limits/resolve.js'
import type { Gate, Never } from '../meter/gate.js'
import { Collector } from '../metrics/collector.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import type { Episodes } from '../route/learn.js'
import type { Lane } from '../schedule/lane.js'
import type { Cost, Limits, Profile } from '../types.js'
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
  readonly activity = new Collector()
  /** Who hears of its requests. */
  readonly recorder: Recorder
  limits: ResolvedLimits
  retired: boolean
  /** What the service itself tells of the limits a minute. */
  told: Limits | undefined
  /** Set while the quota is used up; the next request after `until` is sent to see. */
  exhausted: { readonly until: number; readonly error: QuotaExhausted } | undefined
  inFlight = 0

  constructor(
    parts: Pick<
      Group,
      'model' | 'workspace' | 'account' | 'profile' | 'gate' | 'lane' | 'episodes' | 'limits' | 'retired'
    >,
  ) {
    this.model = parts.model
    this.workspace = parts.workspace
    this.account = parts.account
    this.recorder = parts.account === undefined ? this.activity : new Recorders(this.activity, parts.account.activity)
    this.profile = parts.profile
    this.gate = parts.gate
    this.lane = parts.lane
    this.episodes = parts.episodes
    this.limits = parts.limits
    this.retired = parts.retired
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

  /** A request was sent. */
  began(): void {
    this.inFlight++
    this.account?.began()
  }

  /** One that was sent has been settled. */
  ended(): void {
    this.inFlight--
    this.account?.ended()
  }

  /** Who hears of a request of this tenant. */
  recorderOf(tenant: string | undefined): Recorder {
    return tenant === undefined ? this.recorder : this.workspace.recorderOf(tenant, this.recorder)
  }

  isExhausted(now: number): boolean {
    return this.exhausted !== undefined && now < this.exhausted.until
  }

  #tooLarge({ limit, stated, amount }: Never): RequestTooLarge {
    const what = limit === 'rpm' || limit === 'rps' ? 'requests' : 'tokens'
    return new RequestTooLarge(
      `The request counts ${amount} ${what}, but ${limit} of '${this.model}' is ${stated} (${this.limits.source}): ` +
        'it can never pass. Make it smaller, or choose a model with a higher limit',
    )
  }
}
