import { startOf } from '../quota/gate.js'
import type { Cost } from '../types.js'
import { CostSum, type Waiting } from './job-list.js'
import type { Lane } from './lane.js'
import type { Schedulable } from './lane-step.js'
import { isAtLeast, MAX_CANDIDATES } from './backfill.js'
import type { JobQueue } from './job-queue.js'

type Turn = Pick<Waiting, 'priority' | 'tenant'>

/**
 * When a new job of this cost may be expected to start, in the clock's ms: at once where it may overtake, else after all that
 * waits before it, by the limits as they are and without ageing. Infinity if that depends on more than time.
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
    // Lanes take turns: of each other one as many start as of this one.
    shared.count(queue.ahead(-Infinity, undefined), Math.min(1, (ahead.requests + 1) / queue.size))
  }
  shared.roundUp()
  return Math.max(at, startOf(lane.pool.gate.earliest(cost, now, shared)))
}

/** Whether it is small enough, and near enough to the head. */
function mayOvertake<J extends Schedulable>(queue: JobQueue<J>, ahead: CostSum, cost: Cost, now: number): boolean {
  const head = queue.peek(now)
  return head !== undefined && ahead.jobs <= MAX_CANDIDATES && !isAtLeast(cost, head.cost)
}

/** Whether what waits in a lane, if anything does, waits for limits of its own or is paused: then it takes nothing from others. */
function waitsForItself<J extends Schedulable>({ gate, pool, queue, owner }: Lane<J>, now: number): boolean {
  const head = queue.peek(now)
  if (head === undefined || owner.isPaused) return true
  return startOf(gate.earliest(head.cost, now)) > startOf(pool.gate.earliest(head.cost, now))
}
