/**
 * The number of delays that are kept, and the number that must be known before J falls. Chosen. By then a rare delay usually
 * shows. More let J fall later; fewer let it fall before a rare delay shows.
 */
const REMEMBERED = 256
/** J is computed again after this many arrivals. Chosen. More raise J later; fewer cost a sort of the ring more often. */
const LOOK_EVERY = 8
/**
 * Delays that are dropped at each end: a new connection, a pause of the program. Chosen. More hide real spread and cause 429s;
 * fewer let one accident raise J.
 */
const OUTLIERS = 2
/**
 * The factor on the observed spread, for delays that no answer has shown yet. Chosen. Smaller risks 429s. Larger wastes quota:
 * the usable share of a window W is W ÷ (W + J).
 */
const MARGIN = 1.25
/**
 * The smallest learned J, in ms. Chosen. A program stalls this long now and then (garbage collection, a late timer), too rarely
 * to show in 256 answers.
 * Smaller risks a refusal, which costs a minute or two at half the quota. Derived: 25 ms cost 2.4 % of a second's limit, 25 ÷
 * 1025. Larger costs more of it.
 */
const MIN_MS = 25
/**
 * The largest believable spread, in ms. A larger one comes from several clocks, not from delays. Chosen. Larger takes a clock
 * difference for J and wastes quota; smaller ignores a slow network.
 */
const MAX_MS = 1000
/**
 * The smallest relative change of J. Each change loses the refunds of requests in flight. Chosen. Smaller loses refunds more
 * often; larger keeps a J that is too small or too large.
 */
const MIN_CHANGE = 0.2

/**
 * Learns J, the spread of the delay from sending a request to its being counted. The source is the arrival times that the
 * service reports.
 *
 * The service's clock and ours differ by an unknown offset. The offset is the same for all requests, so it does not change the
 * spread.
 */
export class NetworkJitterEstimator {
  /** A ring of the differences service clock − our clock, in ms. */
  readonly #delays = new Float64Array(REMEMBERED)
  #count = 0
  #networkJitterMs: number
  #origin: 'default' | 'learned' = 'default'

  /** `networkJitterMs`: the J before any arrival is known, in ms. */
  constructor(networkJitterMs: number) {
    this.#networkJitterMs = networkJitterMs
  }

  get networkJitterMs(): number {
    return this.#networkJitterMs
  }

  /** Whether J is the default or learned. */
  get origin(): 'default' | 'learned' {
    return this.#origin
  }

  /** Whether enough delays are known to lower J. */
  get hasLearned(): boolean {
    return this.#count >= REMEMBERED
  }

  /**
   * Records an arrival and returns whether J changed. J rises as soon as a larger spread shows. It falls only once enough
   * delays are known.
   * `sentAt` is in ms of our clock, `arrivedAt` in ms of the service's clock.
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

  /** The difference of the largest and smallest delay without the outliers, in ms. */
  #spread(): number {
    const known = this.#delays.slice(0, Math.min(this.#count, REMEMBERED)).toSorted()
    if (known.length <= 2 * OUTLIERS) return 0
    return known[known.length - 1 - OUTLIERS]! - known[OUTLIERS]!
  }
}
