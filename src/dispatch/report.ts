import type { OutputLengths } from '../cost/output.js'
import type { ModelStats, Stats, TenantStats } from '../metrics/stats.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { Group } from './group.js'
import type { Job } from './job.js'
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
): Omit<Stats, 'doubleSettles' | 'jitter' | 'phase'> {
  const models: [string, ModelStats][] = []
  const waitingBy = new Map<string | undefined, number>()
  let inFlight = 0
  for (const group of workspace.groups.all()) {
    inFlight += group.inFlight
    // Of the account it is all that waits for the model, in its workspaces too.
    const lanes = group.account === undefined ? group.lane.pool.lanes : [group.lane]
    let waiting = 0
    for (const lane of lanes) {
      waiting += scheduler.waitingIn(lane)
      scheduler.countTenants(lane, waitingBy)
    }
    const stats = {
      limits: group.limits,
      windows: group.gate.room(now),
      waiting,
      inFlight: group.inFlight,
      heldMs: Math.max(0, group.gate.heldUntil - now),
      pace: paceOf(group, now),
      chargesOutput: { as: group.charging.way, origin: group.charging.origin },
      output: outputOf(group.model),
      ...group.activity.report(lastMs, now),
    }
    models.push([group.model, stats])
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

function paceOf(group: Group, now: number): ModelStats['pace'] {
  const requestsPerSecond = group.paceAt(now)
  return requestsPerSecond === undefined ? undefined : { requestsPerSecond, origin: 'learned' }
}
