import { startOf } from '../quota/admission-result.js'
import type { Admission } from '../quota/gate.js'
import type { Cost } from '../types.js'
import type { LaneStep, Schedulable } from './lane-step.js'
import { MAX_CANDIDATES } from './backfill.js'

/**
 * The fewest jobs that a search examines in each lane, when many lanes share {@link MAX_CANDIDATES}.
 *
 * Chosen. Larger: with many waiting lanes each search takes longer. Smaller: fewer jobs fit beside a waiting head.
 */
const MIN_CANDIDATES = 4
/**
 * The most waiting heads of one pool that are protected from delay at once, in the order of their turns. Every lane
 * comes to be among the first, as lanes before it have their turns.
 *
 * Chosen. Each candidate is checked against each claim, with one query of the gate. Larger: a search takes longer.
 * Smaller: the heads of later lanes may be delayed more.
 */
const MAX_CLAIMS = 8

/**
 * A head that waits for room at the shared gate. It may start at `at` if no other job starts before it. It must be able
 * to start at `by`. Times are the clock's ms.
 */
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
 * The lanes that share one gate: the lane of a model in the account, and the lanes of that model in its workspaces. The
 * lanes take turns, one job at a time. A waiting head is not delayed by later lanes for more than `maxBackfillDelayMs`.
 * See docs/decisions/009-workspaces-take-turns.md.
 */
export class LanePool<J extends Schedulable, L extends PooledLane<J>> {
  /** The gate that all lanes are charged at. */
  readonly gate: Admission
  isPumping = false
  /** The lanes in the order of their turns. */
  readonly #lanes: L[] = []

  constructor(gate: Admission) {
    this.gate = gate
  }

  get lanes(): readonly L[] {
    return this.#lanes
  }

  get hasWaiting(): boolean {
    for (const lane of this.#lanes) if (lane.queue.size > 0) return true
    return false
  }

  /** When a job of any lane may start, in the clock's ms; Infinity if a change must come first. */
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

  /** Moves a lane behind the others: it has had its turn, or it has jobs again after it had none. */
  toEnd(lane: L): void {
    if (this.#lanes.length === 1) return
    this.remove(lane)
    this.#lanes.push(lane)
  }

  /**
   * Removes and returns the job that leaves its queue at `now`; undefined if none does before {@link wakeAt} or a
   * change.
   */
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
      // A job that overtook its head does not use up the lane's turn.
      if ('reservation' in step && step.wasHead) this.toEnd(lane)
      return step
    }
    return undefined
  }

  #claimOf({ queue, claimAt }: L, now: number, maxBackfillDelayMs: number): Claim {
    const { cost } = queue.head!
    return { cost, by: claimAt + maxBackfillDelayMs, at: startOf(this.gate.earliest(cost, now)) }
  }

  /**
   * Whether starting `cost` now makes a head start later than its claim allows, and later than it would start
   * otherwise.
   */
  #delays(claim: Claim, cost: Cost, now: number): boolean {
    const after = startOf(this.gate.earliest(claim.cost, now, cost))
    return after > claim.by && after > claim.at
  }
}
