import { InvalidRequest, LimiterClosed } from '../errors.js'
import type { ClockPhaseEstimator } from '../learning/clock-phase-estimator.js'
import type { NetworkJitterEstimator } from '../learning/network-jitter-estimator.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { Limits, Profile } from '../types.js'
import type { Resolve } from './state/configured-limits.js'
import type { ModelRegistryOptions } from './model-registry.js'
import type { ModelState } from './model-state.js'
import type { QueuedRequest } from './queued-request.js'
import { workspaceReport, type OutputOf, type WorkspaceReport } from './workspace-report.js'
import { Workspace } from './workspace.js'

export interface AccountOptions extends ModelRegistryOptions {
  /** Learns J; undefined: it was given. */
  readonly jitter: NetworkJitterEstimator | undefined
  /** Learns when the service counts what is sent, where profiles tell that its windows begin by its clock. */
  readonly phases: ClockPhaseEstimator
}

/** The account and its workspaces: which there are, what all of them learn, and when they run, halt and end. */
export class Account {
  /** The account itself, for requests of no workspace. */
  readonly main: Workspace
  readonly #options: AccountOptions
  readonly #scheduler: Scheduler<QueuedRequest>
  readonly #inside = new Map<string, Workspace>()
  /** Names of workspaces that have ended after requests: what ran under them in the last minute is unknown. */
  readonly #used = new Set<string>()

  constructor(options: AccountOptions, resolve: Resolve, scheduler: Scheduler<QueuedRequest>) {
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
    const workspace = new Workspace({ ...this.#options, idleSince }, resolve, this.#scheduler, {
      account: this.main,
      name,
    })
    this.#inside.set(name, workspace)
    return workspace
  }

  /** A workspace has ended: its name is free again. */
  forget(workspace: Workspace): void {
    const { name = '', models } = workspace
    this.#inside.delete(name)
    if (!models.all().next().done) this.#used.add(name)
    for (const { lane } of workspace.models.all()) this.#scheduler.removeLane(lane)
  }

  /** Limits of the account changed: all workspaces look theirs up again. */
  refresh(): void {
    for (const { models } of this.#all()) models.refresh()
  }

  /** Takes in the limits a minute that the service reports for a model: they are the account's. */
  applyReportedLimits(state: ModelState, reported: Limits): void {
    if (state.reportLimits(reported)) this.refresh()
  }

  /** Learns J and the phase of the service's clock: a request that was sent at `sentAt` arrived at `epochMs` by the service's clock. */
  learnTiming(sentAt: number, epochMs: number, profile: Profile): void {
    const { jitter, phases, networkJitterMs, clock } = this.#options
    const isOtherJitter = jitter?.observe(sentAt, epochMs) === true
    const now = clock.now()
    const isOtherPhase = profile.windowPhase !== undefined && phases.observe(sentAt, epochMs, networkJitterMs(), now)
    // Nothing may start by a phase that was found with another J, so all models have both before anything starts.
    if (isOtherPhase) for (const { models } of this.#all()) models.setClockPhase(phases.at(now))
    if (isOtherJitter) for (const { models } of this.#all()) models.setNetworkJitter(networkJitterMs())
    if (isOtherPhase) for (const { lane } of this.main.models.all()) this.#scheduler.changed(lane)
  }

  pause(workspace: Workspace): void {
    workspace.pause()
    this.#scheduler.paused()
  }

  resume(workspace: Workspace): void {
    workspace.resume()
    this.#scheduler.resumed()
  }

  /** Takes no new requests. With `abandon` those that wait are rejected, and what runs is not repeated. */
  close(workspace: Workspace, abandon: boolean): void {
    workspace.close(abandon)
    if (!abandon) return
    const lanes = [...workspace.models.all()].map(({ lane }) => lane)
    for (const job of this.#scheduler.takeAll(lanes)) {
      job.forgetAbort()
      job.reject(new LimiterClosed('The limiter was closed while the request waited'))
    }
    workspace.idle.check()
  }

  /** How the models and tenants of a workspace stand, and what they did in the last `lastMs`. */
  report(workspace: Workspace, lastMs: number, now: number, outputOf: OutputOf): WorkspaceReport {
    return workspaceReport(workspace, this.#scheduler, lastMs, now, outputOf)
  }

  *#all(): Generator<Workspace> {
    yield this.main
    yield* this.#inside.values()
  }
}
