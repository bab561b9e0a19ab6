import { InvalidRequest } from '../../errors.js'
import { atShares } from '../../limits/limit-shares.js'
import { CONSERVATIVE_LIMITS } from '../../limits/resolve-limits.js'
import { pickLimits, validateLimits, validateRow } from '../../limits/validation.js'
import { shown } from '../../limits/limit-values.js'
import type { Limits, LimitsHost, LimitsRow, LimitsSource, LimitsTable } from '../../types.js'
import { checkId, checkNames, duration } from '../resources/arguments.js'
import { ChangingTable } from './changing-table.js'
import { Refresher } from './refresher.js'
import type { Deployment, DeploymentsApi } from '../types.js'

const REFRESH_MS = 60_000
const POLL_MS = 10_000
const MIN_MS = 1000
const TIMEOUT_MS = 60_000

export interface DeploymentLimitsOptions {
  /** The poll interval while the deployment is stable, in ms, at least 1,000. Infinity: poll only after a 429. @default 60_000 */
  readonly refreshMs?: number | undefined
  /** The poll interval while the deployment changes or not all of its units are ready, in ms. @default 10_000 */
  readonly pollMs?: number | undefined
  /**
   * The limits until the deployment is first seen RUNNING, and for a deployment without limits.
   * @default 60 requests and 100,000 tokens a minute, as for any unknown model
   */
  readonly fallbackLimits?: Limits | undefined
  /**
   * Provisioned throughput: the model whose public limits hold for what exceeds it. The limiter must know them from another table:
   * see `joinLimits`.
   * @default the model that was deployed
   */
  readonly snapshot?: string | undefined
  /** Provisioned throughput: the most input tokens of a request that it takes; a longer one overflows. @default what fits its minute */
  readonly maxInputTokens?: number | undefined
  /** Maximum time of one poll, in ms. @default 60_000 */
  readonly timeoutMs?: number | undefined
}

/** The limits of a deployment, as they are now. */
export interface DeploymentLimitsSource extends LimitsSource {
  /** Polls now, or waits for the current poll. @throws the error of the poll */
  refresh(): Promise<void>
  /** Stops all polls and notifications. Closing a limiter stops those for that limiter. */
  close(): void
}

/**
 * Returns a source with the limits of one deployment: its `rpmLimit` and `tpmLimit`, or its provisioned throughput. Requests use the
 * deployment's id as their model.
 *
 * After `update` or `scale`, the new limits are effective once the deployment is RUNNING. While only some units are ready, the
 * limits are reduced to the ready share.
 *
 * ```ts
 * const limits = joinLimits(deploymentLimits(studio, 'qwen-plus-2025-12-01-b6d61c71'), liveLimits(studio))
 * const limiter = createLimiter({ limits })
 * ```
 *
 * @throws InvalidRequest for an argument that is wrong; InvalidLimits for wrong fallback limits
 */
export function deploymentLimits(
  studio: { readonly deployments: Pick<DeploymentsApi, 'get'> },
  id: string,
  options: DeploymentLimitsOptions = {},
): DeploymentLimitsSource {
  checkNames('options', options, ['refreshMs', 'pollMs', 'fallbackLimits', 'snapshot', 'maxInputTokens', 'timeoutMs'])
  if (typeof (studio as typeof studio | undefined)?.deployments?.get !== 'function') {
    throw new InvalidRequest(`studio is ${shown(studio)}: give a ModelStudio, which has deployments.get(id)`)
  }
  checkId(id)
  return new DeploymentTable(studio.deployments, id, options as DeploymentLimitsOptions)
}

class DeploymentTable implements DeploymentLimitsSource {
  readonly #id: string
  readonly #table: ChangingTable
  readonly #refresher: Refresher<Deployment>
  readonly #fallback: LimitsRow
  readonly #options: DeploymentLimitsOptions
  readonly #refreshMs: number
  readonly #pollMs: number
  /** As it was when it was seen running last. */
  #running: Deployment | undefined
  readonly subscribe: LimitsSource['subscribe']

