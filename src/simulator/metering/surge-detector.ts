/**
 * A detector of sudden increases (that there is one is documented; all that it measures is a guess): what came in the last
 * `windowMs` is held against the mean of the `baselineMs` before that.
 */
export interface SurgeOptions {
  /** The short window, in milliseconds. @default 5_000 */
  readonly windowMs?: number
  /** The trailing window before it, whose mean is the baseline, in milliseconds. @default 60_000 */
  readonly baselineMs?: number
  /** How many times the baseline the short window may take. @default 4 */
  readonly factor?: number
  /**
   * What the short window may always take, so that an idle account can begin.
   * @default half of what RPM (or TPM) spread evenly puts into it, at least 10 requests or 10,000 tokens
   */
  readonly minimum?: number
  /** What is measured: requests, or their input tokens. @default 'requests' */
  readonly measures?: 'requests' | 'tokens'
  /** Whether requests that were refused, for whatever reason, are part of the rate. @default false */
  readonly countsRejected?: boolean
}

interface Arrival {
  readonly at: number
  readonly amount: number
}

/** The smallest that a short window takes by default. */
const MIN_REQUESTS = { requests: 10, tokens: 10_000 } as const

/** What the short window of a model with these limits may always take, where no number is given. */
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

/** Says whether the rate of one model rises too quickly. Calls must come in the order of time. */
export class SurgeDetector {
  /** What the short window may always take; it may change. */
  minimum: number
  readonly #options: Required<SurgeOptions>
  /** The arrivals of the short window, and those of the baseline. */
  readonly #recent = new Span()
  readonly #baseline = new Span()

  constructor(options: Required<SurgeOptions>) {
    this.#options = options
    this.minimum = options.minimum
  }

  /** Whether a request is within the allowed rise. One above it passes where nothing came just before. */
  admits(inputTokens: number, now: number): boolean {
    const { windowMs, baselineMs, factor } = this.#options
    this.#age(now)
    const allowed = Math.max(this.minimum, (factor * this.#baseline.sum * windowMs) / baselineMs)
    return this.#recent.sum === 0 || this.#recent.sum + this.#amount(inputTokens) <= allowed
  }

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

/** Arrivals in the order of time, with their sum. */
class Span {
  sum = 0
  #log: Arrival[] = []
  #head = 0

  add(arrival: Arrival): void {
    this.#log.push(arrival)
    this.sum += arrival.amount
  }

  /** Takes out what came at `time` or before. */
  takeUpTo(time: number): Arrival[] {
    const first = this.#head
    for (let next = this.#log[first]; next !== undefined && next.at <= time; next = this.#log[this.#head]) {
      this.sum -= next.amount
      this.#head += 1
    }
    if (this.#head === first) return []
    const taken = this.#log.slice(first, this.#head)
    if (this.#head > 1024 && this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
