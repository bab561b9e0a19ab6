import type { OutputLengths } from '../tokens/output-estimator.js'
import type { ModelStats, Stats, TenantStats } from '../metrics/stats.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { ModelState } from './model-state.js'
import type { Job } from '../dispatch/job.js'
import type { Workspace } from './workspace.js'

/** How long the answers of a model were. */
export type OutputOf = (model: string) => OutputLengths | undefined

/** How the models and tenants of a workspace stand, and what they did in the last `lastMs`. */
export function report(
  workspace: Workspace,
  scheduler: Scheduler<Job>,
  lastMs: number,
  now: number,
  outputOf: OutputOf,
): Omit<Stats, 'doubleSettles' | 'networkJitter' | 'clockPhase'> {
  const models: [string, ModelStats][] = []
  const waitingBy = new Map<string | undefined, number>()
  let inFlight = 0
  for (const modelState of workspace.models.all()) {
    inFlight += modelState.inFlight
    // Of the account it is all that waits for the model, in its workspaces too.
    const lanes = modelState.account === undefined ? modelState.lane.pool.lanes : [modelState.lane]
    let waiting = 0
    for (const lane of lanes) {
      waiting += scheduler.waitingIn(lane)
      scheduler.countTenants(lane, waitingBy)
    }
    const stats = {
      limits: modelState.limits,
      windows: modelState.gate.room(now),
      waiting,
      inFlight: modelState.inFlight,
      heldMs: Math.max(0, modelState.gate.heldUntil - now),
      pace: paceOf(modelState, now),
      outputAccounting: { as: modelState.outputAccounting.way, origin: modelState.outputAccounting.origin },
      output: outputOf(modelState.model),
      ...modelState.activity.report(lastMs, now),
    }
    models.push([modelState.model, stats])
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

function paceOf(modelState: ModelState, now: number): ModelStats['pace'] {
  const requestsPerSecond = modelState.paceAt(now)
  return requestsPerSecond === undefined ? undefined : { requestsPerSecond, origin: 'learned' }
}
