import type { ClockPhase } from '../quota/clock-phase.js'

/** So many arrivals are remembered. */
const REMEMBERED = 128
/** So many must be known before a phase is believed. */
const MIN_KNOWN = 8
/** Of so many known, one that came late is taken for an accident, and of twice as many two; none that came early is. */
const PER_OUTLIER = 16
const OUTLIERS = 2
/** What was sent longer ago says nothing of now: two clocks drift apart. */
const MEMORY_MS = 120_000
/** For so long a phase holds without anything new, and so often it is told anew. */
const VALID_MS = 60_000
const REFRESH_MS = 10_000
/** By so much arrivals may lie further apart than J: in the memory's time two clocks drift apart by that, at 100 ppm. */
const DRIFT_MS = 12
/**
 * To either side of what was seen: while a phase holds the clocks drift on, by 18 ms in all, and a service may read its clock at
 * another moment than it counts. A wide span costs next to nothing: a request that may fall into two windows can wait for one.
 */
const GUARD_MS = 20
/** The service tells whole milliseconds, rounded down. */
const ROUNDED_MS = 1

/**
 * Learns when a service counts what is sent, by its own clock, from what it says of when requests arrived. With J, the spread of the
 * delays, each arrival bounds the offset from both sides: no request is counted more than J before or after any other. So
 * a dozen arrivals leave it no more room than about J.
 *
 * If arrivals lie further apart than J, then J is larger than thought, or there are several clocks: nothing is known until they agree.
 */
export class ClockPhaseEstimator {
  /** Rings of when each was sent, in our clock's ms, and of the differences, service's clock − ours. */
  readonly #sentAt = new Float64Array(REMEMBERED)
  readonly #delays = new Float64Array(REMEMBERED)
  #count = 0
  #phase: ClockPhase | undefined
  /** The J that it was found with, the least and largest delay, and when it is to be found anew at the latest. */
  #networkJitterMs = Number.NaN
  #least = Infinity
  #most = -Infinity
  #refreshAt = -Infinity

  /** The phase as it is known at `now`; undefined while it is not. */
  at(now: number): ClockPhase | undefined {
    return this.#phase !== undefined && now < this.#phase.untilMs ? this.#phase : undefined
  }

  /**
   * A request that was sent at `sentAt` (our clock, ms) arrived at `arrivedAt` (the service's, ms), as is heard at `now`.
   * True if the phase is another now, and then {@link at} says which.
   */
  observe(sentAt: number, arrivedAt: number, networkJitterMs: number, now: number): boolean {
    const delay = arrivedAt - sentAt
    if (!Number.isFinite(delay)) return false
    const at = this.#count++ % REMEMBERED
    this.#sentAt[at] = sentAt
    this.#delays[at] = delay
    const isNews =
      delay < this.#least || delay > this.#most || networkJitterMs !== this.#networkJitterMs || now >= this.#refreshAt
    if (this.#phase !== undefined && !isNews) return false
    const before = this.#phase
    this.#phase = this.#find(networkJitterMs, now)
    return this.#phase !== undefined || before !== undefined
  }

  #find(networkJitterMs: number, now: number): ClockPhase | undefined {
    const known: number[] = []
    for (let i = Math.min(this.#count, REMEMBERED) - 1; i >= 0; i--) {
      if (this.#sentAt[i]! > now - MEMORY_MS) known.push(this.#delays[i]!)
    }
    if (known.length < MIN_KNOWN) return undefined
    known.sort((a, b) => a - b)
    const least = known[0]!
    const most = known[known.length - 1 - Math.min(OUTLIERS, Math.floor(known.length / PER_OUTLIER))]!
    if (most - least >= networkJitterMs + ROUNDED_MS + DRIFT_MS) return undefined
    this.#networkJitterMs = networkJitterMs
    this.#least = least
    this.#most = most
    this.#refreshAt = now + REFRESH_MS
    return {
      fromMs: most - networkJitterMs - GUARD_MS,
      toMs: least + ROUNDED_MS + networkJitterMs + GUARD_MS,
      untilMs: now + VALID_MS,
    }
  }
}
