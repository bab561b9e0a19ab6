const SECOND_MS = 1000
/** One more than a minute has seconds: the one that runs is no full one. */
const KEPT = 61

/** How many requests were sent in each of the last sixty seconds, without those that were refused. */
export class RecentSends {
  readonly #counts = new Int32Array(KEPT)
  /** The newest second that was counted in. */
  #second = -Infinity

  add(at: number): void {
    this.#advance(at)
    this.#counts[this.#second % KEPT]!++
  }

  /** One that was sent at `at` does not count after all. */
  remove(at: number): void {
    const second = secondOf(at)
    if (second > this.#second || second <= this.#second - KEPT) return
    const slot = second % KEPT
    if (this.#counts[slot]! > 0) this.#counts[slot]!--
  }

  /** The sum of the seconds from `from` to `to`, both included, as far back as a minute before the newest. */
  sum(from: number, to: number): number {
    let sum = 0
    const last = Math.min(to, this.#second)
    for (let second = Math.max(0, from, this.#second - KEPT + 1); second <= last; second++) {
      sum += this.#counts[second % KEPT]!
    }
    return sum
  }

  /** The number of the last `seconds` seconds, the one that runs included. */
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

/** The number of a time's second. */
export function secondOf(ms: number): number {
  return Math.max(0, Math.floor(ms / SECOND_MS))
}
