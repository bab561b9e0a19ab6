import { InvalidLimits } from '../../errors.js'
import type { Limits, LimitsSource, LimitsTable } from '../../types.js'
import { LIMIT_FIELDS } from '../limit-fields.js'
import type { Clock } from '../../clock.js'
import type { Warn } from './limits-host.js'
import { toSource } from './limits-source.js'
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
  readonly clock: Clock
}

/** Hears what becomes of a workspace's limits while they are in use. */
export interface WorkspaceLimitsListener {
  /** The limits of any model may have changed. `fault`: what is wrong about the new ones, if anything is. */
  onChange(fault: unknown): void
  warn: Warn
}

/** The limits of a workspace. They can be lower than those of its account, never higher. */
export class WorkspaceLimits {
  readonly #options: WorkspaceLimitsOptions
  readonly #own: LiveLimits
  /** Undefined until the limits are known to be right. */
  #listener: WorkspaceLimitsListener | undefined

  /** @throws InvalidLimits for a table that is wrong */
  constructor(options: WorkspaceLimitsOptions) {
    this.#options = options
    const { name, limits, perSecond, clock } = options
    if (typeof limits !== 'object' || limits === null) {
      throw new InvalidLimits(
        `workspace '${name}': limits is ${shown(limits)}: give a table, { 'a-model': { rpm, tpm } }, or a source`,
      )
    }
    // A model that the workspace's table does not have is limited by the account alone.
    this.#own = new LiveLimits({ source: toSource(limits), perSecond, unknownModel: 'unlimited', clock })
  }

  /**
   * Listens to the source. `listener` hears of changes after this.
   *
   * @throws InvalidLimits for a source that throws, or a limit above the account's; nothing is left of it then
   */
  start(listener: WorkspaceLimitsListener): void {
    // Before the check the source may load its first table, and that is no change yet.
    this.#own.start({
      onChange: () => this.#listener?.onChange(this.#fault()),
      warn: (message, cause) => listener.warn(message, cause),
    })
    try {
      this.#checkAll()
    } catch (error) {
      this.close()
      throw error
    }
    this.#listener = listener
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
    for (const model of this.#own.models()) this.#check(model, this.#own.configuredLimits(model))
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
  get wantsRefusals(): boolean {
    return this.#own.wantsRefusals
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
