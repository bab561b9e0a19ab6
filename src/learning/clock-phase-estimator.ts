import type { ClockPhase } from '../quota/clock-phase.js'

/**
 * The number of arrivals that are kept. Chosen. More include older clock drift; fewer lose the extreme delays that narrow the
 * phase.
 */
const REMEMBERED = 128
/** The least number of recent arrivals for a phase. Chosen. Fewer can miss a second clock; more delay the first phase. */
const MIN_KNOWN = 8
/**
 * One late outlier is dropped for each 16 arrivals, two at most. Early arrivals are never dropped.
 * Chosen. Dropping more hides a second clock or a J that is too small. Dropping fewer lets one late answer undo the phase.
 */
const PER_OUTLIER = 16
const OUTLIERS = 2
/**
 * The age in ms after which an arrival is ignored, because two clocks drift apart. Chosen. A longer memory needs a larger
 * {@link DRIFT_MS}; a shorter one finds no phase at low traffic.
 */
const MEMORY_MS = 120_000
/**
 * How long a phase holds without a new arrival, and how often it is computed again, in ms.
 * Chosen. A longer validity needs a larger {@link GUARD_MS}. A longer refresh lets drift go unseen; a shorter one costs a sort
 * more often.
 */
const VALID_MS = 60_000
const REFRESH_MS = 10_000
/**
 * How far arrivals may lie apart beyond J, in ms. Derived: 120 s of memory × 100 ppm of clock drift. Larger accepts several
 * clocks as one; smaller rejects a single clock that drifts.
 */
const DRIFT_MS = 12
/**
 * The margin on both sides of the phase, in ms. Derived: 100 ppm of drift over memory and validity (180 s) is 18 ms. The other
 * 2 ms are for a service that stamps and counts at different moments.
 * Smaller causes 429s at window edges. Larger costs little: a request that may fall into two windows can wait for one of them.
 */
const GUARD_MS = 20
/**
 * The resolution of `req-arrive-time`, in ms: the service rounds down to whole milliseconds. Smaller ends the
 * phase too early; larger wastes quota.
 */
const ROUNDED_MS = 1

/**
 * Learns the offset between the service's clock and ours from the arrival times that the service reports. The offset gives the
 * phase of windows that follow that clock.
 *
 * No request is counted more than J before or after another. So each arrival bounds the offset from both sides. After about a
 * dozen arrivals the remaining span is about J.
 *
 * If arrivals lie further apart than J, then J is too small or the service has several clocks. The phase is then unknown until
 * arrivals agree again.
 */
export class ClockPhaseEstimator {
  /** Rings: the send times on our clock, and the differences service clock − our clock. All in ms. */
  readonly #sentAt = new Float64Array(REMEMBERED)
  readonly #delays = new Float64Array(REMEMBERED)
  #count = 0
  #phase: ClockPhase | undefined
  /** The J of the last computation, the smallest and largest delay that it used, and the time of the next one. */
  #networkJitterMs = Number.NaN
  #least = Infinity
  #most = -Infinity
  #refreshAt = -Infinity

  /** The phase at `now`; undefined while it is unknown or too old. */
  at(now: number): ClockPhase | undefined {
    return this.#phase !== undefined && now < this.#phase.untilMs ? this.#phase : undefined
  }

  /**
   * Records an arrival and returns whether {@link at} may return another phase. `sentAt` and `now` are on our clock,
   * `arrivedAt` is on the service's clock. All are in ms.
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
