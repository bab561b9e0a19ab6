import { RecentSends, secondOf } from './recent-sends.js'

const SECOND_MS = 1000
const MINUTE_MS = 60_000

/** Over so many seconds the rate is taken at which a group went when it was refused. */
const SHORT_SECONDS = 5
/** Fewer requests in these are no rate. */
const FEW_REQUESTS = 5
/** Then it begins at this part of the limit; without a limit, at one a second. */
const UNKNOWN_START = 1 / 8
/** No cut goes below this part of the limit; the third in a row may, where that is above one a second. */
const MIN_OF_LIMIT = 1 / 64
const MANY_REPEATS = 2

/** So long after a hold, what is refused may have grown too fast. */
const GROWN_MS = 10 * SECOND_MS

/** A cut rate doubles in this time, and is no cut any more after so many doublings. */
const DOUBLING_MS = 30_000
const CUT_DOUBLINGS = 6

/** So many requests in a doubling are few: between two of them the rate changes. */
const FEW_IN_DOUBLING = 3

/** How much above the mean of the last minute a rate may be: at first, and when it was refused again and again. */
const FIRST_RISE = 0.6
const MIN_RISE = FIRST_RISE / 4
/** The least where refusals are rare. More often, they are not for what grows as slowly as this. */
const MIN_RISE_WHERE_RARE = FIRST_RISE / 16
const RARE_MS = 5 * MINUTE_MS

/** In this time the rate after a pause may double. */
const FIRST_MEMORY_MS = 10 * MINUTE_MS
const MAX_MEMORY_MS = 16 * FIRST_MEMORY_MS
/** After so many doublings a refusal is forgotten. */
const REMEMBERED_DOUBLINGS = 8

/** What is known when a group is cut. */
export interface SlowStartCut {
  readonly class: 'surge' | 'capacity'
  /** Until when it is held in any case, in the clock's ms. */
  readonly holdUntil: number
  /** The limit of requests a second, on average; Infinity if there is none. */
  readonly limitPerSecond: number
  readonly now: number
}

/** What surges taught; see {@link SlowStart}. */
interface Taught {
  /** What a group may begin with after a pause, at the time of the last surge; what that was cut to may be less. */
  readonly floor: number
  /** How much the rate may be above the mean of the last minute: 60 % is 0.6. */
  readonly rise: number
  readonly memoryMs: number
}

const NOTHING: Taught = { floor: Infinity, rise: FIRST_RISE, memoryMs: FIRST_MEMORY_MS }

/**
 * The pace of a group after a server refused it for how fast it went, in requests a second. There are two bounds:
 *
 * - After each cut it goes on at half of the rate that was taken before, which doubles while nothing is refused.
 * - A service that refuses sudden increases measures them against what came before. So for some hours after a surge the pace
 *   also is no more than 60 % above the mean of the last minute, or than a floor with which a group begins after a pause. What
 *   is always so much above its own mean doubles in 40 s.
 *
 * Where growth was refused again, it is half as fast from then on. The floor doubles every ten minutes, and half as often
 * after each refusal that this led to; so all of it ends. In steady use neither bound binds: the limits do.
 */
export class SlowStart {
  readonly #recent = new RecentSends()
  #holds = false
  #class: SlowStartCut['class'] = 'capacity'
  #limitPerSecond = Infinity
  #cutAt = -Infinity
  #resumesAt = -Infinity
  /** Of what was sent in the last seconds before the cut, what was not refused. */
  #taken = 0
  /** What the cut before began with; 0 where that is over. */
  #startBefore = 0
  /** Cuts that followed one another before anything could grow. */
  #repeats = 0
  #taught = NOTHING
  #surgeAt = -Infinity

  /** Whether there may be a pace; {@link rate} says. */
  get holds(): boolean {
    return this.#holds
  }

  /** A request is sent. */
  sent(at: number): void {
    this.#recent.add(at)
    if (this.#holds && this.rate(at) === undefined) this.#holds = false
  }

  /** One that was sent at `at` was refused, for whatever reason: it is no part of the rate that the server takes. */
  refused(at: number): void {
    this.#recent.remove(at)
    const isOfCut = at <= this.#cutAt && secondOf(at) > secondOf(this.#cutAt) - SHORT_SECONDS
    if (isOfCut && this.#taken > 0) this.#taken--
  }

  /**
   * Makes a cut, once an episode. Says until when the group is to be held, in the clock's ms: after a surge, until no more
   * than half of what it sent in the last seconds is within them.
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

  /** The pace at `now`, in requests a second; undefined: none. */
  rate(now: number): number | undefined {
    if (!this.#holds) return undefined
    const rate = Math.min(this.#regrown(now), Math.max(this.#floorAt(now), this.#byMean(now)))
    return rate === Infinity ? undefined : rate
  }

  /**
   * The pace by which the next request is spaced, in requests a second. Where few pass in the time in which the rate doubles, it is
   * that of the time in which one does as the rate grows: by the rate at `now` it would wait until long after the ramp is over.
   */
  spacing(now: number): number | undefined {
    const rate = this.rate(now)
    if (rate === undefined || rate > (FEW_IN_DOUBLING / DOUBLING_MS) * SECOND_MS) return rate
    const [floor, mean] = [this.#floorAt(now), this.#byMean(now)]
    const byCut = millisecondsOfOne(this.#regrown(now), DOUBLING_MS)
    const byIncrease = floor > mean ? millisecondsOfOne(floor, this.#taught.memoryMs) : SECOND_MS / mean
    return SECOND_MS / Math.max(byCut, byIncrease)
  }

  /** What it begins with after the cut. It falls as long as refusals of what was sent before the cut come in. */
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

  /** What is known once a surge comes at `now`. */
  #learned(now: number): Taught {
    const { rise, memoryMs } = this.#taught
    const floor = this.#floorAt(now)
    if (floor === Infinity) return NOTHING
    // A refusal soon after the cut is of the same rate: nothing has grown.
    if (now - this.#resumesAt < GROWN_MS) return { floor, rise, memoryMs }
    if (Math.min(this.#regrown(now), this.#byMean(now)) > floor) {
      const least = now - this.#surgeAt < RARE_MS ? MIN_RISE : MIN_RISE_WHERE_RARE
      return { floor, rise: Math.max(rise / 2, least), memoryMs }
    }
    return { floor, rise, memoryMs: Math.min(2 * memoryMs, MAX_MEMORY_MS) }
  }

  /**
   * When no more than half of what was sent in the last seconds is within them. A server that refuses again before anything
   * has grown looks further back: then it is 10 s, 20 s, 40 s, a minute.
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

/** In how many ms one request passes at a rate (requests a second) that doubles in `doublingMs`: ∫ r·2^(t/D) dt = 1. */
function millisecondsOfOne(rate: number, doublingMs: number): number {
  return doublingMs * Math.log2(1 + (Math.LN2 * SECOND_MS) / (doublingMs * rate))
}
