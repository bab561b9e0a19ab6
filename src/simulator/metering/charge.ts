import type { Counter, Posting } from './create-counter.js'

/** When output tokens are charged; see `SimulatorOptions.outputAccounting`. */
export type OutputAccounting = 'reserved' | 'generated' | 'completion'

/** The tokens that a request asks the limits for. */
export interface Demand {
  /** The input tokens that count against the limits. */
  readonly inputTokens: number
  /** The longest possible output, thinking included. 0 for a request that generates nothing. */
  readonly maxOutputTokens: number
  /** The longest possible thinking. 0 for a request that does not think. */
  readonly maxThinkingTokens: number
}

/** One charge in tokens, and its time in clock milliseconds. A negative one is a refund. */
export interface Charged {
  readonly at: number
  readonly tokens: number
}

/** A reservation in one window. It is corrected when the request is over. */
export interface Reservation {
  readonly counter: Counter
  readonly posting: Posting
  /** The final amount, computed from the tokens that the request used. */
  readonly settle: (inputTokens: number, outputTokens: number, thinkingTokens: number) => number
}

/** Limits that a request is charged to: those of its model, or those of its workspace. */
export interface ChargedLimits {
  /** Charges the request, also if a limit has no room for it. */
  enter(demand: Demand, now: number): Reservation[]
  /** Charges output tokens after they were generated. */
  postOutput(tokens: number, thinking: number, now: number): void
  /** Ends an admitted request. */
  leave(): void
}

/** The charge of one admitted request, from its admission to its end, to all limits that count it. */
export class Charge {
  readonly inputTokens: number
  /** The tokens that were charged at admission: the input, and with `reserved` also the longest output. */
  readonly atAdmission: number
  outputTokens = 0
  thinkingTokens = 0
  /** All charges, in order of time. */
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

  /** Records `tokens` more output tokens. `thinking` is how many of them are thinking. */
  generate(tokens: number, now: number, thinking = 0): void {
    if (!this.#open || tokens <= 0) return
    this.outputTokens += tokens
    this.thinkingTokens += thinking
    if (this.#charging === 'generated') this.#post(tokens, thinking, now)
  }

  /** Ends the charge and corrects its reservations. A second call does nothing. */
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
    const change = inputTokens + outputTokens - this.atAdmission
    if (change !== 0) this.charges.push({ at: now, tokens: change })
  }

  #post(tokens: number, thinking: number, now: number): void {
    for (const throttle of this.#throttles) throttle.postOutput(tokens, thinking, now)
    this.charges.push({ at: now, tokens })
  }
}
