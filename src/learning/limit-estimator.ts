/**
 * A limit counts as used to the full from this share of what is in force on. Packing and J leave some of it unused, and of 3.99
 * requests a second no more than three go in 1.05 s.
 */
const SATURATED = 0.7
/** A refusal at less than this share of what is in force says where the limit lies; at more, it says only that it is lower. */
const TELLING = 0.9
/** What is found is used but for this much: the windows of the service and ours are not the same. */
const MARGIN = 0.98
/** Where the limit was found, others' use of it comes and goes: a refusal there takes so much less of it, once in a window. */
const NEAR = 0.9
const TRIM = 0.95
/** No refusal takes more than this of what was in force. */
const MIN_STEP = 1 / 4
/** However often it is refused, so much is tried. */
const MIN_SHARE = 1 / 16
/** Clean, saturated windows after which more is tried: one after a cut, for the refusal may have been a stray one. */
const WINDOWS_AFTER_CUT = 1
const WINDOWS_AFTER_PROBE = 5
/** While more is tried, what is in force doubles in so many windows, in steps of this time. */
const DOUBLING_WINDOWS = 1
const STEP_MS = 1000
/** So long after a refusal that meant nothing, a single one is not acted on. */
const NOISY_MS = 30 * 60_000
/**
 * Where requests were charged with what is expected of them, some refusals are due to that. They count as a lower limit when
 * there are so many of them, less those that the requests served between them make good.
 */
const STRIKES = 6
/** From this share of what is in force on our own use may be the cause. */
const MIN_CAUSE = 0.5
const MADE_GOOD = 0.25

/**
 * Which share of a limit as it was told is there for us: all of it, until refusals show that the limit is lower or that
 * others use it too. Identified, not averaged: what we had used when we were refused tells the limit, to within a request,
 * unless so much was fine just before. Then the limit has changed, and half of it is taken. Once a minute at that has
 * passed without a refusal, and later every five, more is tried, little by little until all is in force again or a refusal
 * tells where the limit lies. Shares are fractions of the told limit; times are ms.
 */
export class LimitEstimator {
  #share = 1
  #reviewAt = Infinity
  readonly #windowMs: number
  readonly #ceiling: number
  /** The most that was used in a whole window without a refusal, and what was in force then. */
  #proven = 0
  #safe = 0
  /** What was used when a try for more was refused. */
  #edge = Infinity
  #trimmedUntil = -Infinity
  #cleanWindows = 0
  #windowsToWait = WINDOWS_AFTER_PROBE
  /** When more was last added; undefined while nothing is tried. */
  #steppedAt: number | undefined
  /** Until then all of it has not been in force for a window: what is refused is refused of the try that led there. */
  #triedUntil = -Infinity
  #strikes = 0
  #noisyUntil = -Infinity
  #suspectUntil = -Infinity

  /** `windowMs`: the limit's window and J. `ceiling`: the largest share to try; 1 unless the limit is only a guess. */
  constructor(windowMs: number, ceiling: number) {
    this.#windowMs = windowMs
    this.#ceiling = ceiling
  }

  /** The share of the configured limit that is in force. */
  get share(): number {
    return this.#share
  }

  /** When {@link review} has something to look at, in the clock's ms; Infinity before {@link begin}. */
  get reviewAt(): number {
    return this.#reviewAt
  }

