import type { OutputLengths } from '../tokens/output-estimator.js'
import type { ModelStats, Stats, TenantStats } from '../metrics/stats.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { QueuedRequest } from './queued-request.js'
import type { Workspace } from './workspace.js'

/** How long the answers of a model were. */
export type OutputOf = (model: string) => OutputLengths | undefined

/** What a workspace knows of `limiter.stats()`. */
export type WorkspaceReport = Omit<Stats, 'doubleSettles' | 'networkJitter' | 'clockPhase'>

/** How the models and tenants of a workspace stand, and what they did in the last `lastMs`. */
export function workspaceReport(
  workspace: Workspace,
  scheduler: Scheduler<QueuedRequest>,
  lastMs: number,
  now: number,
  outputOf: OutputOf,
): WorkspaceReport {
  const models: [string, ModelStats][] = []
  const waitingBy = new Map<string | undefined, number>()
  let inFlight = 0
  for (const state of workspace.models.all()) {
    inFlight += state.inFlight
    // Of the account it is all that waits for the model, in its workspaces too.
    const lanes = state.account === undefined ? state.lane.pool.lanes : [state.lane]
    let waiting = 0
    for (const lane of lanes) {
      waiting += scheduler.waitingIn(lane)
      scheduler.countTenants(lane, waitingBy)
    }
    models.push([state.model, state.stats({ waiting, output: outputOf(state.model) }, lastMs, now)])
  }
  const tenants: [string, TenantStats][] = []
  for (const [tenant, activity] of workspace.tenants.reports(lastMs, now)) {
    tenants.push([tenant, { waiting: waitingBy.get(tenant) ?? 0, ...activity }])
    waitingBy.delete(tenant)
  }
  // Of these none has started yet, or there is no place to count it.
  const nothing = workspace.tenants.nothing(lastMs, now)
  for (const [tenant, waiting] of waitingBy) {
    if (tenant !== undefined) tenants.push([tenant, { waiting, ...nothing }])
  }
  // Not by assignment: a model may be called '__proto__'.
  return {
    models: Object.fromEntries(models),
    tenants: Object.fromEntries(tenants),
    waiting: workspace.waiting(scheduler),
    inFlight,
  }
}
