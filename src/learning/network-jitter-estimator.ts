/** So many delays are remembered, and so many must be known before J is lowered: by then a spread shows itself. */
const REMEMBERED = 256
/** After so many J is looked at again. */
const LOOK_EVERY = 8
/** Of those remembered so many at either end are taken for accidents: a connection that was opened, a pause of the program. */
const OUTLIERS = 2
/** Above what was seen, for what was not. */
const MARGIN = 1.25
/**
 * So long a program stalls now and then (a collection of garbage, a late timer), too rarely to be seen in so few answers, and one
 * refusal costs more than a spread that is too large by this: a minute or two at half the quota against two hundredths of it.
 */
const MIN_MS = 25
/** A spread above this is that of several clocks, not of delays. */
const MAX_MS = 1000
/** What changes J by less is not worth it: each change costs what is in flight its refunds. */
const MIN_CHANGE = 0.2

/**
 * Learns J, the spread of the delay from sending a request to its being counted, from what the service says of when requests
 * arrived. Its clock and ours differ by an offset that is unknown and the same for all, so it does not count in a spread.
 */
export class NetworkJitterEstimator {
  /** A ring of differences, service's clock − ours, in ms. */
  readonly #delays = new Float64Array(REMEMBERED)
  #count = 0
  #networkJitterMs: number
  #origin: 'default' | 'learned' = 'default'

  /** `networkJitterMs`: what is assumed before anything is known. */
  constructor(networkJitterMs: number) {
    this.#networkJitterMs = networkJitterMs
  }

  get networkJitterMs(): number {
    return this.#networkJitterMs
  }

  /** Whether J is as assumed, or was learned since. */
  get origin(): 'default' | 'learned' {
    return this.#origin
  }

  /** Whether it knows enough to lower what was assumed. */
  get hasLearned(): boolean {
    return this.#count >= REMEMBERED
  }

  /**
   * A request that was sent at `sentAt` (our clock, ms) arrived at `arrivedAt` (the service's, ms). True if J is another now:
   * higher as soon as it shows, lower once enough is known.
   */
  observe(sentAt: number, arrivedAt: number): boolean {
    const delay = arrivedAt - sentAt
    if (!Number.isFinite(delay)) return false
    this.#delays[this.#count++ % REMEMBERED] = delay
    if (this.#count % LOOK_EVERY !== 0) return false
    const spreadMs = this.#spread()
    if (spreadMs > MAX_MS) return false
    const learned = Math.max(MIN_MS, Math.ceil(spreadMs * MARGIN))
    if (learned < this.#networkJitterMs && !this.hasLearned) return false
    if (Math.abs(learned - this.#networkJitterMs) < MIN_CHANGE * this.#networkJitterMs) return false
    this.#networkJitterMs = learned
    this.#origin = 'learned'
    return true
  }

  /** Between what is left at either end without the outliers. */
  #spread(): number {
    const known = this.#delays.slice(0, Math.min(this.#count, REMEMBERED)).toSorted()
    if (known.length <= 2 * OUTLIERS) return 0
    return known[known.length - 1 - OUTLIERS]! - known[OUTLIERS]!
  }
}
