import { startOf } from '../quota/admission-result.js'
import type { Cost } from '../types.js'
import { CostSum, type Waiting } from './job-list.js'
import type { Lane } from './lane.js'
import type { Schedulable } from './lane-step.js'
import { isAtLeast, MAX_CANDIDATES } from './backfill.js'
import type { JobQueue } from './job-queue.js'

type Turn = Pick<Waiting, 'priority' | 'tenant'>

/**
 * The expected start of a new job of this cost, in the clock's ms. It is now if the job may overtake the head,
 * otherwise after all jobs before it. Infinity if it depends on more than time.
 *
 * The prediction takes the limits as they are now. It ignores ageing, later arrivals and corrections.
 */
export function predictedStart<J extends Schedulable>(
  lane: Lane<J>,
  { priority, tenant }: Turn,
  cost: Cost,
  now: number,
  maxBackfillDelayMs: number,
): number {
  if (lane.owner.isPaused) return Infinity
  const ahead = lane.queue.ahead(priority, tenant)
  if (mayOvertake(lane.queue, ahead, cost, now) && lane.wouldOvertake(cost, now, maxBackfillDelayMs)) return now
  const at = startOf(lane.gate.earliest(cost, now, ahead))
  if (lane.pool.lanes.length === 1) return at
  const shared = new CostSum()
  shared.count(ahead, 1)
  for (const other of lane.pool.lanes) {
    const { queue } = other
    if (other === lane || waitsForItself(other, now)) continue
    // Lanes take turns: each other lane starts as many jobs as this one.
    shared.count(queue.ahead(-Infinity, undefined), Math.min(1, (ahead.requests + 1) / queue.size))
  }
  shared.roundUp()
  return Math.max(at, startOf(lane.pool.gate.earliest(cost, now, shared)))
}

/** Whether the job is smaller than the head, and near enough to it to be examined. */
function mayOvertake<J extends Schedulable>(queue: JobQueue<J>, ahead: CostSum, cost: Cost, now: number): boolean {
  const head = queue.peek(now)
  return head !== undefined && ahead.jobs <= MAX_CANDIDATES && !isAtLeast(cost, head.cost)
}

/**
 * Whether a lane takes nothing from the shared gate: it is empty, or paused, or its head waits for the lane's own
 * limits.
 */
function waitsForItself<J extends Schedulable>({ gate, pool, queue, owner }: Lane<J>, now: number): boolean {
  const head = queue.peek(now)
  if (head === undefined || owner.isPaused) return true
  return startOf(gate.earliest(head.cost, now)) > startOf(pool.gate.earliest(head.cost, now))
}
