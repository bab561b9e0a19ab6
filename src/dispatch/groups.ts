import type { Clock } from '../clock.js'
import { LIMIT_FIELDS } from '../limits/fields.js'
import type { ResolvedLimits } from '../limits/resolve.js'
import { pickLimits } from '../limits/table.js'
import { withTold } from '../limits/told.js'
import type { ClockPhase, Gate } from '../meter/gate.js'
import { JointGate } from '../meter/joint-gate.js'
import { MeterGate } from '../meter/meter-gate.js'
import { type Overflow, OverflowGate } from '../meter/overflow-gate.js'
import { Episodes } from '../route/learn.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { Profile } from '../types.js'
import { FoundLimits } from './found-limits.js'
import { Group } from './group.js'
import { ownLimits, type Holding, type Resolve } from './holding.js'
import type { Job } from './job.js'
import type { Workspace } from './workspace.js'

export interface GroupsOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Backups by model, in the order in which they are tried. */
  readonly fallback: Readonly<Record<string, readonly string[]>>
  /** J, in ms, as it is known now. */
  readonly jitterMs: () => number
  /** Whether to try for more than the limits that were told. */
  readonly probeAbove: boolean
  /** When the service counts what is sent, as it is known now. */
  readonly phase: () => ClockPhase | undefined
  /** Since when it is known that nothing ran, in the clock's ms. */
  readonly idleSince: number
}

/** The groups of a workspace by model, made when first asked for. */
export class Groups {
  readonly #options: GroupsOptions
  readonly #resolve: Resolve
  readonly #scheduler: Scheduler<Job>
  readonly #workspace: Workspace
  readonly #groups = new Map<string, Group>()
  /** A model and its backups; and the model alone. */
  readonly #chains = new Map<string, readonly Group[]>()
  readonly #alone = new Map<string, readonly Group[]>()
  /** How often the limits were resolved again: what was unknown before may be known now. */
  #refreshes = 0

  constructor(options: GroupsOptions, resolve: Resolve, scheduler: Scheduler<Job>, workspace: Workspace) {
    this.#options = options
    this.#resolve = resolve
    this.#scheduler = scheduler
    this.#workspace = workspace
  }

  /** Those that were asked for so far. */
  all(): IterableIterator<Group> {
    return this.#groups.values()
  }

  find(model: string): Group | undefined {
    return this.#groups.get(model)
  }

  /**
   * The models that may serve a request for `model`, that one first.
   *
   * @throws InvalidRequest if one is unknown and unknown ones are to be rejected
   */
  chainOf(model: string, profile: Profile, withBackups: boolean): readonly Group[] {
    const chains = withBackups ? this.#chains : this.#alone
    const known = chains.get(model)
    if (known !== undefined) return known
    const backups = withBackups && Object.hasOwn(this.#options.fallback, model) ? this.#options.fallback[model]! : []
    const chain = [...new Set([model, ...backups])].map((name) => this.of(name, profile))
    chains.set(model, chain)
    return chain
  }

  of(model: string, profile: Profile): Group {
    return this.#groups.get(model) ?? this.#add(model, profile)
  }

  /** Resolves all limits again; a change takes effect on what waits. */
  refresh(): void {
    const { events } = this.#workspace
    this.#refreshes++
    for (const group of this.#groups.values()) {
      let holding
      try {
        holding = this.#holding(group)
      } catch (cause) {
        // A live table with one bad row: the limits last known stand, for that model alone.
        events.emit('warning', {
          model: group.model,
          message: `The limits stay as they are: ${(cause as Error).message}`,
          cause,
        })
        continue
      }
      const { limits, retired } = holding
      if (group.gate instanceof OverflowGate && !sameOverflow(group.holding, holding)) {
        group.gate.setOverflow(this.#overflowOf(group, holding))
        group.holding = { ...group.holding, overflow: holding.overflow }
      }
      if (sameLimits(group.holding.limits, limits) && retired === group.holding.retired) {
        if (limits.until !== group.holding.limits.until) group.showUntil(limits.until)
        continue
      }
      const before = group.limits
      const now = this.#options.clock.now()
      group.holding = holding
      group.limits = limits
      group.limitsSince = now
      group.forgetFound()
      events.emit('limits', {
        model: group.model,
        from: pickLimits(before),
        to: pickLimits(limits),
        source: limits.source,
      })
      group.gate.setLimits(ownLimits(holding), now)
    }
  }

  #holding({ model, profile, told }: Group): Holding {
    const holding = this.#resolve(model, profile)
    if (told === undefined) return holding
    return { ...holding, limits: withTold(holding.limits, holding.origin, told) }
  }

  /** Decided when the model is first asked for: later its gate is known to many. */
  #mayOverflow(model: string, profile: Profile, meters: MeterGate, holding: Holding): Gate {
    if (holding.overflow === undefined) return meters
    return new OverflowGate(meters, this.#overflowOf({ model, profile }, holding))
  }

  #overflowOf({ model, profile }: Pick<Group, 'model' | 'profile'>, { overflow }: Holding): Overflow | undefined {
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
  setJitter(jitterMs: number): void {
    for (const { gate } of this.#groups.values()) gate.setJitter(jitterMs, this.#options.clock.now())
  }

  /** The phase of the service's clock is another now. */
  setPhase(phase: ClockPhase | undefined): void {
    for (const { gate, profile } of this.#groups.values()) {
      if (profile.windowPhase !== undefined) gate.setPhase(phase, this.#options.clock.now())
    }
  }

  #add(model: string, profile: Profile): Group {
    const { clock, random, jitterMs, phase, idleSince, probeAbove } = this.#options
    const workspace = this.#workspace
    // Of the account's own words about a model it is the account that tells.
    const account = workspace.account?.groups.of(model, profile)
    const holding = this.#resolve(model, profile)
    const { limits, origin } = holding
    const meters = new MeterGate(
      { limits: ownLimits(holding), profile, jitterMs: jitterMs(), phase: phase(), idleSince },
      clock.now(),
    )
    const gate =
      account === undefined ? this.#mayOverflow(model, profile, meters, holding) : new JointGate(meters, account.gate)
    const perSecond = limits.rps !== undefined || limits.tps !== undefined
    const group = new Group({
      model,
      workspace,
      account,
      profile,
      gate,
      holding,
      makeFound: () => new FoundLimits(jitterMs(), probeAbove ? Infinity : 1),
      lane: this.#scheduler.addLane(gate, workspace, account?.lane),
      episodes: new Episodes({ perSecond }, jitterMs, random),
    })
    this.#groups.set(model, group)
    if (origin === 'unknown-model' && account === undefined) {
      const rates =
        limits.rpm === undefined ? 'without limits' : `at ${limits.rpm} requests and ${limits.tpm} tokens a minute`
      workspace.events.emit('warning', {
        model,
        message: `Model '${model}' is in no limits table: it runs ${rates}. Give its limits in overrides to use its quota`,
      })
    }
    return group
  }
}

/** Whether the same holds, for however long. */
function sameLimits(a: ResolvedLimits, b: ResolvedLimits): boolean {
  return a.source === b.source && LIMIT_FIELDS.every((field) => a[field] === b[field])
}

function sameOverflow({ overflow: a }: Holding, { overflow: b }: Holding): boolean {
  return a?.model === b?.model && a?.maxInputTokens === b?.maxInputTokens
}
