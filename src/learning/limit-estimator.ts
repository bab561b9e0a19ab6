/**
 * The used fraction of the effective share from which a window counts as saturated. Derived: backfill and J leave room unused.
 * At 3.99 requests a second and J = 50 ms, three requests start in 1.05 s, which is 72 %.
 * Larger never probes above that limit again. Smaller takes a window with spare room as proof of the limit.
 */
const SATURATED = 0.7
/**
 * Below this fraction of the effective share, the use at a refusal locates the limit. Above it, the refusal only shows that the
 * limit is lower.
 * Chosen. Larger takes the share itself for the limit, and the next window is refused again. Smaller halves a limit that the
 * refusal located.
 */
const TELLING = 0.9
/**
 * The used fraction of a located limit, because the service's windows and ours differ. Chosen. Larger is refused again at the
 * limit; smaller wastes quota.
 */
const MARGIN = 0.98
/**
 * Near a located limit the use by other clients varies. From NEAR × the limit on, a refusal reduces the share to TRIM × itself,
 * once in a window.
 * Chosen. A smaller NEAR trims where the limit has moved. A smaller TRIM wastes quota; a larger one needs more refusals.
 */
const NEAR = 0.9
const TRIM = 0.95
/**
 * The fraction of the effective share that one refusal leaves at least. Chosen. Larger needs more refusals to reach a much
 * lower limit; smaller lets one stray refusal cost more throughput.
 */
const MIN_STEP = 1 / 4
/**
 * The smallest share. Chosen. Smaller can stop a model almost completely and takes longer to recover. Larger keeps causing 429s
 * where the limit is lower still.
 */
const MIN_SHARE = 1 / 16
/**
 * Saturated windows without a refusal before a probe. One after a cut, because the refusal may have been stray (decision 011).
 * Five after a probe: each probe may cost a 429, and a restored limit has to be effective within ten minutes (decision 011).
 * Five windows and four doublings from {@link MIN_SHARE} take nine minutes. More miss that bound; fewer cost more 429s.
 */
const WINDOWS_AFTER_CUT = 1
const WINDOWS_AFTER_PROBE = 5
/**
 * While a probe runs, the share doubles in this many windows, in steps of STEP_MS ms. Chosen; see the sum of nine minutes
 * above. A faster doubling overshoots the limit further; a slower one misses ten minutes. Larger steps arrive as bursts.
 */
const DOUBLING_WINDOWS = 1
const STEP_MS = 1000
/**
 * For this time in ms after a refusal proved stray, a single refusal is ignored. A second one within the next window counts.
 * Chosen. Longer delays the reaction to a limit that drops; shorter loses share to every stray refusal.
 */
const NOISY_MS = 30 * 60_000
/**
 * Where requests are charged with expected output, this many refusals count as a lower limit. Served requests offset them by
 * {@link MADE_GOOD} each (decision 011: only many in a row count).
 * Chosen. Fewer lower the limit for estimation errors; more keep causing 429s at a limit that is lower.
 */
const STRIKES = 6
/**
 * The least used fraction of the effective share at which our own use can explain a refusal. Below it, the refusal is a strike.
 * Chosen. Larger ignores refusals by a limit that fell far; smaller blames our use for that of others.
 */
const MIN_CAUSE = 0.5
/** The strikes that one served request offsets. Chosen. Larger hides a lower limit; smaller counts estimation errors as one. */
const MADE_GOOD = 0.25

/**
 * Estimates the share of a configured limit that is available to us. The share starts at 1. It falls when refusals show that
 * the limit is lower or that others use it too (decision 011).
 *
 * The use at a refusal locates the limit to within one request. If the same use passed in an earlier window, then the limit has
 * changed, and the share is halved. One saturated window after a cut, and later five, a probe raises the share step by step. It
 * ends at the ceiling, or at a refusal that locates the limit.
 *
 * Shares are fractions of the configured limit. Times are in ms.
 */
