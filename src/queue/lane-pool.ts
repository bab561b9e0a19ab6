import { startOf, type Gate } from '../quota/gate.js'
import type { Cost } from '../types.js'
import type { LaneStep, Schedulable } from './lane-step.js'
import { MAX_CANDIDATES } from './backfill.js'

/** So many of those that wait are looked at, of each lane where there are very many. */
const MIN_CANDIDATES = 4
/** So many heads are kept from being delayed at once, in the order of their turns: each is among them in time. */
const MAX_CLAIMS = 8

/** A head that waits for the room of all: until when it is to have it, and when it would, as things stand. */
interface Claim {
  readonly cost: Cost
  readonly by: number
  readonly at: number
}

/** What the pool needs of a lane. */
interface PooledLane<J> {
  readonly queue: { readonly size: number; readonly head: J | undefined }
  /** When it may start something, in the clock's ms. */
  readonly wakeAt: number
  /** When its head is to have room in the pool's gate; see `Lane`. */
  readonly claimAt: number
  next(
    now: number,
    maxBackfillDelayMs: number,
    most: number,
    mayTake?: (cost: Cost) => boolean,
  ): LaneStep<J> | undefined
}

/**
 * The lanes that draw on one gate: a model's of the account, and those of its workspaces. Each has a turn after another;
 * one that waits is not delayed by those after it by more than `maxBackfillDelayMs`.
 */
export class LanePool<J extends Schedulable, L extends PooledLane<J>> {
  /** What all of them are charged to. */
  readonly gate: Gate
  isPumping = false
  /** In the order of their turns. */
  readonly #lanes: L[] = []

  constructor(gate: Gate) {
    this.gate = gate
  }

  get lanes(): readonly L[] {
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

  add(lane: L): void {
    this.#lanes.push(lane)
  }

  remove(lane: L): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
  }

  /** A lane has had its turn, or has jobs again after it had none: it comes after the others. */
  toEnd(lane: L): void {
    if (this.#lanes.length === 1) return
    this.remove(lane)
    this.#lanes.push(lane)
  }

  /** Who leaves a queue at `now`; undefined: nobody, until {@link wakeAt} or a change. */
  next(now: number, maxBackfillDelayMs: number): LaneStep<J> | undefined {
    if (this.#lanes.length === 1) return this.#lanes[0]!.next(now, maxBackfillDelayMs, MAX_CANDIDATES)
    let waiting = 0
    for (const { queue } of this.#lanes) if (queue.size > 0) waiting++
    const most = Math.max(MIN_CANDIDATES, Math.floor(MAX_CANDIDATES / waiting))
    const claims: Claim[] = []
    const mayTake = (cost: Cost) => claims.every((claim) => !this.#delays(claim, cost, now))
    for (const lane of this.#lanes) {
      const step = lane.next(now, maxBackfillDelayMs, most, mayTake)
      if (step === undefined) {
        if (claims.length < MAX_CLAIMS && lane.claimAt < Infinity)
          claims.push(this.#claimOf(lane, now, maxBackfillDelayMs))
        continue
      }
      // One that went before its head has not used up its turn.
      if ('reservation' in step && step.wasHead) this.toEnd(lane)
      return step
    }
    return undefined
  }

  #claimOf({ queue, claimAt }: L, now: number, maxBackfillDelayMs: number): Claim {
    const { cost } = queue.head!
    return { cost, by: claimAt + maxBackfillDelayMs, at: startOf(this.gate.earliest(cost, now)) }
  }

  /** Whether a cost taken now makes a head start too late: later than it is to, and later than without it. */
  #delays(claim: Claim, cost: Cost, now: number): boolean {
    const after = startOf(this.gate.earliest(claim.cost, now, cost))
    return after > claim.by && after > claim.at
  }
}
