import { startOf } from '../meter/gate.js'
import type { Cost } from '../types.js'
import { Load, type Waiting } from './job-list.js'
import type { Lane, Schedulable } from './lane.js'

/**
 * When a new job of this cost may be expected to start, in the clock's ms: after all that waits before it, by the limits as
 * they are. Infinity if that depends on more than time.
 */
export function predictedStart<J extends Schedulable>(
  lane: Lane<J>,
  { priority, tenant }: Pick<Waiting, 'priority' | 'tenant'>,
  cost: Cost,
  now: number,
): number {
  const ahead = lane.queue.ahead(priority, tenant)
  const at = startOf(lane.gate.earliest(cost, now, ahead))
  if (lane.pool.lanes.length === 1) return at
  const shared = new Load()
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

/** Whether what waits in a lane, if anything does, waits for limits of its own or is paused: then it takes nothing from others. */
function waitsForItself<J extends Schedulable>({ gate, pool, queue, owner }: Lane<J>, now: number): boolean {
  const head = queue.peek(now)
  if (head === undefined || owner.isPaused) return true
  return startOf(gate.earliest(head.cost, now)) > startOf(pool.gate.earliest(head.cost, now))
}
