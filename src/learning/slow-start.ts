import { RecentSends, secondOf } from './recent-sends.js'

const SECOND_MS = 1000
const MINUTE_MS = 60_000

/**
 * The send rate before a refusal is measured over this many seconds. Chosen. More include rates that are no longer current;
 * fewer make the rate noisy.
 */
const SHORT_SECONDS = 5
/**
 * Fewer requests than this in {@link SHORT_SECONDS} s give no rate. Chosen. More ignore the rate of slow models; fewer derive the
 * start rate from chance.
 */
const FEW_REQUESTS = 5
/**
 * The start rate after a cut without a known rate, as a fraction of the limit. Without a limit it is one request a second.
 * Chosen. Larger risks another refusal; smaller takes longer to recover.
 */
const UNKNOWN_START = 1 / 8
/**
 * The smallest start rate, as a fraction of the limit. From the third cut in a row the bound is one request a second, if that
 * is lower.
 * Chosen. Larger keeps causing refusals at an overloaded service; smaller takes longer to recover.
 */
const MIN_OF_LIMIT = 1 / 64
const MANY_REPEATS = 2

/**
 * For this time in ms after a hold, a refusal is attributed to the old rate. Later, it is attributed to growth. Chosen. Longer
 * ignores growth that was too fast; shorter slows growth for a refusal of the old rate.
 */
const GROWN_MS = 10 * SECOND_MS

/**
 * The time in ms in which a cut rate doubles, and the number of doublings after which the cut ends. Chosen. The cut ends after
 * 3 min, at 64 times the start rate.
 * Faster doubling is refused again as a surge; slower wastes quota. More doublings keep the bound longer; fewer end it with a
 * jump of the rate.
 */
const DOUBLING_MS = 30_000
const CUT_DOUBLINGS = 6

/**
 * Below this many requests in a doubling time, the next one is spaced by the growing rate, not by the current one. Chosen.
 * Larger applies the slower formula to fast rates. Smaller delays the next request beyond the slow start.
 */
const FEW_IN_DOUBLING = 3

/**
 * How far the rate may exceed the mean of the last minute, as a fraction: at first, and after repeated refusals. Chosen.
 * At 0.6 a rate doubles in 40 s (derived: x ÷ (1 − e⁻ˣ) = 1.6 for a growth of x a minute).
 * Larger is refused as a surge more often; smaller recovers more slowly.
 */
const FIRST_RISE = 0.6
const MIN_RISE = FIRST_RISE / 4
/**
 * The smallest rise if refusals are more than RARE_MS apart. More frequent refusals have another cause than growth at this
 * speed. Chosen. Smaller recovers very slowly; larger keeps causing a refusal every few minutes.
 */
const MIN_RISE_WHERE_RARE = FIRST_RISE / 16
const RARE_MS = 5 * MINUTE_MS

/**
 * The time in ms in which the floor doubles: at first, and at most. Chosen. Longer restricts a start after a pause for more
 * hours; shorter repeats the refused burst sooner.
 */
const FIRST_MEMORY_MS = 10 * MINUTE_MS
const MAX_MEMORY_MS = 16 * FIRST_MEMORY_MS
/**
 * The doublings of the floor after which a surge is forgotten. Chosen. The floor is then 256 times higher,
 * after 80 min at first and 21 h at most. More keep a bound that no longer binds; fewer end it with a jump of the rate.
 */
const REMEMBERED_DOUBLINGS = 8

/** The facts at a cut. */
export interface SlowStartCut {
  readonly class: 'surge' | 'capacity'
  /** The earliest end of the hold, in ms of the clock. */
  readonly holdUntil: number
  /** The limit in requests a second, on average; Infinity if there is none. */
  readonly limitPerSecond: number
  readonly now: number
}

