import type { Clock } from '../../src/clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Time that passes only when told to. Timers fire in the order of their times; promises run dry after each. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #timers = new Map<number, Timer>()
  /** A binary heap of them, the next to fire first; those that were cleared stay in it until they come first. */
  readonly #heap: Timer[] = []

  constructor(now = 1000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const timer = { at: this.#now + Math.max(0, delayMs), order: ++this.#order, callback }
    this.#timers.set(timer.order, timer)
    this.#push(timer)
    return timer.order
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number)
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, firing what is due at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settlePromises()
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) await this.#fire(next)
    this.#now = until
  }

  /** Fires timers until none is left, or `limitMs` have passed. */
  async run(limitMs = 24 * 3_600_000): Promise<void> {
    const until = this.#now + limitMs
    await settlePromises()
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) await this.#fire(next)
  }

  /** Jumps without firing anything, also backward. */
  jump(ms: number): void {
    this.#now += ms
  }

  #next(): Timer | undefined {
    while (this.#heap.length > 0 && !this.#timers.has(this.#heap[0]!.order)) this.#pop()
    return this.#heap[0]
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.length
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(timer, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer.order)
    this.#now = Math.max(this.#now, timer.at)
    timer.callback()
    await settlePromises()
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Lets all promises that can settle do so: a turn of the event loop's immediate queue comes after them. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
