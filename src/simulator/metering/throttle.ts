import type { Limits } from '../../types.js'
import { Charge } from './charge.js'
import type { ChargedLimits, Demand, OutputAccounting, Reservation } from './charge.js'
import { createCounter } from './create-counter.js'
import type { Counter, WindowKind } from './create-counter.js'
import { enforcedLimits, isPerSecond, limitNames, measureOf } from './enforced-limits.js'
import type { LimitName, PerSecond } from './enforced-limits.js'

export interface ThrottleSettings {
  readonly perSecond: PerSecond
  readonly minuteWindow: WindowKind
  readonly secondWindow: WindowKind | 'off'
  readonly outputAccounting: OutputAccounting
  readonly countsRejected: boolean
}

/** The use of one limit. */
export interface WindowUse {
  /** The limit. Absent if the model no longer has it. */
  readonly limit?: number
  readonly used: number
  /** The most that the window ever held. */
  readonly peak: number
}

interface Meter {
  readonly name: LimitName
  readonly counter: Counter
}

/**
 * The limits of one model. They count the requests of all keys together. A request is admitted or refused at once; none
 * waits.
 */
export class Throttle implements ChargedLimits {
  readonly #settings: ThrottleSettings
  readonly #origin: number
  readonly #meters = new Map<LimitName, Meter>()
  readonly #lapsedPeaks = new Map<LimitName, number>()
  #limits: Record<LimitName, number>
  #order: readonly Meter[] = []
  #inFlight = 0
  #peakInFlight = 0

  constructor(limits: Limits, settings: ThrottleSettings, origin: number) {
    this.#settings = settings
    this.#origin = origin
    this.#limits = enforcedLimits(limits, settings.perSecond)
    this.setLimits(limits, origin)
  }

  get limits(): Readonly<Record<LimitName, number>> {
    return this.#limits
  }