/** The bounds that were learned from surges; see {@link SlowStart}. */
interface Taught {
  /**
   * The rate with which the model may start after a pause, in requests a second, at the last surge. The cut of that surge may
   * be lower.
   */
  readonly floor: number
  /** How far the rate may exceed the mean of the last minute: 0.6 is 60 %. */
  readonly rise: number
  readonly memoryMs: number
}

const NOTHING: Taught = { floor: Infinity, rise: FIRST_RISE, memoryMs: FIRST_MEMORY_MS }

/**
 * Limits a model's rate, in requests a second, after the server refused it for its speed or for lack of capacity. Two bounds
 * apply:
 *
 * - After each cut the rate restarts at half of the rate before. It doubles every 30 s while nothing is refused.
 * - A service compares a sudden increase with the rate before. So for hours after a surge the rate may exceed the mean of the
 *   last minute by 60 % at most. A floor permits a start after a pause. Growth at 60 % above the mean doubles the rate in 40 s.
 *
 * A refusal of growth halves the permitted rise. The floor doubles every ten minutes, and half as often after each refusal at
 * the floor. So both bounds end. At a steady rate neither binds: the model's limits do.
 */
export class SlowStart {
  readonly #recent = new RecentSends()
  #holds = false
  #class: SlowStartCut['class'] = 'capacity'
  #limitPerSecond = Infinity
  #cutAt = -Infinity
  #resumesAt = -Infinity
  /** The requests that were accepted in the last {@link SHORT_SECONDS} s before the cut. */
  #taken = 0
  /** The start rate of the previous cut; 0 once that cut has ended. */
  #startBefore = 0
  /** Consecutive cuts without time to grow between them. */
  #repeats = 0
  #taught = NOTHING
  #surgeAt = -Infinity

  /** Whether {@link rate} may return a rate. */
  get holds(): boolean {
    return this.#holds
  }

