import type { Clock } from '../clock.js'
import { LIMIT_FIELDS } from '../limits/limit-fields.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import { pickLimits } from '../limits/validation.js'
import { withReportedLimits } from '../limits/reported-limits.js'
import type { ClockPhase } from '../quota/clock-phase.js'
import type { Gate } from '../quota/gate.js'
import { JointGate } from '../quota/joint-gate.js'
import { ModelGate } from '../quota/model-gate.js'
import { type Overflow, OverflowGate } from '../quota/overflow-gate.js'
import { Episodes } from '../learning/episodes.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { Profile } from '../types.js'
import { LearnedLimits } from './learned-limits.js'
import { ModelState } from './model-state.js'
import { ownLimits, type EffectiveLimits, type Resolve } from './effective-limits.js'
import type { Job } from '../dispatch/job.js'
import type { Workspace } from './workspace.js'

export interface ModelRegistryOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Backups by model, in the order in which they are tried. */
  readonly fallback: Readonly<Record<string, readonly string[]>>
  /** J, in ms, as it is known now. */
  readonly networkJitterMs: () => number
  /** Whether to try for more than the limits that were told. */
  readonly probeHigherLimits: boolean
  /** When the service counts what is sent, as it is known now. */
  readonly phase: () => ClockPhase | undefined
  /** Since when it is known that nothing ran, in the clock's ms. */
  readonly idleSince: number
}

/** The groups of a workspace by model, made when first asked for. */
export class ModelRegistry {
  readonly #options: ModelRegistryOptions
  readonly #resolve: Resolve
  readonly #scheduler: Scheduler<Job>
  readonly #workspace: Workspace
  readonly #models = new Map<string, ModelState>()
  /** A model and its backups; and the model alone. */
  readonly #chains = new Map<string, readonly ModelState[]>()
  readonly #alone = new Map<string, readonly ModelState[]>()
  /** How often the limits were resolved again: what was unknown before may be known now. */
  #refreshes = 0

  constructor(options: ModelRegistryOptions, resolve: Resolve, scheduler: Scheduler<Job>, workspace: Workspace) {
    this.#options = options
    this.#resolve = resolve
    this.#scheduler = scheduler
    this.#workspace = workspace
  }

  /** Those that were asked for so far. */
  all(): IterableIterator<ModelState> {
    return this.#models.values()
  }

  find(model: string): ModelState | undefined {
    return this.#models.get(model)
  }

