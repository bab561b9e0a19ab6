import { startOf, type Gate } from '../meter/gate.js'
import type { Cost } from '../types.js'
import { MOST_CANDIDATES, pack, type Packed, type Room } from './packing.js'
import { JobQueue, type Waiting } from './queue.js'

/** What the scheduler needs of a job. */
export interface Schedulable extends Waiting {
  /** Until when it must start, in the clock's ms; Infinity where it has no deadline. */
  readonly startBy: number
}

/** One model's jobs and the gate that they wait for. */
export class Lane<J extends Schedulable> {
  readonly model: string
  readonly gate: Gate
  readonly queue = new JobQueue<J>()
  /** When the first of the queue may start, or one that may go before it; Infinity if only a change can tell. */
  wakeAt = Infinity
  pumping = false
  /** The head that has to wait, and when it could start if nothing went before it. */
  #head: J | undefined
  #headAt = Infinity

  constructor(model: string, gate: Gate) {
    this.model = model
    this.gate = gate
  }

  /**
   * Whom to start at `now` before the head, which may start at `headAt`: so that it starts no later than `maxHeadDelayMs` after
   * the time at which it could have, had nothing gone before it.
   */
  overtaker(head: J, headAt: number, now: number, maxHeadDelayMs: number): Packed<J> {
    if (head !== this.#head) {
      this.#head = head
      this.#headAt = headAt
    } else if (headAt < this.#headAt) this.#headAt = headAt
    if (this.gate.heldUntil > now) return NOBODY
    return pack(
      head.cost,
      this.queue.behind(head, MOST_CANDIDATES),
      this.#roomFor(head.cost, now),
      now,
      this.#headAt + maxHeadDelayMs,
    )
  }

  #roomFor(head: Cost, now: number): Room {
    const { gate } = this
    return {
      earliest: (cost) => startOf(gate.earliest(cost, now)),
      headAfter: (cost) => startOf(gate.earliest(head, now, cost)),
    }
  }
}

const NOBODY: Packed<never> = { start: undefined, wakeAt: Infinity }
