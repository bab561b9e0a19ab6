import { startOf, type Gate } from '../meter/gate.js'
import type { Cost } from '../types.js'
import type { Lane, Schedulable, Step } from './lane.js'

/**
 * The lanes that draw on one gate: a model's of the account, and those of its workspaces. Each has a turn after another;
 * one that waits is not delayed by those after it by more than `maxHeadDelayMs`.
 */
export class Pool<J extends Schedulable> {
  /** What all of them are charged to. */
  readonly gate: Gate
  isPumping = false
  /** In the order of their turns. */
  readonly #lanes: Lane<J>[] = []

  constructor(gate: Gate) {
    this.gate = gate
  }

  get lanes(): readonly Lane<J>[] {
    return this.#lanes
  }

  get hasWaiting(): boolean {
    for (const lane of this.#lanes) if (lane.queue.size > 0) return true
    return false
  }

  /** When the first of its jobs may start, in the clock's ms. */
  get wakeAt(): number {
    let at = Infinity
    for (const lane of this.#lanes) if (lane.wakeAt < at) at = lane.wakeAt
    return at
  }

  add(lane: Lane<J>): void {
    this.#lanes.push(lane)
  }

  /** A lane has had its turn, or has jobs again after it had none: it comes after the others. */
  toEnd(lane: Lane<J>): void {
    if (this.#lanes.length === 1) return
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    this.#lanes.push(lane)
  }

  /** Who leaves a queue at `now`; undefined: nobody, until {@link wakeAt} or a change. */
  next(now: number, maxHeadDelayMs: number): Step<J> | undefined {
    if (this.#lanes.length === 1) return this.#lanes[0]!.next(now, maxHeadDelayMs)
    for (const [index, lane] of this.#lanes.entries()) {
      const mayTake = (cost: Cost) => !this.#delays(index, cost, now, maxHeadDelayMs)
      const step = lane.next(now, maxHeadDelayMs, mayTake)
      if (step === undefined) continue
      if ('reservation' in step) this.toEnd(lane)
      return step
    }
    return undefined
  }

  /** Whether a cost taken now makes the head of a lane before `index` start too late. */
  #delays(index: number, cost: Cost, now: number, maxHeadDelayMs: number): boolean {
    for (let i = 0; i < index; i++) {
      const lane = this.#lanes[i]!
      if (lane.owner.isPaused) continue
      const headBy = lane.headBy(maxHeadDelayMs)
      if (headBy === undefined) continue
      const head = lane.queue.head!.cost
      const after = startOf(this.gate.earliest(head, now, cost))
      if (after > headBy && after > startOf(this.gate.earliest(head, now))) return true
    }
    return false
  }
}
