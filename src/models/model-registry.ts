import type { Clock } from '../clock.js'
import { Episodes } from '../learning/episodes.js'
import { LearnedLimits } from '../learning/learned-limits.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { ClockPhase } from '../quota/clock-phase.js'
import type { Gate } from '../quota/gate.js'
import { ModelGate } from '../quota/model-gate.js'
import { OverflowGate } from '../quota/overflow-gate.js'
import type { Profile } from '../types.js'
import type { ModelOwner } from './model-owner.js'
import { ModelState } from './model-state.js'
import { OverflowTargets } from './overflow-targets.js'
import type { QueuedRequest } from './queued-request.js'
import { ownLimits, type ConfiguredLimits, type Resolve } from './state/configured-limits.js'

export interface ModelRegistryOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Backups by model, in the order in which they are tried. */
  readonly fallback: Readonly<Record<string, readonly string[]>>
  /** J, in ms, as it is known now. */
  readonly networkJitterMs: () => number
  /** Whether to try for more than the limits that are configured. */
  readonly probeHigherLimits: boolean
  /** When the service counts what is sent, as it is known now. */
  readonly phase: () => ClockPhase | undefined
  /** Since when it is known that nothing ran, in the clock's ms. */
  readonly idleSince: number
}

/** The models of a workspace by name, made when first asked for. */
export class ModelRegistry {
  readonly #options: ModelRegistryOptions
  readonly #resolve: Resolve
  readonly #scheduler: Scheduler<QueuedRequest>
  readonly #workspace: ModelOwner
  /** The account's models; undefined if these are they. */
  readonly #account: ModelRegistry | undefined
  readonly #models = new Map<string, ModelState>()
  /** A model and its backups; and the model alone. */
  readonly #chains = new Map<string, readonly ModelState[]>()
  readonly #alone = new Map<string, readonly ModelState[]>()
  readonly #overflow: OverflowTargets

  constructor(
    options: ModelRegistryOptions,
    resolve: Resolve,
    scheduler: Scheduler<QueuedRequest>,
    workspace: ModelOwner,
    account: ModelRegistry | undefined,
  ) {
    this.#options = options
    this.#resolve = resolve
    this.#scheduler = scheduler
    this.#workspace = workspace
    this.#account = account
    this.#overflow = new OverflowTargets((model, profile) => this.of(model, profile), workspace.events)
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

  /** Looks up all limits again; a change takes effect on requests that wait. */
  refresh(): void {
    this.#overflow.reconfigured()
    for (const state of this.#models.values()) {
      const { model, profile } = state
      let configured
      try {
        configured = this.#resolve(model, profile)
      } catch (cause) {
        // A live table with one bad row: the limits last known stand, for that model alone.
        const message = `The limits stay as they are: ${(cause as Error).message}`
        this.#workspace.events.emit('warning', { model, message, cause })
        continue
      }
      state.configure(configured, this.#overflow.of(model, profile, configured.overflow), this.#options.clock.now())
    }
  }

  /** J is another now. */
  setNetworkJitter(networkJitterMs: number): void {
    for (const state of this.#models.values()) state.setNetworkJitter(networkJitterMs, this.#options.clock.now())
  }

  /** The phase of the service's clock is another now. */
  setClockPhase(phase: ClockPhase | undefined): void {
    for (const state of this.#models.values()) state.setClockPhase(phase, this.#options.clock.now())
  }

  #add(model: string, profile: Profile): ModelState {
    const { random, networkJitterMs, probeHigherLimits } = this.#options
    const workspace = this.#workspace
    // First, so that a warning about the model is the account's.
    const account = this.#account?.of(model, profile)
    const configured = this.#resolve(model, profile)
    const { limits } = configured
    const gate = this.#gateOf(model, profile, configured, account)
    const perSecond = limits.rps !== undefined || limits.tps !== undefined
    const state = new ModelState({
      model,
      workspace,
      account,
      profile,
      gate,
      configured,
      createLearned: () => new LearnedLimits(networkJitterMs(), probeHigherLimits ? Infinity : 1),
      lane: this.#scheduler.addLane(gate, workspace, account?.lane),
      episodes: new Episodes({ perSecond }, networkJitterMs, random),
    })
    this.#models.set(model, state)
    if (configured.origin === 'unknown-model' && account === undefined) this.#warnUnknown(model, configured)
    return state
  }

  #gateOf(model: string, profile: Profile, configured: ConfiguredLimits, account: ModelState | undefined): Gate {
    const { clock, networkJitterMs, phase, idleSince } = this.#options
    const limits = ownLimits(configured)
    const options = { limits, profile, networkJitterMs: networkJitterMs(), phase: phase(), idleSince }
    const own = new ModelGate(options, clock.now())
    if (account !== undefined) return account.joinGate(own)
    // Decided once: later, the scheduler and others know the gate.
    const { overflow } = configured
    return overflow === undefined ? own : new OverflowGate(own, this.#overflow.of(model, profile, overflow))
  }

  #warnUnknown(model: string, { limits: { rpm, tpm } }: ConfiguredLimits): void {
    const rates = rpm === undefined ? 'without limits' : `at ${rpm} requests and ${tpm} tokens a minute`
    const message = `Model '${model}' is in no limits table: it runs ${rates}. Give its limits in overrides to use its quota`
    this.#workspace.events.emit('warning', { code: 'unknown_model', model, message })
  }
}
