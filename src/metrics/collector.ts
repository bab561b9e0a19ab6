import type { ThrottleClass } from '../types.js'
import type { Recorder } from './recorder.js'

const SLOT_MS = 5000
/** An hour of slots. */
const SLOTS = 720
/** As many latencies are kept, the newest ones: a power of two. */
const SAMPLES = 1024

const CLASSES: readonly ThrottleClass[] = ['requests', 'tokens', 'surge', 'capacity', 'exhausted', 'billing']
const CALLS = 0
const FAILURES = 1
const TOKENS = 2
const FIRST_CLASS = 3
const FIELDS = FIRST_CLASS + CLASSES.length

/** The middle, the slow tail and the mean of what was measured, in ms; undefined where nothing was. */
export interface Distribution {
  readonly p50: number
  readonly p95: number
  readonly mean: number
}

/** What a model did during a span of time. */
export interface ModelActivity {
  /** Requests sent. */
  readonly calls: number
  /** Requests sent that did not succeed, 429s included. */
  readonly failures: number
  /** failures ÷ calls; 0 without calls. */
  readonly failureRate: number
  /** Refusals by class. */
  readonly throttled: Readonly<Record<ThrottleClass, number>>
  /** Calls a minute, over the span or since the first call if that is shorter. */
  readonly averageRpm: number
  /** Tokens a minute, likewise: input and output, as settled. */
  readonly averageTpm: number
  readonly timeToFirstTokenMs: Distribution | undefined
  /** From sending to the end of the answer, without the wait in the queue. */
  readonly latencyMs: Distribution | undefined
}

/** Counts what one model does: an hour of 5-second slots and the newest latencies, in a fixed amount of memory. */
export class Collector implements Recorder {
  readonly #slots = new Float64Array(SLOTS * FIELDS)
  readonly #slotNumbers = new Float64Array(SLOTS).fill(-1)
  /** A ring of (at, latency, time to the first token or NaN). */
  readonly #samples = new Float64Array(SAMPLES * 3).fill(Number.NaN)
  #nextSample = 0
  /** The newest slot that was counted in: its number, and where its fields begin. */
  #slotNumber = Number.NaN
  #slotAt = 0
  #firstCallAt: number | undefined

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

  answered(latencyMs: number, firstTokenMs: number | undefined, now: number): void {
    const samples = this.#samples
    const at = this.#nextSample * 3
    samples[at] = now
    samples[at + 1] = latencyMs
    samples[at + 2] = firstTokenMs ?? Number.NaN
    this.#nextSample = (this.#nextSample + 1) & (SAMPLES - 1)
  }

  /** The activity of the last `lastMs` (an hour at most, in steps of 5 s). */
  report(lastMs: number, now: number): ModelActivity {
    const sums = new Float64Array(FIELDS)
    const newest = Math.floor(now / SLOT_MS)
    const oldest = Math.max(newest - SLOTS + 1, Math.floor((now - lastMs) / SLOT_MS))
    const since = oldest * SLOT_MS
    for (let slot = 0; slot < SLOTS; slot++) {
      const number = this.#slotNumbers[slot]!
      if (number < oldest || number > newest) continue
      for (let field = 0; field < FIELDS; field++) sums[field]! += this.#slots[slot * FIELDS + field]!
    }
    const perMinute = 60_000 / Math.max(now - Math.max(since, this.#firstCallAt ?? now), 1000)
    const calls = sums[CALLS]!
    const latencies: number[] = []
    const firstTokens: number[] = []
    for (let i = 0; i < SAMPLES * 3; i += 3) {
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
      averageRpm: calls * perMinute,
      averageTpm: sums[TOKENS]! * perMinute,
      timeToFirstTokenMs: distribution(firstTokens),
      latencyMs: distribution(latencies),
    }
  }

  #add(field: number, amount: number, now: number): void {
    const number = Math.floor(now / SLOT_MS)
    if (number !== this.#slotNumber) this.#enterSlot(number)
    this.#slots[this.#slotAt + field]! += amount
  }

  /** Makes a slot the one that is counted in; what it held an hour ago goes. */
  #enterSlot(number: number): void {
    const slot = ((number % SLOTS) + SLOTS) % SLOTS
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
