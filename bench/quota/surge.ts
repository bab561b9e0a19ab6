const SHORT_MS = 5000
const LONG_MS = 60_000
/** A rate up to this share of the limit is no surge, wherever it comes from. */
const ALWAYS = 1 / 4
const MAX_GROWTH = 2

/** Refuses a rate that grows too fast: over 5 s, more than twice that of the last minute. */
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
