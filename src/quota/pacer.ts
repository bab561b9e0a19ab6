/** A start that is late by no more than this is made up for: timers are late by milliseconds, and that must not add up. */
const LATE_US = 50_000

/**
 * Requests one after another at a rate, without a burst: the next one goes a spacing after the last. A charge of several
 * requests keeps the next one waiting for as many spacings. Whole microseconds, never above the rate.
 */
export class Pacer {
  #spacingUs: number
  /** From when on the last charge is spaced, and what it was. */
  #lastUs = -Infinity
  #lastRequests = 0

  constructor(requestsPerSecond: number) {
    this.#spacingUs = spacingOf(requestsPerSecond)
  }

  /** Another rate from now on; what was sent last is spaced by it, too. */
  set(requestsPerSecond: number): void {
    this.#spacingUs = spacingOf(requestsPerSecond)
  }

  /** From when on the next request passes. */
  get nextUs(): number {
    return this.#lastUs + this.#lastRequests * this.#spacingUs
  }

  /** When a request passes if `ahead` others go before it, each as soon as it may. */
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
