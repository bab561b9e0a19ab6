import type { Profile } from '../types.js'
import type { RetryableClass } from '../throttling/classify.js'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
/** Full windows of token refusals in which nothing of ours ran, after which the quota is taken to be used up. */
const EMPTY_WINDOWS = 3

/** So many refusals without a success between may be due to output that the meters did not know of. */
const MAX_ACCOUNTED = 4

/** A server that asks for a longer wait than this does not speak of a minute's limit any more. */
const MAX_HOLD_MS = 10 * MINUTE_MS

/** What a 429 says of its group. */
export interface RefusalOutcome {
  /** Until when the group is to be held, in the clock's ms. Undefined: the answer is stale and teaches nothing. */
  readonly holdUntil: number | undefined
  /** What the server's refusal says of the buckets: these are empty. */
  readonly empties: 'requests' | 'tokens' | 'none'
  /** Whether this is no minute's limit any more, but a quota that is used up. */
  readonly exhausted: boolean
}

/** What is known at the moment of a 429. Times are the clock's ms. */
export interface RefusalEvent {
  readonly class: RetryableClass
  readonly retryAfterMs: number | undefined
  /** When the refused request was admitted. */
  readonly sentAt: number
  /** The number of its charge. */
  readonly seq: number
  readonly now: number
  /** Whether the meters tell by themselves when there is room again. @default false */
  readonly isAccounted?: boolean
  /** When the oldest of our charges leaves the minute's window; `now` if there is none. */
  readonly minuteFreesAt: number
}

/**
 * The refusals of one group as episodes. Each cut is made once: answers to requests that were sent before it are of the
 * same episode and change nothing, and what was sent at its very moment was sent before it. A first refusal is taken as
 * the second's limit where there is one; one that comes with no success between, as the minute's.
 */
export class Episodes {
  readonly #perSecond: boolean
  readonly #networkJitterMs: () => number
  readonly #random: () => number
  #cutAt = -Infinity
  /** Cuts since the last success of a request that was sent after a cut. */
  #streak = 0
  #emptyWindows = 0
  /** Refusals since then that the meters account for: these are no cuts. */
  #accounted = 0
  /** The first request that was sent after the last cut, by its number. */
  #firstSeq: number | undefined

  constructor(profile: Pick<Profile, 'perSecond'>, networkJitterMs: () => number, random: () => number) {
    this.#perSecond = profile.perSecond
    this.#networkJitterMs = networkJitterMs
    this.#random = random
  }

  /** A request is sent: what is known of it is its number, for several may go at one moment. */
  sent(seq: number): void {
    this.#firstSeq ??= seq
  }

  /** A request that was admitted at `sentAt` was served. */
  served(sentAt: number): void {
    if (sentAt <= this.#cutAt) return
    this.#streak = 0
    this.#accounted = 0
    this.#emptyWindows = 0
  }

  refused(event: RefusalEvent): RefusalOutcome {
    if (event.sentAt <= this.#cutAt) return { holdUntil: undefined, empties: 'none', exhausted: false }
    const namesWindow = event.class === 'requests' || event.class === 'tokens'
    // What went before it since the cut was taken, as far as is known, and its use may be what it was refused for: then this
    // begins anew. Their successes are not there yet, for an answer takes longer than a refusal.
    const isFirst = event.seq === this.#firstSeq
    if (namesWindow && !isFirst && !event.retryAfterMs) this.#streak = this.#accounted = 0
    const nothingRan = isFirst && this.#streak > 0 && event.sentAt - this.#cutAt >= MINUTE_MS
    this.#emptyWindows = event.class === 'tokens' && nothingRan ? this.#emptyWindows + 1 : 0
    this.#cutAt = event.now
    this.#firstSeq = undefined
    // An answer takes longer than a refusal: several of these in a row are no sign yet of a minute's limit.
    if (event.isAccounted && !event.retryAfterMs && ++this.#accounted <= MAX_ACCOUNTED) {
      return { holdUntil: undefined, empties: 'none', exhausted: false }
    }
    this.#streak++
    return {
      holdUntil: event.now + this.#holdMs(event),
      empties: namesWindow ? event.class : 'none',
      exhausted: this.#emptyWindows >= EMPTY_WINDOWS || (namesWindow && (event.retryAfterMs ?? 0) > MAX_HOLD_MS),
    }
  }

  #holdMs(event: RefusalEvent): number {
    if (event.retryAfterMs) {
      // Believed once. If the server refuses again with no success between, it is at least 1 s, 2 s, 4 s … a minute.
      const leastMs = this.#streak > 1 ? Math.min(SECOND_MS * 2 ** (this.#streak - 2), MINUTE_MS) : 0
      return Math.min(Math.max(event.retryAfterMs, leastMs), MAX_HOLD_MS)
    }
    const untilNextMinute = MINUTE_MS + this.#networkJitterMs()
    if (event.class === 'surge' || event.class === 'capacity') {
      // Doubling, and up to a quarter less at random, so that several processes do not come back as one.
      return Math.min(SECOND_MS * 2 ** (this.#streak - 1), MINUTE_MS) * (1 - this.#random() * 0.25)
    }
    if (this.#streak > 1) return untilNextMinute
    if (this.#perSecond) return SECOND_MS + this.#networkJitterMs()
    return Math.min(Math.max(event.minuteFreesAt - event.now, SECOND_MS), untilNextMinute)
  }
}