  /** Records a sent request. */
  sent(at: number): void {
    this.#recent.add(at)
    if (this.#holds && this.rate(at) === undefined) this.#holds = false
  }

  /** Removes a request that was sent at `at` and refused for any reason. Only accepted requests count towards the rate. */
  refused(at: number): void {
    this.#recent.remove(at)
    const isOfCut = at <= this.#cutAt && secondOf(at) > secondOf(this.#cutAt) - SHORT_SECONDS
    if (isOfCut && this.#taken > 0) this.#taken--
  }

  /**
   * Makes a cut, once an episode, and returns the end of the hold in ms of the clock.
   *
   * After a surge, the hold lasts until at most half of the last {@link SHORT_SECONDS} s' requests lie within that span.
   */
  cut({ class: kind, holdUntil, limitPerSecond, now }: SlowStartCut): number {
    const before = kind === 'surge' ? this.rate(now) : this.#regrown(now)
    const floor = this.#floor
    if (kind === 'surge') {
      this.#taught = this.#learned(now)
      this.#surgeAt = now
    } else if (this.#class === 'surge') this.#taught = { ...this.#taught, floor }
    this.#repeats = now - this.#resumesAt < GROWN_MS ? this.#repeats + 1 : 0
    this.#startBefore = before === Infinity || before === undefined ? 0 : this.#start
    this.#holds = true
    this.#class = kind
    this.#limitPerSecond = limitPerSecond
    this.#cutAt = now
    this.#taken = this.#recent.last(SHORT_SECONDS, now)
    this.#resumesAt = kind === 'surge' ? Math.max(holdUntil, this.#settledAt(now)) : holdUntil
    return this.#resumesAt
  }

  /** The rate at `now`, in requests a second; undefined if neither bound applies. */
  rate(now: number): number | undefined {
    if (!this.#holds) return undefined
    const rate = Math.min(this.#regrown(now), Math.max(this.#floorAt(now), this.#byMean(now)))
    return rate === Infinity ? undefined : rate
  }

  /**
   * The rate that spaces the next request, in requests a second. At low rates it accounts for growth: it is the inverse of the
   * time in which the growing rate permits one request. With the rate at `now` alone, the request would wait until after the
   * slow start.
   */
  spacing(now: number): number | undefined {
    const rate = this.rate(now)
    if (rate === undefined || rate > (FEW_IN_DOUBLING / DOUBLING_MS) * SECOND_MS) return rate
    const [floor, mean] = [this.#floorAt(now), this.#byMean(now)]
    const byCut = millisecondsOfOne(this.#regrown(now), DOUBLING_MS)
    const byIncrease = floor > mean ? millisecondsOfOne(floor, this.#taught.memoryMs) : SECOND_MS / mean
    return SECOND_MS / Math.max(byCut, byIncrease)
  }

  /** The rate directly after the cut. It falls while refusals of requests from before the cut arrive. */
  get #start(): number {
    const limit = this.#limitPerSecond
    const taken = this.#taken >= FEW_REQUESTS ? this.#taken / SHORT_SECONDS : 0
    const known = Math.max(taken, this.#startBefore) / 2
    const unknown = limit === Infinity ? 1 : UNKNOWN_START * limit
    const least = MIN_OF_LIMIT * limit
    const isUnbounded = limit === Infinity || this.#repeats >= MANY_REPEATS
    return Math.max(isUnbounded ? Math.min(least, 1) : least, Math.min(known || unknown, limit / 2))
  }

  #regrown(now: number): number {
    const doublings = Math.max(0, now - this.#resumesAt) / DOUBLING_MS
    return doublings < CUT_DOUBLINGS ? this.#start * 2 ** doublings : Infinity
  }

  /** The floor at the last surge. */
  get #floor(): number {
    return this.#class === 'surge' ? Math.min(this.#taught.floor, this.#start) : this.#taught.floor
  }

  #floorAt(now: number): number {
    const doublings = Math.max(0, now - this.#surgeAt) / this.#taught.memoryMs
    return doublings < REMEMBERED_DOUBLINGS ? this.#floor * 2 ** doublings : Infinity
  }

  #byMean(now: number): number {
    return ((1 + this.#taught.rise) * this.#recent.last(60, now)) / 60
  }

  /** The bounds after a surge at `now`. */
  #learned(now: number): Taught {
    const { rise, memoryMs } = this.#taught
    const floor = this.#floorAt(now)
    if (floor === Infinity) return NOTHING
    // A refusal soon after the hold is attributed to the old rate: nothing has grown.
    if (now - this.#resumesAt < GROWN_MS) return { floor, rise, memoryMs }
    if (Math.min(this.#regrown(now), this.#byMean(now)) > floor) {
      const least = now - this.#surgeAt < RARE_MS ? MIN_RISE : MIN_RISE_WHERE_RARE
      return { floor, rise: Math.max(rise / 2, least), memoryMs }
    }
    return { floor, rise, memoryMs: Math.min(2 * memoryMs, MAX_MEMORY_MS) }
  }

  /**
   * When at most half of the last {@link SHORT_SECONDS} s' requests lie within that span. A server that refuses again before
   * any growth looks further back. Then the hold is 10 s, 20 s, 40 s, 60 s.
   */
  #settledAt(now: number): number {
    const second = secondOf(now)
    if (this.#repeats > 0 && this.#recent.last(60, now) >= FEW_REQUESTS) {
      return now + Math.min(SHORT_SECONDS * SECOND_MS * 2 ** this.#repeats, MINUTE_MS)
    }
    if (this.#taken < FEW_REQUESTS) return now
    let next = second + 1
    while (2 * this.#recent.sum(next - SHORT_SECONDS, second) > this.#taken) next++
    return next * SECOND_MS
  }
}

/**
 * The time in ms in which one request passes, if the rate (requests a second) doubles every `doublingMs`: ∫ r·2^(t/D) dt = 1.
 */
function millisecondsOfOne(rate: number, doublingMs: number): number {
  return doublingMs * Math.log2(1 + (Math.LN2 * SECOND_MS) / (doublingMs * rate))
}
