import type { Limits } from '../../types.js'
import { Charge } from './charge.js'
import type { Demand, OutputAccounting, Reservation } from './charge.js'
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

/** One limit as it stands. */
export interface WindowUse {
  /** Absent where the limit no longer holds. */
  readonly limit?: number
  readonly used: number
  /** The most that ever stood in the window. */
  readonly peak: number
}

interface Meter {
  readonly name: LimitName
  readonly counter: Counter
}

/** The limits of one model, all keys together. It lets a request in or refuses it, at once; nothing waits here. */
export class Throttle {
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

  /** Charges the request to all limits, or to none and names the limit that refused it. */
  admit(demand: Demand, now: number): Charge | LimitName {
    const refusal = this.refusal(demand, now)
    if (refusal === undefined) return new Charge([this], demand, this.#settings.outputAccounting, now)
    this.reject(now)
    return refusal
  }

  /**
   * The limit that stands in the way. A request whose tokens alone are above the minute's is refused for its tokens; else
   * requests are looked at before tokens.
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
   * When all limits on requests and tokens will let the request pass, if nothing else comes; Infinity for never. When a
   * place in flight will be free nobody knows, so `concurrency` is left out.
   */
  admitsAt(demand: Demand, now: number): number {
    let at = this.asks('tpm', demand) > this.#limits.tpm ? Infinity : now
    for (const { name, counter } of this.#order) {
      if (this.#concerns(name, demand)) at = Math.max(at, counter.admitsAt(this.asks(name, demand), now))
    }
    return at
  }

  /** What a request has to find room for. What it generates is known at admission only where it is reserved. */
  asks(name: LimitName, { inputTokens, maxOutputTokens, maxThinkingTokens }: Demand): number {
    const reserved = this.#settings.outputAccounting === 'reserved'
    const measure = measureOf(name)
    if (measure === 'tokens') return reserved ? inputTokens + maxOutputTokens : inputTokens
    if (measure === 'input') return inputTokens
    if (measure === 'output') return reserved ? maxOutputTokens : Math.min(1, maxOutputTokens)
    if (measure === 'thinking') return reserved ? maxThinkingTokens : Math.min(1, maxThinkingTokens)
    return 1
  }

  /** Charges the request, whether or not there is room. */
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

  /** A request that was let in is over. */
  leave(): void {
    this.#inFlight -= 1
  }

  /** A request was refused, by this or by another. */
  reject(now: number): void {
    if (!this.#settings.countsRejected) return
    for (const { name, counter } of this.#order) if (measureOf(name) === 'requests') counter.post(1, now)
  }

  postOutput(tokens: number, thinking: number, now: number): void {
    for (const { name, counter } of this.#order) {
      const measure = measureOf(name)
      if (measure === 'tokens' || measure === 'output') counter.post(tokens, now)
      else if (measure === 'thinking' && thinking > 0) counter.post(thinking, now)
    }
  }

  /** New limits from now on. What the windows hold stays; a limit that did not hold before begins with an empty one. */
  setLimits(limits: Limits, now: number): void {
    this.#limits = enforcedLimits(limits, this.#settings.perSecond)
    for (const name of limitNames) if (name !== 'concurrency') this.#setLimit(name, this.#limits[name], now)
    this.#order = [...this.#meters.values()].sort((a, b) => limitNames.indexOf(a.name) - limitNames.indexOf(b.name))
  }

  /** Each limit that holds or once held. */
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

  /** How much is left of a limit, and when all of it will be there again; undefined where it does not hold. */
  left(name: LimitName, now: number): { limit: number; remaining: number; resetAt: number } | undefined {
    const counter = this.#meters.get(name)?.counter
    if (counter === undefined) return undefined
    const limit = this.#limits[name]
    return { limit, remaining: Math.max(0, Math.floor(limit - counter.used(now))), resetAt: counter.fallsTo(0, now) }
  }

  /** What generates nothing is not held up by a full window of output. */
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

const settled = {
  tokens: (inputTokens: number, outputTokens: number): number => inputTokens + outputTokens,
  output: (_inputTokens: number, outputTokens: number): number => outputTokens,
  thinking: (_inputTokens: number, _outputTokens: number, thinkingTokens: number): number => thinkingTokens,
}

/** A guess: a second always takes one request, and a window that counts whole requests rounds a fraction up. */
function requestsASecond(limit: number, kind: WindowKind): number {
  return Math.max(1, kind === 'bucket' ? limit : Math.ceil(limit))
}