  constructor(deployments: Pick<DeploymentsApi, 'get'>, id: string, options: DeploymentLimitsOptions) {
    const { refreshMs = REFRESH_MS, pollMs = POLL_MS, timeoutMs = TIMEOUT_MS } = options
    const { fallbackLimits = CONSERVATIVE_LIMITS, snapshot, maxInputTokens } = options
    if (refreshMs !== Infinity) duration('refreshMs', refreshMs, MIN_MS)
    duration('pollMs', pollMs, MIN_MS)
    duration('timeoutMs', timeoutMs, 1)
    if (snapshot !== undefined && (typeof snapshot !== 'string' || snapshot === '')) {
      throw new InvalidRequest(`snapshot is ${shown(snapshot)}: give the name of a model`)
    }
    if (maxInputTokens !== undefined && !(typeof maxInputTokens === 'number' && maxInputTokens >= 1)) {
      throw new InvalidRequest(`maxInputTokens is ${shown(maxInputTokens)}: give a number of tokens`)
    }
    this.#id = id
    this.#options = options
    this.#refreshMs = refreshMs
    this.#pollMs = Math.min(pollMs, refreshMs)
    // Whether it overflows is not known yet, but must be possible.
    const source = `deployment ${id}, not seen running yet`
    this.#fallback = { ...validateLimits(id, fallbackLimits), source, overflowsTo: snapshot ?? '' }
    this.#table = new ChangingTable({ [id]: this.#fallback })
    this.subscribe = this.#table.subscribe
    this.#refresher = new Refresher({
      what: `The deployment ${id}`,
      refreshMs,
      timeoutMs,
      read: (signal) => deployments.get(id, { signal }),
      take: (deployment) => this.#take(deployment),
    })
  }

  current(): LimitsTable {
    return this.#table.current()
  }

  attach(host: LimitsHost): () => void {
    return this.#refresher.attach(host)
  }

  refused(model: string): void {
    if (model === this.#id) this.#refresher.refused()
  }

  refresh(): Promise<void> {
    return this.#refresher.refresh()
  }

  close(): void {
    this.#refresher.close()
    this.#table.close()
  }

  #take(deployment: Deployment): number {
    const isRunning = deployment.status.toUpperCase() === 'RUNNING'
    if (isRunning) this.#running = deployment
    const running = this.#running
    if (running !== undefined) {
      const units = { ready: deployment.readyCapacity, all: running.capacity }
      const row = validateRow(this.#id, this.#rowOf(running, units), `deployment ${this.#id}`)
      if (this.#table.set({ [this.#id]: row })) this.#table.notify()
      if (isRunning && shareOf(units) === 1) return this.#refreshMs
    }
    return this.#pollMs
  }

  #rowOf(deployment: Deployment, units: Units): LimitsRow {
    const { plan, ptuCapacity, modelName, baseModel } = deployment
    const share = shareOf(units)
    const reported = limitsOf(deployment)
    const isReported = reported !== undefined
    const all = validateLimits(this.#id, pickLimits(reported ?? this.#fallback))
    const limits = share === 1 ? all : atShares(all, { requests: share, tokens: share })
    const some = share === 1 ? '' : `, ${units.ready} of ${units.all} units ready`
    const source = `deployment ${this.#id}${isReported ? some : ', which tells no limits'}`
    if (plan !== 'ptu' && ptuCapacity === undefined) return { ...limits, source }
    const { snapshot = modelName ?? baseModel ?? '', maxInputTokens } = this.#options
    return { ...limits, source, overflowsTo: snapshot, ...(maxInputTokens !== undefined && { maxInputTokens }) }
  }
}

interface Units {
  readonly ready: number | undefined
  readonly all: number | undefined
}

/** The share of its units that serve. One of which none does refuses by itself. */
function shareOf({ ready, all }: Units): number {
  return ready !== undefined && all !== undefined && ready > 0 && ready < all ? ready / all : 1
}

/** What a deployment tells; undefined: nothing. Model units without limits have none but what they can do. */
function limitsOf({ plan, rpmLimit, tpmLimit, ptuCapacity }: Deployment): Limits | undefined {
  const { inputTpm, outputTpm, thinkingOutputTpm } = ptuCapacity ?? {}
  const limits = {
    ...(rpmLimit !== undefined && { rpm: rpmLimit }),
    ...(tpmLimit !== undefined && { tpm: tpmLimit }),
    ...(inputTpm !== undefined && { inputTpm }),
    ...(outputTpm !== undefined && { outputTpm }),
    // Bought without thinking: it is for the output to limit it.
    ...(thinkingOutputTpm !== undefined && thinkingOutputTpm > 0 && { thinkingTpm: thinkingOutputTpm }),
  }
  return Object.keys(limits).length > 0 || plan === 'mu' ? limits : undefined
}