  /** Admits a request and charges it to all limits, or returns the limit that refuses it. */
  admit(demand: Demand, now: number): Charge | LimitName {
    const refusal = this.refusal(demand, now)
    if (refusal === undefined) return new Charge([this], demand, this.#settings.outputAccounting, now)
    this.reject(now)
    return refusal
  }

  /**
   * The limit that refuses a request; undefined if none does.
   *
   * A request with more tokens than the whole minute's limit is refused by `tpm`. Otherwise limits on requests are
   * checked before limits on tokens.
   */
  refusal(demand: Demand, now: number): LimitName | undefined {
    if (this.asks('tpm', demand) > this.#limits.tpm) return 'tpm'
    if (this.#inFlight >= this.#limits.concurrency) {
      const before = this.#order.find((meter) => measureOf(meter.name) === 'requests' && !meter.counter.admits(1, now))
      return before?.name ?? 'concurrency'
    }
    for (const { name, counter } of this.#order) {
      if (this.#concerns(name, demand) && !counter.admits(this.asks(name, demand), now)) return name
    }
    return undefined
  }

  /**
   * The first time at which all limits on requests and tokens admit the request, if nothing else is added. Infinity for
   * never.
   *
   * `concurrency` is left out: no one knows when a request in flight ends.
   */
  admitsAt(demand: Demand, now: number): number {
    let at = this.asks('tpm', demand) > this.#limits.tpm ? Infinity : now
    for (const { name, counter } of this.#order) {
      if (this.#concerns(name, demand)) at = Math.max(at, counter.admitsAt(this.asks(name, demand), now))
    }
    return at
  }

  /** The amount for which a limit must have room. The output counts at admission only if it is reserved. */
  asks(name: LimitName, { inputTokens, maxOutputTokens, maxThinkingTokens }: Demand): number {
    const reserved = this.#settings.outputAccounting === 'reserved'
    const measure = measureOf(name)
    if (measure === 'tokens') return reserved ? inputTokens + maxOutputTokens : inputTokens
    if (measure === 'input') return inputTokens
    if (measure === 'output') return reserved ? maxOutputTokens : Math.min(1, maxOutputTokens)
    if (measure === 'thinking') return reserved ? maxThinkingTokens : Math.min(1, maxThinkingTokens)
    return 1
  }

  /** Charges the request, also if a limit has no room for it. */
  enter(demand: Demand, now: number): Reservation[] {
    this.#inFlight += 1
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight)
    const reserved = this.#settings.outputAccounting === 'reserved'
    const reservations: Reservation[] = []
    for (const { name, counter } of this.#order) {
      const measure = measureOf(name)
      const later = measure === 'output' || measure === 'thinking'
      if (later && !reserved) continue
      const posting = counter.post(this.asks(name, demand), now)
      if (reserved && measure in settled) {
        reservations.push({ counter, posting, settle: settled[measure as keyof typeof settled] })
      }
    }
    return reservations
  }

  /** Ends an admitted request. */
  leave(): void {
    this.#inFlight -= 1
  }

  /** Counts a request that this throttle or another one refused, if refused requests count. */
  reject(now: number): void {
    if (!this.#settings.countsRejected) return
    for (const { name, counter } of this.#order) if (measureOf(name) === 'requests') counter.post(1, now)
  }

  /** Charges output tokens after they were generated. */
  postOutput(tokens: number, thinking: number, now: number): void {
    for (const { name, counter } of this.#order) {
      const measure = measureOf(name)
      if (measure === 'tokens' || measure === 'output') counter.post(tokens, now)
      else if (measure === 'thinking' && thinking > 0) counter.post(thinking, now)
    }
  }

  /** Changes the limits. The amounts in the windows stay. A limit that is new begins with an empty window. */
  setLimits(limits: Limits, now: number): void {
    this.#limits = enforcedLimits(limits, this.#settings.perSecond)
    for (const name of limitNames) if (name !== 'concurrency') this.#setLimit(name, this.#limits[name], now)
    this.#order = [...this.#meters.values()].sort((a, b) => limitNames.indexOf(a.name) - limitNames.indexOf(b.name))
  }

  /** The use of each limit that the model has or once had. */
  use(now: number): Partial<Record<LimitName, WindowUse>> {
    const use: Partial<Record<LimitName, WindowUse>> = {}
    for (const [name, peak] of this.#lapsedPeaks) use[name] = { used: 0, peak }
    for (const { name, counter } of this.#order) {
      const peak = Math.max(counter.peak, this.#lapsedPeaks.get(name) ?? 0)
      use[name] = { limit: this.#limits[name], used: counter.used(now), peak }
    }
    const limit = this.#limits.concurrency
    if (limit !== Infinity) use.concurrency = { limit, used: this.#inFlight, peak: this.#peakInFlight }
    return use
  }

  /**
   * How much of a limit is left, and when its window is empty again. Undefined if the model does not have the limit.
   */
  left(name: LimitName, now: number): { limit: number; remaining: number; resetAt: number } | undefined {
    const counter = this.#meters.get(name)?.counter
    if (counter === undefined) return undefined
    const limit = this.#limits[name]
    return { limit, remaining: Math.max(0, Math.floor(limit - counter.used(now))), resetAt: counter.fallsTo(0, now) }
  }

  /** A full window of output does not delay a request that generates nothing. */
  #concerns(name: LimitName, demand: Demand): boolean {
    return name === 'tpm' || name === 'tps' || name === 'inputTpm' || this.asks(name, demand) > 0
  }

  #setLimit(name: LimitName, limit: number, now: number): void {
    const perSecond = isPerSecond(name)
    const kind = perSecond ? this.#settings.secondWindow : this.#settings.minuteWindow
    const meter = this.#meters.get(name)
    if (limit === Infinity || kind === 'off') {
      if (meter === undefined) return
      this.#meters.delete(name)
      this.#lapsedPeaks.set(name, Math.max(meter.counter.peak, this.#lapsedPeaks.get(name) ?? 0))
      return
    }
    const capacity = name === 'rps' ? requestsASecond(limit, kind) : limit
    if (meter !== undefined) return meter.counter.setLimit(limit, capacity, now)
    const windowMs = perSecond ? 1_000 : 60_000
    const spec = { kind, windowMs, limit, capacity, oversize: name === 'tps', origin: this.#origin }
    this.#meters.set(name, { name, counter: createCounter(spec) })
  }
}

/** The final amount of a reservation, by the quantity that its limit counts. */
const settled = {
  tokens: (inputTokens: number, outputTokens: number): number => inputTokens + outputTokens,
  output: (_inputTokens: number, outputTokens: number): number => outputTokens,
  thinking: (_inputTokens: number, _outputTokens: number, thinkingTokens: number): number => thinkingTokens,
}

/**
 * The number of requests that one second admits. A guess: at least one, and a fixed or sliding window rounds a fraction
 * up.
 */
function requestsASecond(limit: number, kind: WindowKind): number {
  return Math.max(1, kind === 'bucket' ? limit : Math.ceil(limit))
}
