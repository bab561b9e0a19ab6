import type { Clock } from '../../src/clock.js'

/** Virtual time in which something is always next: the clock of a whole run, of the server as of the client. */
export interface Timeline extends Clock {
  /** Fires what is due next, at its own time; false if nothing is left. */
  step(): boolean
  /** Gives back what it took of the process. */
  end(): void
}

interface Timer {
  readonly at: number
  /** Those of one time fire in the order in which they were set. */
  readonly order: number
  callback: (() => void) | undefined
}

/** Where time begins: not at 0, which some clients take for "never". */
export const START_MS = 1_000_000

/** A discrete-event clock with fractions of milliseconds: timers in a binary heap. */
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

  /** It stays in the heap until its time has come: taking it out would need a search. */
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

// Taken before any client's timers are replaced.
const { setImmediate } = globalThis

/**
 * Lets all promises that can settle do so. A turn of the immediate queue comes after any chain of them, however long, and
 * takes a microsecond or two; a fixed number of promise turns would have to be guessed for each client.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Lets time pass until `isOver`, or until nothing is left that could happen. */
export async function drive(timeline: Timeline, isOver: () => boolean): Promise<void> {
  await settled()
  while (!isOver() && timeline.step()) await settled()
}
