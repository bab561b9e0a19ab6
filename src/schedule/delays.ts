interface Entry<T> {
  readonly dueAt: number
  /** Equal times keep their order of arrival. */
  readonly order: number
  readonly item: T
  removed: boolean
}

/**
 * Items that are due later, earliest first: a binary heap. Removing marks an entry; marked ones are dropped when they
 * come up or when they are the greater part, so that every operation is O(log n) on the average.
 */
export class Delays<T> {
  #heap: Entry<T>[] = []
  readonly #entries = new Map<T, Entry<T>>()
  #order = 0

  get size(): number {
    return this.#entries.size
  }

  /** When the first is due; Infinity if there is none. */
  get nextDueAt(): number {
    this.#dropRemoved()
    return this.#heap[0]?.dueAt ?? Infinity
  }

  add(item: T, dueAt: number): void {
    const entry = { dueAt, order: this.#order++, item, removed: false }
    this.#entries.set(item, entry)
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
  }

  /** Takes out the first item that is due at `now`. */
  takeDue(now: number): T | undefined {
    const first = this.nextDueAt <= now ? this.#heap[0] : undefined
    if (first === undefined) return undefined
    const { item } = first
    this.#entries.delete(item)
    this.#removeFirst()
    return item
  }

  /** Takes out an item, wherever it stands. False if it is not here. */
  remove(item: T): boolean {
    const entry = this.#entries.get(item)
    if (entry === undefined) return false
    entry.removed = true
    this.#entries.delete(item)
    if (this.#heap.length > 2 * this.#entries.size + 16) {
      this.#heap = this.#heap.filter(({ removed }) => !removed)
      for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i)
    }
    return true
  }

  /** All items, in no order. */
  items(): IterableIterator<T> {
    return this.#entries.keys()
  }

  #dropRemoved(): void {
    while (this.#heap[0]?.removed === true) this.#removeFirst()
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!
    if (this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
  }

  #isBefore(a: number, b: number): boolean {
    const x = this.#heap[a]!
    const y = this.#heap[b]!
    return x.dueAt < y.dueAt || (x.dueAt === y.dueAt && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = kept
  }

  #rise(at: number): void {
    for (let i = at; i > 0;) {
      const parent = (i - 1) >> 1
      if (!this.#isBefore(i, parent)) return
      this.#swap(i, parent)
      i = parent
    }
  }

  #sink(at: number): void {
    for (let i = at; ;) {
      let least = i
      for (let child = 2 * i + 1; child <= 2 * i + 2 && child < this.#heap.length; child++) {
        if (this.#isBefore(child, least)) least = child
      }
      if (least === i) return
      this.#swap(i, least)
      i = least
    }
  }
}
