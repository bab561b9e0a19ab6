import type { Profile } from '../types.js'
import type { RetryableClass } from '../throttling/classify.js'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
/**
 * Consecutive full minutes with a token refusal but without use of ours, after which the quota counts as exhausted.
 * Chosen (docs/429s.md states it). Fewer close a model that others use; more keep requests waiting for a quota that is gone.
 */
const EMPTY_WINDOWS = 3

/**
 * Refusals without a success between them that uncounted output may explain. Chosen. More delay the hold for a limit that is
 * really lower. Fewer hold the model although the meters already know when room returns.
 */
const MAX_ACCOUNTED = 4

/**
 * The longest hold, in ms. A longer `Retry-After` for requests or tokens means an exhausted quota (decision 007).
 * Larger leaves requests waiting for hours; smaller closes models for a wait that a minute limit may ask for.
 */
const MAX_HOLD_MS = 10 * MINUTE_MS

/** The effect of a 429 on its model. */
export interface RefusalOutcome {
  /** The end of the hold, in ms of the clock. Undefined: the 429 is stale, or the meters explain it, and no hold starts. */
  readonly holdUntil: number | undefined
  /** The bucket that the 429 proves empty. */
  readonly empties: 'requests' | 'tokens' | 'none'
  /** Whether the quota is exhausted, not only a minute full. */
  readonly exhausted: boolean
}

/** The facts at the moment of a 429. Times are in ms of the clock. */
export interface RefusalEvent {
  readonly class: RetryableClass
  readonly retryAfterMs: number | undefined
  /** When the refused request was admitted. */
  readonly sentAt: number
  /** The sequence number of its charge. */
  readonly seq: number
  readonly now: number
  /** Whether the meters explain the refusal and know when room returns. @default false */
  readonly isAccounted?: boolean
  /** When our oldest charge leaves the minute window; `now` if there is none. */
  readonly minuteFreesAt: number
}

/**
 * Groups the refusals of one model into episodes, so that each episode causes one hold.
 *
 * A 429 for a request that was sent before the last cut, or at the same moment, belongs to that episode and changes
 * nothing. The first refusal is attributed to the per-second limit if the service has one. A refusal without a success since
 * then is attributed to the minute limit.
 */
export class Episodes {
  readonly #perSecond: boolean
  readonly #networkJitterMs: () => number
  readonly #random: () => number
  #cutAt = -Infinity
  /** Holds since the last success of a request that was sent after a cut. */
  #streak = 0
  #emptyWindows = 0
  /** Refusals since the last success that the meters explain. They start no hold. */
  #accounted = 0
  /** The sequence number of the first request that was sent after the last cut. */
  #firstSeq: number | undefined

  constructor(profile: Pick<Profile, 'perSecond'>, networkJitterMs: () => number, random: () => number) {
    this.#perSecond = profile.perSecond
    this.#networkJitterMs = networkJitterMs
    this.#random = random
  }

  /** Records a sent request by its sequence number, because several requests can share one send time. */
  sent(seq: number): void {
    this.#firstSeq ??= seq
  }

  /** Records the success of a request that was admitted at `sentAt` (ms of the clock). */
  served(sentAt: number): void {
    if (sentAt <= this.#cutAt) return
    this.#streak = 0
    this.#accounted = 0
    this.#emptyWindows = 0
  }

  refused(event: RefusalEvent): RefusalOutcome {
    if (event.sentAt <= this.#cutAt) return { holdUntil: undefined, empties: 'none', exhausted: false }
    const namesWindow = event.class === 'requests' || event.class === 'tokens'
    // Requests that were sent earlier since the cut were probably accepted, and their use may explain this refusal. Then a new
    // streak begins. Their successes are not known yet, because an answer takes longer than a refusal.
    const isFirst = event.seq === this.#firstSeq
    if (namesWindow && !isFirst && !event.retryAfterMs) this.#streak = this.#accounted = 0
    const nothingRan = isFirst && this.#streak > 0 && event.sentAt - this.#cutAt >= MINUTE_MS
    this.#emptyWindows = event.class === 'tokens' && nothingRan ? this.#emptyWindows + 1 : 0
    this.#cutAt = event.now
    this.#firstSeq = undefined
    // An answer takes longer than a refusal. Several refusals in a row do not yet mean a full minute.
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
      // The first `Retry-After` is believed. After further refusals without a success the hold is at least 1 s, 2 s, 4 s … 60
      // s.
      const leastMs = this.#streak > 1 ? Math.min(SECOND_MS * 2 ** (this.#streak - 2), MINUTE_MS) : 0
      return Math.min(Math.max(event.retryAfterMs, leastMs), MAX_HOLD_MS)
    }
    const untilNextMinute = MINUTE_MS + this.#networkJitterMs()
    if (event.class === 'surge' || event.class === 'capacity') {
      // The hold doubles. Up to a quarter is subtracted at random, so that several processes do not resume at the same moment.
      return Math.min(SECOND_MS * 2 ** (this.#streak - 1), MINUTE_MS) * (1 - this.#random() * 0.25)
    }
    if (this.#streak > 1) return untilNextMinute
    if (this.#perSecond) return SECOND_MS + this.#networkJitterMs()
    return Math.min(Math.max(event.minuteFreesAt - event.now, SECOND_MS), untilNextMinute)
  }
}
