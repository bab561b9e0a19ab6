/** Tells when nothing waits and nothing runs. */
export class Idle {
  readonly #waiting: () => number
  /** Attempts that have not both run and settled. */
  #busy = 0
  #waiters: (() => void)[] = []

  /** `waiting`: how many requests wait. */
  constructor(waiting: () => number) {
    this.#waiting = waiting
  }

  begin(): void {
    this.#busy++
  }

  end(): void {
    this.#busy--
    this.check()
  }

  /** To be called after requests left a queue without running. */
  check(): void {
    if (this.#waiters.length === 0 || this.#busy > 0 || this.#waiting() > 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const tell of waiters) tell()
  }

  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.check()
    })
  }
}
