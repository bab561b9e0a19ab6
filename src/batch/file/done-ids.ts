import * as crypto from 'node:crypto'

/** Flags of an id. They can be combined. This one: the id appeared in the input. */
export const SEEN = 1
/** The output holds the id. */
export const DONE = 2
/** The id is in a batch. */
export const IN_BATCH = 4

/** Initial number of slots of the hash table. Chosen. It must be a power of two. It only affects the first growths. */
const INITIAL_SLOTS = 1024
/**
 * Maximum share of filled slots before the table doubles. Chosen.
 * A larger value makes probes longer. A smaller value costs memory. At 1, a lookup would never end.
 */
const MAX_FILLED_SHARE = 0.7

/**
 * A set of ids with flags. One million ids take 19 to 38 MB, because only the first 64 bits of each SHA-1 are kept.
 * The probability that two of one million ids collide is 1 in 37 million.
 */
export class DoneIds {
  /** Two words for each slot. Both are 0 in an empty slot. */
  #words = new Uint32Array(2 * INITIAL_SLOTS)
  #flags = new Uint8Array(INITIAL_SLOTS)
  #size = 0

  /** The number of ids. */
  get size(): number {
    return this.#size
  }

  /** Adds a flag to `id` and returns its flags from before, 0 if the id is new. */
  add(id: string, flag: typeof SEEN | typeof DONE | typeof IN_BATCH): number {
    const digest = digestOf(id)
    const low = digest.readUInt32LE(0) || 1
    const slot = this.#slotOf(low, digest.readUInt32LE(4))
    const before = this.#flags[slot]!
    this.#flags[slot] = before | flag
    if (before === 0) {
      this.#words[2 * slot] = low
      this.#words[2 * slot + 1] = digest.readUInt32LE(4)
      this.#size++
      if (this.#size > MAX_FILLED_SHARE * this.#flags.length) this.#grow()
    }
    return before
  }

  /** Returns the flags of `id`, 0 if it is unknown. */
  known(id: string): number {
    const digest = digestOf(id)
    return this.#flags[this.#slotOf(digest.readUInt32LE(0) || 1, digest.readUInt32LE(4))]!
  }

  /** Returns the slot of an id, or the empty slot where it belongs. */
  #slotOf(low: number, high: number): number {
    const mask = this.#flags.length - 1
    let slot = (low ^ high) & mask
    while (this.#flags[slot] !== 0 && (this.#words[2 * slot] !== low || this.#words[2 * slot + 1] !== high)) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [words, flags] = [this.#words, this.#flags]
    this.#words = new Uint32Array(2 * words.length)
    this.#flags = new Uint8Array(2 * flags.length)
    for (let from = 0; from < flags.length; from++) {
      if (flags[from] === 0) continue
      const [low, high] = [words[2 * from]!, words[2 * from + 1]!]
      const slot = this.#slotOf(low, high)
      this.#words[2 * slot] = low
      this.#words[2 * slot + 1] = high
      this.#flags[slot] = flags[from]!
    }
  }
}

function digestOf(id: string): Buffer {
  return crypto.hash('sha1', id, 'buffer')
}
