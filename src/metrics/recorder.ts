import type { ThrottleClass } from '../types.js'

/** What hears of each request of a model. Times are the clock's ms. */
export interface Recorder {
  /** A request was sent. */
  call(now: number): void
  /** One that was sent did not succeed. */
  failure(now: number): void
  /** So many tokens were used, or are taken to have been. */
  tokens(tokens: number, now: number): void
  /** The service refused one. */
  throttled(kind: ThrottleClass, now: number): void
  /** The service counted one against other limits than its model's own. */
  overflowed(now: number): void
  /** An answer came in full. */
  answered(latencyMs: number, firstTokenMs: number | undefined, now: number): void
}

/** Several that hear the same. */
export class Recorders implements Recorder {
  readonly #all: readonly Recorder[]

  constructor(...all: readonly Recorder[]) {
    this.#all = all
  }

  call(now: number): void {
    for (const each of this.#all) each.call(now)
  }

  failure(now: number): void {
    for (const each of this.#all) each.failure(now)
  }

  tokens(tokens: number, now: number): void {
    for (const each of this.#all) each.tokens(tokens, now)
  }

  throttled(kind: ThrottleClass, now: number): void {
    for (const each of this.#all) each.throttled(kind, now)
  }

  overflowed(now: number): void {
    for (const each of this.#all) each.overflowed(now)
  }

  answered(latencyMs: number, firstTokenMs: number | undefined, now: number): void {
    for (const each of this.#all) each.answered(latencyMs, firstTokenMs, now)
  }
}
