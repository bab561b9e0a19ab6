import { InvalidLimits } from '../../errors.js'
import type { Limits, LimitsSource, LimitsTable } from '../../types.js'
import { LIMIT_FIELDS } from '../limit-fields.js'
import type { Clock } from '../../clock.js'
import type { Warn } from './limits-host.js'
import { LiveLimits } from './live-limits.js'
import type { Resolution, ResolvedLimits } from '../resolve-limits.js'
import { pickLimits, validateLimits } from '../validation.js'
import { shown } from '../limit-values.js'

/** The effective limits of a model in a workspace. */
export interface WorkspaceResolution {
  /** The lower of the workspace's and the account's limit, for each limit. */
  readonly limits: ResolvedLimits
  /** The workspace's own limits, which hold in addition to the account's; empty if it has none. */
  readonly own: Limits
  readonly retired: boolean
  readonly origin: Resolution['origin']
}

export interface WorkspaceLimitsOptions {
  readonly name: string
  readonly limits: LimitsTable | LimitsSource
  readonly perSecond: boolean | undefined
  /** The effective limits of a model in the account. */
  readonly account: (model: string, perSecondDefault: boolean) => Resolution
  /** Whether RPM/60 and TPM/60 hold too, if nothing else says so. Used for checks only. */
  readonly perSecondDefault: boolean
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Receives the warnings of the source. @default they are dropped */
  readonly warn?: Warn | undefined
}

/** The limits of a workspace. They can be lower than those of its account, never higher. */
export class WorkspaceLimits {
  readonly #options: WorkspaceLimitsOptions
  readonly #own: LiveLimits

  /**
   * `onChange` is called after each change. It receives the error if the new limits are wrong, otherwise undefined.
   *
   * @throws InvalidLimits for a table that is wrong, or a limit above the account's
   */
  constructor(options: WorkspaceLimitsOptions, onChange: (fault: unknown) => void) {
    this.#options = options
    const { name, limits, perSecond, clock, warn } = options
    if (typeof limits !== 'object' || limits === null) {
      throw new InvalidLimits(
        `workspace '${name}': limits is ${shown(limits)}: give a table, { 'a-model': { rpm, tpm } }, or a source`,
      )
    }
    let isMade = false
    const changed = () => {
      // A source may report its first table while it is being subscribed to.
      if (isMade) onChange(this.#fault())
    }
    // The account alone limits a model that the workspace's table does not name.
    this.#own = new LiveLimits({ limits, perSecond, unknownModel: 'unlimited', clock, warn }, changed)
    isMade = true
    try {
      this.#checkAll()
    } catch (error) {
      this.close()
      throw error
    }
  }

  #fault(): unknown {
    try {
      this.#checkAll()
      return undefined
    } catch (error) {
      return error
    }
  }

  #checkAll(): void {
    for (const model of this.#own.models()) this.#check(model, this.#own.stated(model))
  }

  /**
   * The effective limits of a model. If the account's limits fall below the workspace's, they bind in place of them.
   */
  resolve(model: string, perSecondDefault: boolean): WorkspaceResolution {
    const own = this.#own.resolve(model, perSecondDefault)
    const account = this.#options.account(model, perSecondDefault)
    const isOwn = own.origin !== 'unknown-model'
    const limits = LIMIT_FIELDS.map((field) => [field, lower(own.limits[field], account.limits[field])])
    const until = lower(own.limits.until, account.limits.until)
    return {
      limits: {
        ...Object.fromEntries(limits),
        ...(until !== undefined && { until }),
        source: isOwn ? `workspace '${this.#options.name}', in ${account.source}` : account.source,
      } as ResolvedLimits,
      own: isOwn ? pickLimits(own.limits) : {},
      retired: own.retired || account.retired,
      origin: account.origin,
    }
  }

  /** Sets limits of a model, until `until` (ms since 1970) or for good if it is left out. @throws InvalidLimits */
  set(model: string, limits: Limits, until?: number): void {
    this.#check(model, validateLimits(model, limits))
    this.#own.set(model, limits, until)
  }

  /** Whether the source has the method `refused`. */
  get hearsRefusals(): boolean {
    return this.#own.hearsRefusals
  }

  /** Reports to the source that the service refused a request although its limits allowed it. */
  refused(model: string, kind: 'requests' | 'tokens'): void {
    this.#own.refused(model, kind)
  }

  /** Ends the subscription and stops all timers. */
  close(): void {
    this.#own.close()
  }

  #check(model: string, own: Limits): void {
    const { name, account, perSecondDefault } = this.#options
    const inAccount = account(model, perSecondDefault)
    if (inAccount.retired) {
      throw new InvalidLimits(
        `workspace '${name}': '${model}' is retired in the account (${inAccount.source}): leave it out`,
      )
    }
    for (const field of LIMIT_FIELDS) {
      const [limit, most] = [own[field], inAccount.limits[field]]
      if (limit === undefined || limit === Infinity || most === undefined || limit <= most) continue
      throw new InvalidLimits(
        `workspace '${name}': ${field} of '${model}' is ${limit}, above the account's ${most} (${inAccount.source}). A workspace may ` +
          "have less than its account, never more: lower it, or raise the account's limit in overrides",
      )
    }
  }
}

function lower(own: number | undefined, account: number | undefined): number | undefined {
  const least = Math.min(own ?? Infinity, account ?? Infinity)
  return least === Infinity ? undefined : least
}
