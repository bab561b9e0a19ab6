/** An item of a {@link SkipList}, with its links. */
export class SkipListNode<T> {
  readonly item: T
  readonly key: number
  /** The number of the item in the order of insertion: items of equal keys keep that order. */
  readonly order: number
  /** The next node at each height. At height 0 it is simply the next one. */
  readonly after: (SkipListNode<T> | undefined)[]

  constructor(item: T, key: number, order: number, height: number) {
    this.item = item
    this.key = key
    this.order = order
    this.after = Array.from<undefined>({ length: height })
  }

  get next(): SkipListNode<T> | undefined {
    return this.after[0]
  }
}

/**
 * The most levels of a list. Derived: each level holds a quarter of the one below, so 16 levels suffice for 4^16 = 4e9
 * items, more than fit in memory. Smaller: searches in very large lists grow linear.
 */
const MAX_HEIGHT = 16

/**
 * The result of the last search: the last node before the place, at each height. All lists share it, since one search
 * ends before the next begins.
 */
const before: SkipListNode<unknown>[] = []

/**
 * Items in ascending order of a number each; equal ones in the order in which they were added. Adding and removing take
 * O(log n) on average, and each step to the next item O(1).
 */
export class SkipList<T> {
  readonly #head = new SkipListNode<T>(undefined as T, -Infinity, -1, 1)
  #size = 0
  #order = 0
  #seed = 0x9e3779b9

  get size(): number {
    return this.#size
  }

  get first(): SkipListNode<T> | undefined {
    return this.#head.after[0]
  }

  add(item: T, key: number): SkipListNode<T> {
    const place = new SkipListNode(item, key, this.#order++, this.#nextHeight())
    this.#seek(key, place.order)
    for (let height = 0; height < place.after.length; height++) {
      const at = before[height] as SkipListNode<T>
      place.after[height] = at.after[height]
      at.after[height] = place
    }
    this.#size++
    return place
  }

  /** Removes an item by its node, which must be in this list. */
  remove(place: SkipListNode<T>): void {
    this.#seek(place.key, place.order)
    for (let height = 0; height < place.after.length; height++) {
      before[height]!.after[height] = place.after[height]
    }
    this.#size--
  }

  /** The first node whose key is at least `key`. */
  atLeast(key: number): SkipListNode<T> | undefined {
    this.#seek(key, -1)
    return before[0]!.after[0] as SkipListNode<T> | undefined
  }

  #seek(key: number, order: number): void {
    let at = this.#head
    for (let height = this.#head.after.length - 1; height >= 0; height--) {
      for (let next = at.after[height]; next !== undefined; next = at.after[height]) {
        if (next.key > key || (next.key === key && next.order >= order)) break
        at = next
      }
      before[height] = at as SkipListNode<unknown>
    }
  }

  /**
   * Draws the height of a new node: each further level with probability 1/4. The numbers come from xorshift, so they do
   * not follow a pattern of the keys, and each run is the same.
   */
  #nextHeight(): number {
    let bits = this.#seed
    bits ^= bits << 13
    bits ^= bits >>> 17
    bits ^= bits << 5
    this.#seed = bits
    let height = 1
    for (; height < MAX_HEIGHT && (bits & 3) === 0; bits >>>= 2) height++
    while (this.#head.after.length < height) this.#head.after.push(undefined)
    return height
  }
}
