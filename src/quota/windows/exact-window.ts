/** What an {@link ExactWindow} allows. Amounts are requests or tokens; times are whole microseconds. */
export interface WindowRule {
  /** The largest sum of charges in any window. An integer ≥ 1. */
  readonly limit: number
  /** The window's length: W + J, so that what is counted late still falls into the server's next one. */
  readonly spanUs: number
  /** Whether one charge above the limit may pass alone, in an empty window; else it never can. */
  readonly takesLargeAlone: boolean
}

/** An entry: µs, amount, number of the last charge in it. */
const STRIDE = 3
/**
 * The size of the first block and of the largest one, in numbers. An idle model costs 384 bytes a window. Blocks double up to 12 KiB:
 * smaller ones would make more arrays in a burst, larger ones would keep more memory after it.
 */
const MIN_BLOCK = 16 * STRIDE
const MAX_BLOCK = 512 * STRIDE

/**
 * An exact sliding window: a log of charges, each of which counts for `spanUs` from its microsecond on. So no half-open window
 * (t, t + span] ever holds more than the limit. Charges of one microsecond share an entry.
 *
 * The log is a list of blocks. It grows without copying, and frees the memory of a burst. Charges that have left the window are
 * dropped when a block is full, or when a question needs more than whether there is room.
 */
export class ExactWindow {
  #rule: WindowRule
  #limit = 0
  /** Entries, oldest first; all blocks but the last are full. */
  readonly #blocks: Float64Array<ArrayBuffer>[]
  #lastBlock = new Float64Array(MIN_BLOCK)
  /** Where the oldest entry begins in the first block, and where the next one will in the last. */
  #head = 0
  #end = 0
  #sum = 0
  /** Charges up to this one have left the window, or came before it was there. */
  #expiredSeq = 0

  /** `firstSeq` is the number of the next charge: earlier ones are not in here, and so give nothing back. */
  constructor(rule: WindowRule, firstSeq: number) {
    this.#rule = rule
    this.#limit = rule.limit
    this.#blocks = [this.#lastBlock]
    this.#expiredSeq = firstSeq - 1
  }

  /** Whether `amount` is certain to pass now. If not, {@link earliestUs} says: charges that have left since add room. */
  hasRoom(amount: number, _nowUs?: number): boolean {
    return this.#sum + amount <= this.#limit
  }

  /** When `amount` passes if nothing else is charged before: `nowUs` if at once, Infinity if never. */
  earliestUs(amount: number, nowUs: number): number {
    this.#expire(nowUs)
    const { limit, spanUs, takesLargeAlone } = this.#rule
    let surplus = this.#sum + amount - limit
    if (surplus <= 0) return nowUs
    if (amount > limit) {
      if (!takesLargeAlone) return Infinity
      if (this.#sum === 0) return nowUs
      surplus = this.#sum
    }
    let at = this.#head
    for (const block of this.#blocks) {
      for (const end = this.#endOf(block); at < end; at += STRIDE) {
        surplus -= block[at + 1]!
        if (surplus <= 0) return block[at]! + spanUs
      }
      at = 0
    }
    return nowUs
  }

  /**
   * When `amount` passes if `ahead` is charged before it, each part as soon as it may. A charge that leaves the window makes the
   * same room again a span later. So the answer is the time of the rest, and a span for each whole limit.
   */
  afterUs(ahead: number, amount: number, nowUs: number): number {
    const { limit, spanUs } = this.#rule
    const total = ahead + Math.min(amount, limit)
    if (total <= 0) return nowUs
    const windows = Math.ceil(total / limit) - 1
    return this.earliestUs(total - windows * limit, nowUs) + windows * spanUs
  }

  charge(amount: number, nowUs: number, seq: number): void {
    let block = this.#lastBlock
    let end = this.#end
    this.#sum += amount
    if (end > 0 && block[end - STRIDE] === nowUs) {
      block[end - 2]! += amount
      block[end - 1] = seq
      return
    }
    if (end === block.length) {
      block = this.#nextBlock(nowUs)
      end = this.#end
    }
    block[end] = nowUs
    block[end + 1] = amount
    block[end + 2] = seq
    this.#end = end + STRIDE
  }

  /**
   * Takes back `amount` of charge `seq`, or nothing once that charge has left the window. `onGiven` gets the amount, and the
   * time of the charge.
   */
  refund(amount: number, seq: number, nowUs: number, onGiven?: (given: number, chargedUs: number) => void): void {
    this.#expire(nowUs)
    if (seq <= this.#expiredSeq) return
    let block = this.#lastBlock
    for (let i = this.#blocks.length - 2; i >= 0 && this.#blocks[i]!.at(-1)! >= seq; i--) block = this.#blocks[i]!
    let low = block === this.#blocks[0] ? this.#head / STRIDE : 0
    const end = this.#endOf(block)
    let high = end / STRIDE
    while (low < high) {
      const middle = (low + high) >> 1
      if (block[middle * STRIDE + 2]! >= seq) high = middle
      else low = middle + 1
    }
    const at = low * STRIDE
    if (at === end) return
    const given = Math.min(amount, block[at + 1]!)
    block[at + 1]! -= given
    this.#sum -= given
    onGiven?.(given, block[at]!)
  }

  /** Visits what the window holds: amounts, and when they were charged. */
  forEach(nowUs: number, visit: (amount: number, chargedUs: number) => void): void {
    this.#expire(nowUs)
    let at = this.#head
    for (const block of this.#blocks) {
      for (const end = this.#endOf(block); at < end; at += STRIDE) visit(block[at + 1]!, block[at]!)
      at = 0
    }
  }

  /** Sets a new rule and keeps the charges. */
  setRule(rule: WindowRule): void {
    this.#rule = rule
    this.#limit = rule.limit
  }

  get limit(): number {
    return this.#rule.limit
  }

  get spanUs(): number {
    return this.#rule.spanUs
  }

  /** The sum of the charges in the window. */
  used(nowUs: number): number {
    this.#expire(nowUs)
    return this.#sum
  }

  /** When the oldest charge leaves. `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    this.#expire(nowUs)
    const first = this.#blocks[0]!
    return this.#head === this.#endOf(first) ? nowUs : first[this.#head]! + this.#rule.spanUs
  }

  #endOf(block: Float64Array<ArrayBuffer>): number {
    return block === this.#lastBlock ? this.#end : block.length
  }

  #expire(nowUs: number): void {
    const leftBy = nowUs - this.#rule.spanUs
    for (;;) {
      const block = this.#blocks[0]!
      const end = this.#endOf(block)
      let at = this.#head
      for (; at < end && block[at]! <= leftBy; at += STRIDE) {
        this.#sum -= block[at + 1]!
        this.#expiredSeq = block[at + 2]!
      }
      this.#head = at
      if (at < end) return
      this.#head = 0
      if (block === this.#lastBlock) {
        this.#end = 0
        return
      }
      this.#blocks.shift()
    }
  }

  /** The block in which the next entry goes where the last one is full: that one, if all in it has left. */
  #nextBlock(nowUs: number): Float64Array<ArrayBuffer> {
    this.#expire(nowUs)
    if (this.#end > 0) {
      this.#lastBlock = new Float64Array(Math.min(this.#lastBlock.length * 2, MAX_BLOCK))
      this.#blocks.push(this.#lastBlock)
      this.#end = 0
    }
    return this.#lastBlock
  }
}
