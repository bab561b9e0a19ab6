/**
 * The largest delay of a start, in µs, that the next one makes up for. Timers fire some milliseconds late, and on a busy machine tens
 * of them; without this the delays would add up to a lower rate. A larger one lets requests burst after a pause.
 */
const LATE_US = 50_000

/**
 * Spaces requests evenly at a rate, without a burst. The next request goes one spacing after the last one. A charge of several
 * requests takes as many spacings. Spacings are whole microseconds, so that the rate is never exceeded.
 */
export class Pacer {
  #spacingUs: number
  /** The time that the last charge is spaced from, and its number of requests. */
  #lastUs = -Infinity
  #lastRequests = 0

  constructor(requestsPerSecond: number) {
    this.#spacingUs = spacingOf(requestsPerSecond)
  }

  /** Sets another rate. It spaces the last request that was sent, too. */
  set(requestsPerSecond: number): void {
    this.#spacingUs = spacingOf(requestsPerSecond)
  }

  /** When the next request passes, at the earliest. */
  get nextUs(): number {
    return this.#lastUs + this.#lastRequests * this.#spacingUs
  }

  /** When a request passes after `ahead` others, each of which goes as soon as it may. */
  afterUs(ahead: number, nowUs: number): number {
    return Math.max(nowUs, this.#from(nowUs) + ahead * this.#spacingUs)
  }

  charge(requests: number, nowUs: number): void {
    if (requests <= 0) return
    this.#lastUs = this.#from(nowUs)
    this.#lastRequests = requests
  }

  #from(nowUs: number): number {
    const { nextUs } = this
    return nowUs - nextUs > LATE_US ? nowUs : nextUs
  }
}

function spacingOf(requestsPerSecond: number): number {
  return Math.ceil(1e6 / requestsPerSecond)
}
