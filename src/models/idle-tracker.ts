/** Knows when no request waits and none runs. */
export class IdleTracker {
  readonly #waiting: () => number
  /** Attempts that have not both run and settled. */
  #busy = 0
  #waiters: (() => void)[] = []
  readonly #around: IdleTracker | undefined

  /** `waiting` counts the requests that wait. `around`: the tracker of the account, if this is a workspace's. */
  constructor(waiting: () => number, around?: IdleTracker) {
    this.#waiting = waiting
    this.#around = around
  }

  begin(): void {
    this.#busy++
    this.#around?.begin()
  }

  end(): void {
    this.#busy--
    this.#check()
    this.#around?.end()
  }

  /** To be called after requests left a queue and did not run. */
  check(): void {
    this.#check()
    this.#around?.check()
  }

  #check(): void {
    if (this.#waiters.length === 0 || this.#busy > 0 || this.#waiting() > 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const tell of waiters) tell()
  }

  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#check()
    })
  }
}
