import type { Counter, Posting } from './create-counter.js'

/** When the tokens of an answer count; see `SimulatorOptions.outputAccounting`. */
export type OutputAccounting = 'reserved' | 'generated' | 'completion'

/** What a request asks for. */
export interface Demand {
  /** The input tokens that count. */
  readonly inputTokens: number
  /** The longest output, thinking included; 0 for a request that generates nothing. */
  readonly maxOutputTokens: number
  /** The longest thinking; 0 for a request that does not think. */
  readonly maxThinkingTokens: number
}

/** One thing that was charged, in tokens; less than 0 is given back. */
export interface Charged {
  readonly at: number
  readonly tokens: number
}

/** What stands reserved in one window until the request is over. */
export interface Reservation {
  readonly counter: Counter
  readonly posting: Posting
  /** What to make of it, from what was used in the end. */
  readonly settle: (inputTokens: number, outputTokens: number, thinkingTokens: number) => number
}

/** The limits that a request is charged to: those of its model, or of its key. */
export interface ChargedLimits {
  /** Charges the request, whether or not there is room. */
  enter(demand: Demand, now: number): Reservation[]
  /** Charges output when it counts. */
  postOutput(tokens: number, thinking: number, now: number): void
  /** The request is over. */
  leave(): void
}

/** What one admitted request is charged, from its admission to its end, by all that it counts against. */
export class Charge {
  readonly inputTokens: number
  /** The tokens that were charged when the request was let in: the input, and with `reserved` the longest output. */
  readonly atAdmission: number
  outputTokens = 0
  thinkingTokens = 0
  /** Each charge, in the order of time. */
  readonly charges: Charged[]
  readonly #charging: OutputAccounting
  readonly #throttles: readonly ChargedLimits[]
  readonly #reservations: readonly Reservation[]
  #open = true

  constructor(throttles: readonly ChargedLimits[], demand: Demand, charging: OutputAccounting, now: number) {
    this.inputTokens = demand.inputTokens
    this.atAdmission = demand.inputTokens + (charging === 'reserved' ? demand.maxOutputTokens : 0)
    this.charges = [{ at: now, tokens: this.atAdmission }]
    this.#charging = charging
    this.#throttles = throttles
    this.#reservations = throttles.flatMap((throttle) => throttle.enter(demand, now))
  }

  /** `tokens` more have been generated, `thinking` of them thinking. */
  generate(tokens: number, now: number, thinking = 0): void {
    if (!this.#open || tokens <= 0) return
    this.outputTokens += tokens
    this.thinkingTokens += thinking
    if (this.#charging === 'generated') this.#post(tokens, thinking, now)
  }

  /** The request is over. The second call does nothing. */
  close(now: number): void {
    if (!this.#open) return
    this.#open = false
    for (const throttle of this.#throttles) throttle.leave()
    const { inputTokens, outputTokens, thinkingTokens } = this
    if (this.#charging === 'completion' && outputTokens > 0) this.#post(outputTokens, thinkingTokens, now)
    if (this.#charging !== 'reserved') return
    for (const { counter, posting, settle } of this.#reservations) {
      counter.correct(posting, settle(inputTokens, outputTokens, thinkingTokens), now)
    }
    const given = inputTokens + outputTokens - this.atAdmission
    if (given !== 0) this.charges.push({ at: now, tokens: given })
  }

  #post(tokens: number, thinking: number, now: number): void {
    for (const throttle of this.#throttles) throttle.postOutput(tokens, thinking, now)
    this.charges.push({ at: now, tokens })
  }
}
