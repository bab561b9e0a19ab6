/** The short window, whose rate is checked, in ms. */
const SHORT_MS = 5000
/** The long window, whose mean rate it is compared with, in ms. */
const LONG_MS = 60_000
/** A rate up to this share of the limit is never a surge. */
const ALWAYS = 1 / 4
/** The short window may have this many times the rate of the long one. */
const MAX_GROWTH = 2

/**
 * A surge detector: it refuses requests if the rate of the last 5 s is more than twice that of the last minute.
 *
 * The service documents that it detects surges, but not how. All numbers here are chosen.
 */
export class SurgeDetector {
  readonly #alwaysPerMs: number
  readonly #admitted: number[] = []
  #firstLong = 0
  #firstShort = 0

  constructor(rpm: number) {
    this.#alwaysPerMs = (ALWAYS * rpm) / 60_000
  }

  takes(atMs: number): boolean {
    const admitted = this.#admitted
    while (admitted[this.#firstLong]! <= atMs - LONG_MS) this.#firstLong++
    while (admitted[this.#firstShort]! <= atMs - SHORT_MS) this.#firstShort++
    const shortPerMs = (admitted.length - this.#firstShort + 1) / SHORT_MS
    const longPerMs = (admitted.length - this.#firstLong) / LONG_MS
    return shortPerMs <= Math.max(this.#alwaysPerMs, MAX_GROWTH * longPerMs)
  }

  admit(atMs: number): void {
    this.#admitted.push(atMs)
  }
}
