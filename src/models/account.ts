import { InvalidRequest, LimiterClosed } from '../errors.js'
import type { ClockPhase } from '../quota/clock-phase.js'
import type { Stats } from '../metrics/stats.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { Limits } from '../types.js'
import type { ModelState } from './model-state.js'
import type { ModelRegistryOptions } from './model-registry.js'
import type { Resolve } from './effective-limits.js'
import type { Job } from '../dispatch/job.js'
import { report, type OutputOf } from './report.js'
import { Workspace } from './workspace.js'

/** The account and its workspaces: which there are, and when they run, halt and end. */
export class Account {
  /** The account itself, for requests of no workspace. */
  readonly main: Workspace
  readonly #options: ModelRegistryOptions
  readonly #scheduler: Scheduler<Job>
  readonly #inside = new Map<string, Workspace>()
  /** Names that were used: what ran under them in the last minute is unknown. */
  readonly #used = new Set<string>()

  constructor(options: ModelRegistryOptions, resolve: Resolve, scheduler: Scheduler<Job>) {
    this.#options = options
    this.#scheduler = scheduler
    this.main = new Workspace(options, resolve, scheduler)
  }

  /** @throws InvalidRequest if there is a workspace of that name */
  add(name: string, resolve: Resolve): Workspace {
    if (this.#inside.has(name)) {
      throw new InvalidRequest(
        `There is a workspace '${name}' already: keep the limiter that was made for it, or close it and wait until it has`,
      )
    }
    const idleSince = this.#used.has(name) ? this.#options.clock.now() : this.#options.idleSince
    this.#used.add(name)
    const workspace = new Workspace({ ...this.#options, idleSince }, resolve, this.#scheduler, {
      account: this.main,
      name,
    })
    this.#inside.set(name, workspace)
    return workspace
  }

  /** A workspace has ended: its name is free again. */
  forget(workspace: Workspace): void {
    this.#inside.delete(workspace.name ?? '')
    for (const { lane } of workspace.models.all()) this.#scheduler.removeLane(lane)
  }

  /** Limits of the account changed: what waits anywhere hears of it. */
  refresh(): void {
    for (const { models } of this.#all()) models.refresh()
  }

  /** The service told limits a minute of a model: they are the account's. */
  applyReportedLimits(modelState: ModelState, reported: Limits): void {
    const known = modelState.account ?? modelState
    const before = known.reportedLimits
    known.reportedLimits = { ...before, ...reported }
    if (known.reportedLimits.rpm !== before?.rpm || known.reportedLimits.tpm !== before?.tpm) this.refresh()
  }

  /** The delays to the service spread otherwise than was known: J is another for all. */
  setNetworkJitter(networkJitterMs: number): void {
    for (const { models } of this.#all()) models.setNetworkJitter(networkJitterMs)
  }

  /** What is known of the service's clock is another for all. Starts nothing: {@link startDue} does, once all else is told too. */
  setClockPhase(phase: ClockPhase | undefined): void {
    for (const { models } of this.#all()) models.setClockPhase(phase)
  }

  /** Starts what has room by now. */
  startDue(): void {
    for (const { lane } of this.main.models.all()) this.#scheduler.changed(lane)
  }

  pause(workspace: Workspace): void {
    workspace.isPaused = true
    this.#scheduler.paused()
  }

  resume(workspace: Workspace): void {
    workspace.isPaused = false
    this.#scheduler.resumed()
  }

  /** Takes no new requests. With `abandon` those that wait are rejected, and what runs is not repeated. */
  close(workspace: Workspace, abandon: boolean): void {
    workspace.isClosed = true
    if (!abandon) return
    workspace.isAbandoned = true
    const lanes = [...workspace.models.all()].map(({ lane }) => lane)
    for (const job of this.#scheduler.takeAll(lanes)) {
      job.forgetAbort()
      job.reject(new LimiterClosed('The limiter was closed while the request waited'))
    }
    workspace.idle.check()
  }

  /** How the models and tenants of a workspace stand, and what they did in the last `lastMs`. */
  report(
    workspace: Workspace,
    lastMs: number,
    now: number,
    outputOf: OutputOf,
  ): Omit<Stats, 'doubleSettles' | 'networkJitter' | 'clockPhase'> {
    return report(workspace, this.#scheduler, lastMs, now, outputOf)
  }

  *#all(): Generator<Workspace> {
    yield this.main
    yield* this.#inside.values()
  }
}
