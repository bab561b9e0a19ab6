import type { ThrottleClass } from '../types.js'
import type { Recorder } from './recorder.js'

/** The resolution and the memory of a {@link Collector}: slots of `slotMs` each, and the newest latencies. */
export interface CollectorSize {
  readonly slotMs: number
  readonly slots: number
  /** How many latencies are kept; a power of two. */
  readonly samples: number
}

/**
 * An hour in slots of 5 s, and 1,024 latencies: about 90 KB for each collector.
 *
 * Chosen. Longer slots: the span of a report is less exact. More slots or latencies: more memory for each model and
 * each tenant. Fewer latencies: with much traffic the distributions cover less than the span.
 */
const FINE: CollectorSize = { slotMs: 5000, slots: 720, samples: 1024 }

const CLASSES: readonly ThrottleClass[] = ['requests', 'tokens', 'surge', 'capacity', 'exhausted', 'billing']
const CALLS = 0
const FAILURES = 1
const TOKENS = 2
const FIRST_CLASS = 3
const OVERFLOWED = FIRST_CLASS + CLASSES.length
const FIELDS = OVERFLOWED + 1

/** The median, the 95th percentile and the mean of measured times, in ms. */
export interface Distribution {
  readonly p50: number
  readonly p95: number
  readonly mean: number
}

/** The activity of one model or one tenant in a span of time. */
export interface ModelActivity {
  /** Requests that were sent, repeated ones included. */
  readonly calls: number
  /** Requests that were sent and did not succeed, 429s included. */
  readonly failures: number
  /** `failures` ÷ `calls`; 0 without calls. */
  readonly failureRate: number
  /** Refusals of the service by class. */
  readonly throttled: Readonly<Record<ThrottleClass, number>>
  /** Requests that exceeded provisioned throughput: the service counted them against the model's public limits. */
  readonly overflowed: number
  /** Calls per minute, averaged over the span, or since the first call if that is later than the span's beginning. */
  readonly averageRpm: number
  /** Input and output tokens per minute as settled, averaged in the same way. */
  readonly averageTpm: number
  /** From sending a request to the first token of its answer; undefined if none was measured in the span. */
  readonly timeToFirstTokenMs: Distribution | undefined
  /**
   * From sending a request to the end of its answer, without the time in the queue; undefined if no answer ended in the
   * span.
   */
  readonly latencyMs: Distribution | undefined
}

/**
 * Counts the activity of one model or one tenant. It covers the last hour and the newest latencies, in a fixed amount
 * of memory.
 */
export class Collector implements Recorder {
  readonly #slotMs: number
  readonly #slots: Float64Array
  readonly #slotNumbers: Float64Array
  /** A ring of triples: the time, the latency, and the time to the first token or NaN. */
  readonly #samples: Float64Array
  #nextSample = 0
  /** The number of the slot that was counted in last, and the index of its fields. */
  #slotNumber = Number.NaN
  #slotAt = 0
  #firstCallAt: number | undefined

  constructor({ slotMs, slots, samples } = FINE) {
    this.#slotMs = slotMs
    this.#slots = new Float64Array(slots * FIELDS)
    this.#slotNumbers = new Float64Array(slots).fill(-1)
    this.#samples = new Float64Array(samples * 3).fill(Number.NaN)
  }

  call(now: number): void {
    if (this.#firstCallAt === undefined) this.#firstCallAt = now
    this.#add(CALLS, 1, now)
  }

  failure(now: number): void {
    this.#add(FAILURES, 1, now)
  }

  tokens(tokens: number, now: number): void {
    this.#add(TOKENS, tokens, now)
  }

  throttled(kind: ThrottleClass, now: number): void {
    this.#add(FIRST_CLASS + CLASSES.indexOf(kind), 1, now)
  }

  overflowed(now: number): void {
    this.#add(OVERFLOWED, 1, now)
  }

  answered(latencyMs: number, firstTokenMs: number | undefined, now: number): void {
    const samples = this.#samples
    const at = this.#nextSample * 3
    samples[at] = now
    samples[at + 1] = latencyMs
    samples[at + 2] = firstTokenMs ?? Number.NaN
    this.#nextSample = (this.#nextSample + 1) & (samples.length / 3 - 1)
  }

  /** The activity of the last `lastMs`: at most an hour, rounded up to whole slots. */
  report(lastMs: number, now: number): ModelActivity {
    const sums = new Float64Array(FIELDS)
    const newest = Math.floor(now / this.#slotMs)
    const slots = this.#slotNumbers.length
    const oldest = Math.max(newest - slots + 1, Math.floor((now - lastMs) / this.#slotMs))
    const since = oldest * this.#slotMs
    for (let slot = 0; slot < slots; slot++) {
      const number = this.#slotNumbers[slot]!
      if (number < oldest || number > newest) continue
      for (let field = 0; field < FIELDS; field++) sums[field]! += this.#slots[slot * FIELDS + field]!
    }
    const perMinute = 60_000 / Math.max(now - Math.max(since, this.#firstCallAt ?? now), 1000)
    const calls = sums[CALLS]!
    const latencies: number[] = []
    const firstTokens: number[] = []
    for (let i = 0; i < this.#samples.length; i += 3) {
      if (!(this.#samples[i]! >= since)) continue
      latencies.push(this.#samples[i + 1]!)
      if (!Number.isNaN(this.#samples[i + 2]!)) firstTokens.push(this.#samples[i + 2]!)
    }
    return {
      calls,
      failures: sums[FAILURES]!,
      failureRate: calls === 0 ? 0 : sums[FAILURES]! / calls,
      throttled: Object.fromEntries(
        CLASSES.map((kind, i) => [kind, sums[FIRST_CLASS + i]!]),
      ) as ModelActivity['throttled'],
      overflowed: sums[OVERFLOWED]!,
      averageRpm: calls * perMinute,
      averageTpm: sums[TOKENS]! * perMinute,
      timeToFirstTokenMs: distribution(firstTokens),
      latencyMs: distribution(latencies),
    }
  }

  #add(field: number, amount: number, now: number): void {
    const number = Math.floor(now / this.#slotMs)
    if (number !== this.#slotNumber) this.#enterSlot(number)
    this.#slots[this.#slotAt + field]! += amount
  }

  /** Selects the slot that is counted in, and clears what it held an hour ago. */
  #enterSlot(number: number): void {
    const slots = this.#slotNumbers.length
    const slot = ((number % slots) + slots) % slots
    this.#slotNumber = number
    this.#slotAt = slot * FIELDS
    if (this.#slotNumbers[slot] === number) return
    this.#slotNumbers[slot] = number
    this.#slots.fill(0, this.#slotAt, this.#slotAt + FIELDS)
  }
}

function distribution(values: readonly number[]): Distribution | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return { p50: at(0.5), p95: at(0.95), mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length }
}
