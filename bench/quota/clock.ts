import type { Clock } from '../../src/clock.js'

/** The virtual clock of a whole run, shared by the server and the client. */
export interface Timeline extends Clock {
  /** Fires the next timer at its own time. False if no timer is left. */
  step(): boolean
  /** Restores the parts of the process that it replaced. */
  end(): void
}

interface Timer {
  readonly at: number
  /** Timers with the same time fire in the order in which they were set. */
  readonly order: number
  callback: (() => void) | undefined
}

/** The time at which a run begins, in ms. It is not 0, which some clients read as "never". */
export const START_MS = 1_000_000

/** A discrete-event clock with fractions of milliseconds. Its timers are in a binary heap. */
export class EventTimeline implements Timeline {
  #now = START_MS
  #order = 0
  readonly #heap: Timer[] = []

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: ++this.#order, callback }
    this.#push(timer)
    return timer
  }

  /** A cleared timer stays in the heap until its time, because removing it would need a search. */
  clearTimeout(handle: unknown): void {
    ;(handle as Timer).callback = undefined
  }

  step(): boolean {
    for (let timer = this.#pop(); timer !== undefined; timer = this.#pop()) {
      const { at, callback } = timer
      if (callback === undefined) continue
      timer.callback = undefined
      this.#now = at
      callback()
      return true
    }
    return false
  }

  end(): void {
    this.#heap.length = 0
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let index = heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (isBefore(heap[parent]!, timer)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = timer
  }

  #pop(): Timer | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

// Saved before a client's timers are replaced.
const { setImmediate } = globalThis

/**
 * Waits until all promises that can settle have settled.
 *
 * The immediate queue runs after any chain of promises, however long, and takes a microsecond or two. A fixed number of
 * promise turns would have to be guessed for each client.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Advances time until `isOver`, or until no timer is left. */
export async function drive(timeline: Timeline, isOver: () => boolean): Promise<void> {
  await settled()
  while (!isOver() && timeline.step()) await settled()
}
