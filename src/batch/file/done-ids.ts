import * as crypto from 'node:crypto'

/** What is known of an id; may be added. */
export const SEEN = 1
export const DONE = 2
/** It is in a batch. */
export const IN_BATCH = 4

const INITIAL_SLOTS = 1024
/** Of all slots, this part is filled before there are twice as many. */
const MAX_FILLED_SHARE = 0.7

/**
 * Which ids came up in the input, and which stand in the output: a million in 19 to 38 MB. Ids are kept as the first 64 bits
 * of their SHA-1: that two of a million are taken for one has a chance of 1 in 37 million.
 */
export class DoneIds {
  /** Two words a slot; both 0 where it is empty. */
  #words = new Uint32Array(2 * INITIAL_SLOTS)
  #flags = new Uint8Array(INITIAL_SLOTS)
  #size = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Adds to what is known of `id`, and returns what was known before: 0 if nothing. */
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

  /** What is known of `id`: 0 if nothing. */
  known(id: string): number {
    const digest = digestOf(id)
    return this.#flags[this.#slotOf(digest.readUInt32LE(0) || 1, digest.readUInt32LE(4))]!
  }

  /** Where it is, or where it is to be put. */
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