export class LimitEstimator {
  #share = 1
  #reviewAt = Infinity
  readonly #windowMs: number
  readonly #ceiling: number
  /** The largest use in a whole window without a refusal, and the effective share in that window. */
  #proven = 0
  #safe = 0
  /** The use at which a probe was refused: the located limit. Infinity while no limit is located. */
  #edge = Infinity
  #trimmedUntil = -Infinity
  #cleanWindows = 0
  #windowsToWait = WINDOWS_AFTER_PROBE
  /** When the probe last raised the share; undefined while no probe runs. */
  #steppedAt: number | undefined
  /** The end of the first window at the ceiling. Until then, a refusal is attributed to the probe that led there. */
  #triedUntil = -Infinity
  #strikes = 0
  #noisyUntil = -Infinity
  #suspectUntil = -Infinity

  /** `windowMs`: the limit's window plus J. `ceiling`: the largest share to probe; 1 never exceeds the configured limit. */
  constructor(windowMs: number, ceiling: number) {
    this.#windowMs = windowMs
    this.#ceiling = ceiling
  }

  /** The effective share of the configured limit. */
  get share(): number {
    return this.#share
  }

  /** When {@link review} is next due, in ms of the clock; Infinity before {@link begin}. */
  get reviewAt(): number {
    return this.#reviewAt
  }

  /** Starts the windows at the first request. */
  begin(now: number): void {
    if (this.#reviewAt === Infinity) this.#reviewAt = now + this.#windowMs
  }

  /** Whether a probe above the known share runs. */
  get isProbing(): boolean {
    return this.#steppedAt !== undefined
  }

  /**
   * Applies a refusal and returns whether the effective share changed. `used`: the used fractions of the minute limit and the
   * per-second limit. `isCertain`: the use is known, not estimated.
   */
  refused(used: { readonly minute: number; readonly second: number }, isCertain: boolean, now: number): boolean {
    const before = this.#share
    // At a lower use, our own requests are hardly the cause.
    const isCause = isCertain && Math.max(used.minute, used.second) >= MIN_CAUSE * before
    const wasProbing = this.isProbing || (isCause && now < this.#triedUntil)
    if (!isCause && !wasProbing && ++this.#strikes < STRIKES) return false
    this.#strikes = 0
    const isProven = !wasProbing && this.#safe >= before
    if (isProven && now < this.#noisyUntil && now >= this.#suspectUntil) {
      // The previous refusal was stray. So a single one in half an hour is ignored, but a second one soon after it counts.
      this.#suspectUntil = now + this.#windowMs
      return false
    }
    if (wasProbing) {
      const isOfSecond = used.minute < TELLING * before && used.second >= TELLING * before
      // The use of a second follows the share at once. The use of a minute follows it slowly.
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

  /** Records a success. It offsets a part of one strike. */
  served(): void {
    if (this.#strikes > 0) this.#strikes = Math.max(0, this.#strikes - MADE_GOOD)
  }

  /**
   * Reviews a period without a refusal and returns whether the effective share changed. `used`: the used fraction of the
   * configured limit in the current window.
   */
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

  /** Raises the share only while it is used. Unused room would be used later as a burst. */
  #step(steppedAt: number, isSaturated: boolean, now: number): boolean {
    this.#steppedAt = now
    this.#reviewAt = now + STEP_MS
    if (!isSaturated) return false
    const windows = Math.min(now - steppedAt, 2 * STEP_MS) / this.#windowMs
    this.#share = Math.min(this.#share * 2 ** (windows / DOUBLING_WINDOWS), this.#ceiling)
    if (this.#share < this.#ceiling) return true
    // The share is back at the ceiling. The refusals were stray, or the limit was lowered for a time.
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
    // The previous safe share applies, unless that share was refused.
    return this.#safe > 0 && this.#safe < before ? this.#safe : before / 2
  }
}
