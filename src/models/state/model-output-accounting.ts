import { OutputAccountingEstimator } from '../../learning/output-accounting-estimator.js'
import { writes } from '../../quota/dimensions.js'
import type { Control } from '../../quota/gate.js'
import type { Reservation } from '../../quota/reservation.js'
import type { Cost, OutputAccounting, Profile } from '../../types.js'
import type { ModelLimits } from './model-limits.js'

/**
 * When the service counts the output of one model: as the profile says, or as refusals teach. All workspaces learn it together,
 * and each model's gate then charges output so.
 */
export class ModelOutputAccounting {
  /** Shared by the account's model and those of its workspaces. */
  readonly #estimator: OutputAccountingEstimator
  readonly #gate: Control
  readonly #account: ModelOutputAccounting | undefined
  /** The account's limits. */
  readonly #limits: ModelLimits
  /** How the gate charges output. */
  #inForce: OutputAccounting | undefined

  /** `limits`: those of the account's model. */
  constructor(
    profile: Pick<Profile, 'outputAccounting'>,
    gate: Control,
    limits: ModelLimits,
    account: ModelOutputAccounting | undefined,
  ) {
    this.#estimator = account ? account.#estimator : new OutputAccountingEstimator(profile.outputAccounting)
    this.#gate = gate
    this.#account = account
    this.#limits = limits
    this.#inForce = this.#estimator.origin === 'configured' ? this.#estimator.way : undefined
  }

  /** Undefined: it is not known yet. */
  get way(): OutputAccounting | undefined {
    return this.#estimator.way
  }

  get origin(): 'configured' | 'learned' | 'default' {
    return this.#estimator.origin
  }

  /** A request was sent. `mostOutputTokens`: the most that its answers may have; undefined: it does not say. */
  sent({ cost, at }: Reservation, mostOutputTokens: number | undefined): void {
    // Before the first answer of unknown length there is nothing to find out.
    if (!this.#estimator.hasWritten && !writes(cost)) return
    const tokensPerSecond = this.#tokensPerSecond
    if (tokensPerSecond === undefined) return
    this.#apply()
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.#estimator.sent(at, first, most, writes(cost), tokensPerSecond)
  }

  /** The answer to a request has ended; nobody may know with how many tokens. */
  ended({ cost, at }: Reservation, outputTokens: number | undefined, now: number): void {
    const tokensPerSecond = this.#tokensPerSecond
    if (tokensPerSecond === undefined || !writes(cost)) return
    this.#estimator.ended(at, now, outputTokens, tokensPerSecond)
  }

  /** A request was refused for its tokens. */
  refused({ cost, at }: Reservation, mostOutputTokens: number | undefined, now: number): void {
    const tokensPerSecond = this.#tokensPerSecond
    if (tokensPerSecond === undefined) return
    const { first, most } = countsOf(cost, mostOutputTokens)
    this.#estimator.refused(at, first, most, writes(cost), now, tokensPerSecond)
    this.#apply()
    if (this.#account !== undefined) this.#account.#apply()
  }

  /** What there is to learn from: a limit of tokens a second, where the profile does not say when output counts. */
  get #tokensPerSecond(): number | undefined {
    return this.#estimator.origin === 'configured' ? undefined : this.#limits.effective.tps
  }

  /** Has the gate charge output as was learned, here or in another workspace. */
  #apply(): void {
    const { way } = this.#estimator
    if (way === undefined || way === this.#inForce) return
    this.#inForce = way
    this.#gate.setOutputAccounting(way, 0)
  }
}

/** The tokens of a request that count at once, and with all that its answers may have. */
function countsOf(cost: Cost, mostOutputTokens = cost.outputTokens): { first: number; most: number } {
  const first = cost.inputTokens + (cost.knownOutputTokens ?? 0)
  return { first, most: writes(cost) ? first + mostOutputTokens : first }
}
