/** What a single call of a wrapped client was given. */
export interface FetchCallArguments {
  readonly maxRetries: number | undefined
  readonly timeoutMs: number | undefined
}

/**
 * One call of a wrapped client with a `maxRetries` or a `timeout` of its own, over all that the client makes of it. What
 * gets no answer the client repeats by itself, all else is repeated below it: this counts both as one.
 */
export class FetchCall {
  readonly timeoutMs: number | undefined
  /** Retries that are left; undefined where the call does not say. */
  #left: number | undefined
  #hasBegun = false
  #error: unknown

  constructor({ maxRetries, timeoutMs }: FetchCallArguments) {
    this.#left = maxRetries
    this.timeoutMs = timeoutMs
  }

  get retriesLeft(): number | undefined {
    return this.#left
  }

  /**
   * To be called each time that the client sends the call.
   * @throws what it failed by, where its retries are used up
   */
  begin(): void {
    const isRepeated = this.#hasBegun
    this.#hasBegun = true
    if (!isRepeated || this.#left === undefined) return
    if (this.#left === 0) throw this.#error
    this.#left--
  }

  /** It got no answer, after so many retries below the client. */
  failed(error: unknown, retries: number): void {
    this.#error = error
    if (this.#left !== undefined) this.#left = Math.max(0, this.#left - retries)
  }
}