  /** A request was sent: from the first one on windows are looked at. */
  begin(now: number): void {
    if (this.#reviewAt === Infinity) this.#reviewAt = now + this.#windowMs
  }

  /** Whether more than is known to be there is being tried. */
  get isProbing(): boolean {
    return this.#steppedAt !== undefined
  }

  /**
   * A request was refused when so much of the limits a minute and a second had been used; `isCertain`: by what is known, not by
   * what is expected. True if another share is in force now.
   */
  refused(used: { readonly minute: number; readonly second: number }, isCertain: boolean, now: number): boolean {
    const before = this.#share
    // At so little it is hardly our use that was refused.
    const isCause = isCertain && Math.max(used.minute, used.second) >= MIN_CAUSE * before
    const wasProbing = this.isProbing || (isCause && now < this.#triedUntil)
    if (!isCause && !wasProbing && ++this.#strikes < STRIKES) return false
    this.#strikes = 0
    const isProven = !wasProbing && this.#safe >= before
    if (isProven && now < this.#noisyUntil && now >= this.#suspectUntil) {
      // One in half an hour, as the one before that meant nothing. Another one soon does.
      this.#suspectUntil = now + this.#windowMs
      return false
    }
    if (wasProbing) {
      const isOfSecond = used.minute < TELLING * before && used.second >= TELLING * before
      // What a second holds follows what is in force at once, a minute's use only by and by.
      this.#edge = isOfSecond ? before * TRIM : Math.min(used.minute, before)
      this.#share = Math.max(this.#safe, this.#edge * MARGIN)
    } else if (isProven && before >= NEAR * this.#edge && before <= this.#edge && now >= this.#trimmedUntil) {
      this.#trimmedUntil = now + this.#windowMs
      this.#share = before * TRIM
      this.#safe = this.#share
    } else if (isProven) {
      this.#proven = this.#safe = 0
      this.#edge = Infinity
      this.#share = before / 2
    } else this.#share = this.#found(Math.min(Math.max(used.minute, used.second), before), before)
    this.#share = Math.max(this.#share, MIN_SHARE)
    this.#windowsToWait = this.#edge === Infinity ? WINDOWS_AFTER_CUT : WINDOWS_AFTER_PROBE
    this.#steppedAt = undefined
    this.#triedUntil = -Infinity
    this.#cleanWindows = 0
    this.#reviewAt = now + this.#windowMs
    return this.#share !== before
  }

  /** A request was served. */
  served(): void {
    if (this.#strikes > 0) this.#strikes = Math.max(0, this.#strikes - MADE_GOOD)
  }

  /** Nothing was refused since it was last looked at; `used`: what is in the window. True if another share is in force now. */
  review(used: number, now: number): boolean {
    const isSaturated = used >= SATURATED * this.#share
    if (this.#steppedAt !== undefined) return this.#step(this.#steppedAt, isSaturated, now)
    this.#reviewAt = now + this.#windowMs
    if (!isSaturated) return false
    this.#proven = Math.max(this.#proven, used)
    this.#safe = this.#share
    if (this.#share >= this.#ceiling || ++this.#cleanWindows < this.#windowsToWait) return false
    this.#steppedAt = now
    this.#reviewAt = now + STEP_MS
    return false
  }

  /** More is tried as long as it is used: what nobody needs would come as a burst. */
  #step(steppedAt: number, isSaturated: boolean, now: number): boolean {
    this.#steppedAt = now
    this.#reviewAt = now + STEP_MS
    if (!isSaturated) return false
    const windows = Math.min(now - steppedAt, 2 * STEP_MS) / this.#windowMs
    this.#share = Math.min(this.#share * 2 ** (windows / DOUBLING_WINDOWS), this.#ceiling)
    if (this.#share < this.#ceiling) return true
    // All of it is there again: what had been refused was a stray, or the limit had been lowered for a time.
    this.#steppedAt = undefined
    this.#cleanWindows = 0
    this.#windowsToWait = WINDOWS_AFTER_PROBE
    this.#noisyUntil = now + NOISY_MS
    this.#triedUntil = now + this.#windowMs
    this.#reviewAt = now + this.#windowMs
    return true
  }

  #found(used: number, before: number): number {
    const isTelling = used > this.#proven && used < TELLING * before
    if (isTelling) return Math.max(used * MARGIN, this.#safe, before * MIN_STEP)
    // What was in force before is safe, unless it is what was refused.
    return this.#safe > 0 && this.#safe < before ? this.#safe : before / 2
  }
}
