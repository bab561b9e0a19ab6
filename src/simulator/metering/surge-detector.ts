/**
 * A detector of sudden increases of traffic. It compares the last `windowMs` with the mean of the `baselineMs` before
 * them.
 *
 * That the service has such a detector is documented. How it measures is not: every default here is a guess.
 */
export interface SurgeOptions {
  /** The length of the short window, in milliseconds. @default 5_000 */
  readonly windowMs?: number
  /** The length of the baseline window before it, in milliseconds. @default 60_000 */
  readonly baselineMs?: number
  /** The short window may hold this many times the mean of the baseline. @default 4 */
  readonly factor?: number
  /**
   * The amount that the short window always admits, so that an idle account can begin to send.
   *
   * @default half of its share of RPM (or TPM), and at least 10 requests or 10,000 tokens
   */
  readonly minimum?: number
  /** The quantity that is measured: requests or their input tokens. @default 'requests' */
  readonly measures?: 'requests' | 'tokens'
  /** Whether refused requests count, for any reason of the refusal. @default false */
  readonly countsRejected?: boolean
}

interface Arrival {
  readonly at: number
  readonly amount: number
}

/**
 * The lowest default of {@link SurgeOptions.minimum}, in requests and in tokens.
 *
 * Chosen: a client can begin with ten requests of 1,000 tokens. Smaller: models with low limits refuse the first
 * requests of a client that is within its limits. Larger: the detector has no effect on those models.
 */
const MIN_REQUESTS = { requests: 10, tokens: 10_000 } as const

/** The default of {@link SurgeOptions.minimum} for a model with these limits. */
export function surgeMinimum(
  measures: 'requests' | 'tokens',
  windowMs: number,
  limits: { readonly rpm: number; readonly tpm: number },
): number {
  const limit = measures === 'tokens' ? limits.tpm : limits.rpm
  return Number.isFinite(limit)
    ? Math.max(MIN_REQUESTS[measures], (0.5 * limit * windowMs) / 60_000)
    : MIN_REQUESTS[measures]
}

/** Detects whether the traffic of one model rises too quickly. Calls must come in order of time. */
export class SurgeDetector {
  /** The amount that the short window always admits. It changes with the limits. */
  minimum: number
  readonly #options: Required<SurgeOptions>
  /** The arrivals in the short window and in the baseline window. */
  readonly #recent = new Span()
  readonly #baseline = new Span()

  constructor(options: Required<SurgeOptions>) {
    this.#options = options
    this.minimum = options.minimum
  }

  /** Whether the detector admits a request. An empty short window admits a request of any size. */
  admits(inputTokens: number, now: number): boolean {
    const { windowMs, baselineMs, factor } = this.#options
    this.#age(now)
    const allowed = Math.max(this.minimum, (factor * this.#baseline.sum * windowMs) / baselineMs)
    return this.#recent.sum === 0 || this.#recent.sum + this.#amount(inputTokens) <= allowed
  }

  /** Counts a request that was admitted or refused. */
  record(inputTokens: number, now: number, admitted: boolean): void {
    if (!admitted && !this.#options.countsRejected) return
    this.#age(now)
    this.#recent.add({ at: now, amount: this.#amount(inputTokens) })
  }

  #amount(inputTokens: number): number {
    return this.#options.measures === 'tokens' ? inputTokens : 1
  }

  #age(now: number): void {
    const { windowMs, baselineMs } = this.#options
    for (const arrival of this.#recent.takeUpTo(now - windowMs)) this.#baseline.add(arrival)
    this.#baseline.takeUpTo(now - windowMs - baselineMs)
  }
}

/** A sequence of arrivals in order of time, with its sum. */
class Span {
  sum = 0
  #log: Arrival[] = []
  #head = 0

  add(arrival: Arrival): void {
    this.#log.push(arrival)
    this.sum += arrival.amount
  }

  /** Removes and returns the arrivals up to `time`. */
  takeUpTo(time: number): Arrival[] {
    const first = this.#head
    for (let next = this.#log[first]; next !== undefined && next.at <= time; next = this.#log[this.#head]) {
      this.sum -= next.amount
      this.#head += 1
    }
    if (this.#head === first) return []
    const taken = this.#log.slice(first, this.#head)
    // The array is shortened only when half of it is unused, so removal takes constant time on average.
    if (this.#head > 1024 && this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
