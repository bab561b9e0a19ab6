import type { ThrottleClass } from '../types.js'

/** Records what happens to the requests of a model or a tenant. Times are the clock's ms. */
export interface Recorder {
  /** A request was sent. */
  call(now: number): void
  /** A request that was sent did not succeed. */
  failure(now: number): void
  /** A request used this many tokens. If its usage is not known, it is the number that was charged. */
  tokens(tokens: number, now: number): void
  /** The service refused a request with a 429 of this class. */
  throttled(kind: ThrottleClass, now: number): void
  /** The service counted a request against other limits than its model's own. */
  overflowed(now: number): void
  /** An answer ended. `firstTokenMs` is undefined if the time to the first token was not measured. */
  answered(latencyMs: number, firstTokenMs: number | undefined, now: number): void
}

/** Passes each record on to several recorders. */
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