  /**
   * The models that may serve a request for `model`, that one first.
   *
   * @throws InvalidRequest if one is unknown and unknown ones are to be rejected
   */
  chainOf(model: string, profile: Profile, withBackups: boolean): readonly ModelState[] {
    const chains = withBackups ? this.#chains : this.#alone
    const known = chains.get(model)
    if (known !== undefined) return known
    const backups = withBackups && Object.hasOwn(this.#options.fallback, model) ? this.#options.fallback[model]! : []
    const chain = [...new Set([model, ...backups])].map((name) => this.of(name, profile))
    chains.set(model, chain)
    return chain
  }

  of(model: string, profile: Profile): ModelState {
    return this.#models.get(model) ?? this.#add(model, profile)
  }

  /** Resolves all limits again; a change takes effect on what waits. */
  refresh(): void {
    const { events } = this.#workspace
    this.#refreshes++
    for (const modelState of this.#models.values()) {
      let effectiveLimits
      try {
        effectiveLimits = this.#effectiveLimits(modelState)
      } catch (cause) {
        // A live table with one bad row: the limits last known stand, for that model alone.
        events.emit('warning', {
          model: modelState.model,
          message: `The limits stay as they are: ${(cause as Error).message}`,
          cause,
        })
        continue
      }
      const { limits, retired } = effectiveLimits
      if (modelState.gate instanceof OverflowGate && !sameOverflow(modelState.effectiveLimits, effectiveLimits)) {
        modelState.gate.setOverflow(this.#overflowOf(modelState, effectiveLimits))
        modelState.effectiveLimits = { ...modelState.effectiveLimits, overflow: effectiveLimits.overflow }
      }
      if (sameLimits(modelState.effectiveLimits.limits, limits) && retired === modelState.effectiveLimits.retired) {
        if (limits.until !== modelState.effectiveLimits.limits.until) modelState.showUntil(limits.until)
        continue
      }
      const before = modelState.limits
      const now = this.#options.clock.now()
      modelState.effectiveLimits = effectiveLimits
      modelState.limits = limits
      modelState.limitsSince = now
      modelState.forgetLearned()
      events.emit('limits', {
        model: modelState.model,
        from: pickLimits(before),
        to: pickLimits(limits),
        source: limits.source,
      })
      modelState.gate.setLimits(ownLimits(effectiveLimits), now)
    }
  }

  #effectiveLimits({ model, profile, reportedLimits }: ModelState): EffectiveLimits {
    const effectiveLimits = this.#resolve(model, profile)
    if (reportedLimits === undefined) return effectiveLimits
    return {
      ...effectiveLimits,
      limits: withReportedLimits(effectiveLimits.limits, effectiveLimits.origin, reportedLimits),
    }
  }

  /** Decided when the model is first asked for: later its gate is known to many. */
  #mayOverflow(model: string, profile: Profile, meters: ModelGate, effectiveLimits: EffectiveLimits): Gate {
    if (effectiveLimits.overflow === undefined) return meters
    return new OverflowGate(meters, this.#overflowOf({ model, profile }, effectiveLimits))
  }

  #overflowOf(
    { model, profile }: Pick<ModelState, 'model' | 'profile'>,
    { overflow }: EffectiveLimits,
  ): Overflow | undefined {
    if (overflow === undefined || overflow.model === '' || overflow.model === model) return undefined
    const { model: to, maxInputTokens } = overflow
    let gate: Gate | undefined
    let triedAt: number | undefined
    const find = (): Gate | undefined => {
      const isFirst = triedAt === undefined
      triedAt = this.#refreshes
      try {
        const other = this.of(to, profile).gate
        // No further: two could overflow into each other.
        return other instanceof OverflowGate ? other.own : other
      } catch (cause) {
        const message = `What exceeds the limits of '${model}' is not limited: ${(cause as Error).message}`
        if (isFirst) this.#workspace.events.emit('warning', { model, message, cause })
        return undefined
      }
    }
    return {
      gate: () => {
        if (gate === undefined && triedAt !== this.#refreshes) gate = find()
        return gate
      },
      maxInputTokens,
    }
  }

  /** J is another now. */
  setNetworkJitter(networkJitterMs: number): void {
    for (const { gate } of this.#models.values()) gate.setNetworkJitter(networkJitterMs, this.#options.clock.now())
  }

  /** The phase of the service's clock is another now. */
  setClockPhase(phase: ClockPhase | undefined): void {
    for (const { gate, profile } of this.#models.values()) {
      if (profile.windowPhase !== undefined) gate.setClockPhase(phase, this.#options.clock.now())
    }
  }

  #add(model: string, profile: Profile): ModelState {
    const { clock, random, networkJitterMs, phase, idleSince, probeHigherLimits } = this.#options
    const workspace = this.#workspace
    // Of the account's own words about a model it is the account that tells.
    const account = workspace.account?.models.of(model, profile)
    const effectiveLimits = this.#resolve(model, profile)
    const { limits, origin } = effectiveLimits
    const meters = new ModelGate(
      { limits: ownLimits(effectiveLimits), profile, networkJitterMs: networkJitterMs(), phase: phase(), idleSince },
      clock.now(),
    )
    const gate =
      account === undefined
        ? this.#mayOverflow(model, profile, meters, effectiveLimits)
        : new JointGate(meters, account.gate)
    const perSecond = limits.rps !== undefined || limits.tps !== undefined
    const modelState = new ModelState({
      model,
      workspace,
      account,
      profile,
      gate,
      effectiveLimits,
      makeFound: () => new LearnedLimits(networkJitterMs(), probeHigherLimits ? Infinity : 1),
      lane: this.#scheduler.addLane(gate, workspace, account?.lane),
      episodes: new Episodes({ perSecond }, networkJitterMs, random),
    })
    this.#models.set(model, modelState)
    if (origin === 'unknown-model' && account === undefined) {
      const rates =
        limits.rpm === undefined ? 'without limits' : `at ${limits.rpm} requests and ${limits.tpm} tokens a minute`
      workspace.events.emit('warning', {
        model,
        message: `Model '${model}' is in no limits table: it runs ${rates}. Give its limits in overrides to use its quota`,
      })
    }
    return modelState
  }
}

/** Whether the same holds, for however long. */
function sameLimits(a: ResolvedLimits, b: ResolvedLimits): boolean {
  return a.source === b.source && LIMIT_FIELDS.every((field) => a[field] === b[field])
}

function sameOverflow({ overflow: a }: EffectiveLimits, { overflow: b }: EffectiveLimits): boolean {
  return a?.model === b?.model && a?.maxInputTokens === b?.maxInputTokens
}
