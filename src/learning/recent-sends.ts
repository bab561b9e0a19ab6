const SECOND_MS = 1000
/**
 * The seconds that are kept: a full minute and the current second, which is not complete. Derived: 60 + 1. Fewer lose a part of
 * the minute; more cost memory only.
 */
const KEPT = 61

/** The number of requests sent in each of the last sixty seconds, without refused ones. */
export class RecentSends {
  readonly #counts = new Int32Array(KEPT)
  /** The newest second with a count. */
  #second = -Infinity

  add(at: number): void {
    this.#advance(at)
    this.#counts[this.#second % KEPT]!++
  }

  /** Removes a request that was sent at `at` (ms) and then refused. */
  remove(at: number): void {
    const second = secondOf(at)
    if (second > this.#second || second <= this.#second - KEPT) return
    const slot = second % KEPT
    if (this.#counts[slot]! > 0) this.#counts[slot]!--
  }

  /** The requests from second `from` to second `to`, both included. It covers a minute before the newest second at most. */
  sum(from: number, to: number): number {
    let sum = 0
    const last = Math.min(to, this.#second)
    for (let second = Math.max(0, from, this.#second - KEPT + 1); second <= last; second++) {
      sum += this.#counts[second % KEPT]!
    }
    return sum
  }

  /** The requests in the last `seconds` seconds, the current second included. */
  last(seconds: number, now: number): number {
    const to = secondOf(now)
    return this.sum(to - seconds + 1, to)
  }

  #advance(at: number): void {
    const second = secondOf(at)
    if (second <= this.#second) return
    const passed = second - this.#second
    if (passed >= KEPT) this.#counts.fill(0)
    else for (let i = 1; i <= passed; i++) this.#counts[(this.#second + i) % KEPT] = 0
    this.#second = second
  }
}

/** The index of the second that contains `ms`. */
export function secondOf(ms: number): number {
  return Math.max(0, Math.floor(ms / SECOND_MS))
}
