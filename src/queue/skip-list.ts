/** Where an item stands in an {@link SkipList}. */
export class SkipListNode<T> {
  readonly item: T
  readonly key: number
  /** Equal keys keep their order of arrival. */
  readonly order: number
  /** The next place at each height; at height 0 simply the next. */
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

/** Enough for 4^16 items. */
const MAX_HEIGHT = 16

/** Of a search, the last place before it at each height. One for all lists: a search is over before the next begins. */
const before: SkipListNode<unknown>[] = []

/**
 * Items in the order of a number each, least first, equal ones in the order of their coming: a skip list. Adding and
 * removing anywhere is O(log n) on the average, going on from one to the next O(1).
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

  /** The place must be of this list, and in it. */
  remove(place: SkipListNode<T>): void {
    this.#seek(place.key, place.order)
    for (let height = 0; height < place.after.length; height++) {
      before[height]!.after[height] = place.after[height]
    }
    this.#size--
  }

  /** The first place whose key is no less. */
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

  /** One in four goes a step higher (xorshift: which ones does not matter, but it must not follow a pattern of the keys). */
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
