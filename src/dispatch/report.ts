import type { ModelStats, Stats, TenantStats } from '../metrics/stats.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { Job } from './job.js'
import type { Workspace } from './workspace.js'

/** How the models and tenants of a workspace stand, and what they did in the last `lastMs`. */
export function report(
  workspace: Workspace,
  scheduler: Scheduler<Job>,
  lastMs: number,
  now: number,
): Omit<Stats, 'doubleSettles'> {
  const models: [string, ModelStats][] = []
  const waitingBy = new Map<string | undefined, number>()
  let inFlight = 0
  for (const group of workspace.groups.all()) {
    inFlight += group.inFlight
    scheduler.countTenants(group.lane, waitingBy)
    const stats = {
      limits: group.limits,
      windows: group.gate.room(now),
      waiting: scheduler.waitingIn(group.lane),
      inFlight: group.inFlight,
      heldMs: Math.max(0, group.gate.heldUntil - now),
      ...group.activity.report(lastMs, now),
    }
    models.push([group.model, stats])
  }
  const tenants: [string, TenantStats][] = []
  for (const [tenant, collector] of workspace.tenants.entries()) {
    tenants.push([tenant, { waiting: waitingBy.get(tenant) ?? 0, ...collector.report(lastMs, now) }])
    waitingBy.delete(tenant)
  }
  // Of these none has started yet.
  for (const [tenant, waiting] of waitingBy) {
    if (tenant !== undefined) tenants.push([tenant, { waiting, ...workspace.tenants.nothing(lastMs, now) }])
  }
  // Not by assignment: a model may be called '__proto__'.
  return {
    models: Object.fromEntries(models),
    tenants: Object.fromEntries(tenants),
    waiting: workspace.waiting(scheduler),
    inFlight,
  }
}
