import type { Limits } from '../types.js'
import { createCounter } from './counting.js'
import type { Counter, Posting, WindowKind } from './counting.js'

/** The limits that the simulator enforces, in the order in which they are checked. */
export const limitNames = ['rpm', 'rps', 'tpm', 'tps'] as const

export type LimitName = (typeof limitNames)[number]

/** When the tokens of an answer count; see `SimulatorOptions.chargesOutput`. */
export type OutputCharging = 'reserved' | 'generated' | 'completion'

export interface ThrottleSettings {
  readonly perSecond: boolean
  readonly minuteWindow: WindowKind
  readonly secondWindow: WindowKind | 'off'
  readonly chargesOutput: OutputCharging
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

/** The four limits that hold for a row; Infinity where none does. */
export function enforcedLimits(limits: Limits, perSecond: boolean): Record<LimitName, number> {
  const { rpm = Infinity, tpm = Infinity } = limits
  const { rps = perSecond ? rpm / 60 : Infinity, tps = perSecond ? tpm / 60 : Infinity } = limits
  return { rpm, rps, tpm, tps }
}

/** What one admitted request is charged, from its admission to its end. */
export class Charge {
  readonly inputTokens: number
  /** The tokens that were charged when the request was let in: the input, and with `reserved` the longest output. */
  readonly atAdmission: number
  outputTokens = 0
  readonly #charging: OutputCharging
  readonly #reserved: readonly { counter: Counter; posting: Posting }[]
  readonly #post: (tokens: number, now: number) => void
  #open = true

  constructor(
    inputTokens: number,
    atAdmission: number,
    charging: OutputCharging,
    reserved: readonly { counter: Counter; posting: Posting }[],
    post: (tokens: number, now: number) => void,
  ) {
    this.inputTokens = inputTokens
    this.atAdmission = atAdmission
    this.#charging = charging
    this.#reserved = reserved
    this.#post = post
  }

  /** `tokens` more have been generated. */
  generate(tokens: number, now: number): void {
    if (!this.#open || tokens <= 0) return
    this.outputTokens += tokens
    if (this.#charging === 'generated') this.#post(tokens, now)
  }

  /** The request is over. The second call does nothing. */
  close(now: number): void {
    if (!this.#open) return
    this.#open = false
    if (this.#charging === 'completion' && this.outputTokens > 0) this.#post(this.outputTokens, now)
    if (this.#charging !== 'reserved') return
    for (const { counter, posting } of this.#reserved) {
      counter.correct(posting, this.inputTokens + this.outputTokens, now)
    }
  }
}

/** The limits of one model, all keys together. It lets a request in or refuses it, at once; nothing waits here. */
export class Throttle {
  readonly #settings: ThrottleSettings
  readonly #origin: number
  readonly #meters = new Map<LimitName, Meter>()
  readonly #lapsedPeaks = new Map<LimitName, number>()
  #limits: Record<LimitName, number>
  #order: readonly Meter[] = []

  constructor(limits: Limits, settings: ThrottleSettings, origin: number) {
    this.#settings = settings
    this.#origin = origin
    this.#limits = enforcedLimits(limits, settings.perSecond)
    this.setLimits(limits, origin)
  }

  /**
   * Charges the request to all limits, or to none and names the limit that refused it. A request whose tokens alone are
   * above the minute's is refused for its tokens; else requests are looked at before tokens.
   */
  admit(inputTokens: number, maxOutputTokens: number, now: number): Charge | LimitName {
    const { chargesOutput, countsRejected } = this.#settings
    const tokens = chargesOutput === 'reserved' ? inputTokens + maxOutputTokens : inputTokens
    const refusal = this.#refusal(tokens, now)
    if (refusal === undefined) return this.#charge(inputTokens, tokens, now)
    if (countsRejected) for (const meter of this.#order) if (!countsTokens(meter.name)) meter.counter.post(1, now)
    return refusal
  }

  /** New limits from now on. What the windows hold stays; a limit that did not hold before begins with an empty one. */
  setLimits(limits: Limits, now: number): void {
    this.#limits = enforcedLimits(limits, this.#settings.perSecond)
    for (const name of limitNames) this.#setLimit(name, this.#limits[name], now)
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
    return use
  }

  #refusal(tokens: number, now: number): LimitName | undefined {
    if (tokens > this.#limits.tpm) return 'tpm'
    for (const { name, counter } of this.#order) {
      if (!counter.admits(countsTokens(name) ? tokens : 1, now)) return name
    }
    return undefined
  }

  #charge(inputTokens: number, tokens: number, now: number): Charge {
    const { chargesOutput } = this.#settings
    const reserved: { counter: Counter; posting: Posting }[] = []
    for (const { name, counter } of this.#order) {
      const posting = counter.post(countsTokens(name) ? tokens : 1, now)
      if (chargesOutput === 'reserved' && countsTokens(name)) reserved.push({ counter, posting })
    }
    return new Charge(inputTokens, tokens, chargesOutput, reserved, this.#postTokens)
  }

  readonly #postTokens = (tokens: number, now: number): void => {
    for (const { name, counter } of this.#order) if (countsTokens(name)) counter.post(tokens, now)
  }

  #setLimit(name: LimitName, limit: number, now: number): void {
    const perMinute = name === 'rpm' || name === 'tpm'
    const kind = perMinute ? this.#settings.minuteWindow : this.#settings.secondWindow
    const meter = this.#meters.get(name)
    if (limit === Infinity || kind === 'off') {
      if (meter === undefined) return
      this.#meters.delete(name)
      this.#lapsedPeaks.set(name, Math.max(meter.counter.peak, this.#lapsedPeaks.get(name) ?? 0))
      return
    }
    const capacity = name === 'rps' ? requestsASecond(limit, kind) : limit
    if (meter !== undefined) return meter.counter.setLimit(limit, capacity, now)
    const windowMs = perMinute ? 60_000 : 1_000
    const spec = { kind, windowMs, limit, capacity, oversize: name === 'tps', origin: this.#origin }
    this.#meters.set(name, { name, counter: createCounter(spec) })
  }
}

/** A guess: a second always takes one request, and a window that counts whole requests rounds a fraction up. */
function requestsASecond(limit: number, kind: WindowKind): number {
  return Math.max(1, kind === 'bucket' ? limit : Math.ceil(limit))
}

function countsTokens(name: LimitName): boolean {
  return name === 'tpm' || name === 'tps'
}
