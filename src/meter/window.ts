/** What an {@link ExactWindow} allows. Amounts are requests or tokens; times are whole microseconds. */
export interface WindowRule {
  /** The largest sum of charges in any window. An integer ≥ 1. */
  readonly limit: number
  /** The window's length: W + J, so that what is counted late still falls into the server's next one. */
  readonly spanUs: number
  /** Whether one charge above the limit may pass alone, in an empty window; else it never can. */
  readonly takesLargeAlone: boolean
}

const STRIDE = 3

/**
 * An exact sliding window: a log of charges, each of which counts for `spanUs` from its microsecond on, so that no
 * half-open window (t, t + span] ever holds more than the limit. Charges of one microsecond share an entry.
 */
export class ExactWindow {
  #rule: WindowRule
  /** Entries (µs, amount, seq of the last charge in it), oldest first; a ring of a power of two entries. */
  #log = new Float64Array(16 * STRIDE)
  #mask = 15
  #head = 0
  #size = 0
  #sum = 0

  /** Charges up to this one have left the window, or came before it was there. */
  #expiredSeq: number

  /** `firstSeq` is the number of the next charge: earlier ones are not in here, and so give nothing back. */
  constructor(rule: WindowRule, firstSeq: number) {
    this.#rule = rule
    this.#expiredSeq = firstSeq - 1
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
    for (let i = 0; i < this.#size; i++) {
      const at = ((this.#head + i) & this.#mask) * STRIDE
      surplus -= this.#log[at + 1]!
      if (surplus <= 0) return this.#log[at]! + spanUs
    }
    return nowUs
  }

  /**
   * When `amount` passes if `ahead` is charged before it, each part as soon as it may. What leaves a window makes the same
   * room again a span later, so whole windows are added to the time of the rest.
   */
  afterUs(ahead: number, amount: number, nowUs: number): number {
    const { limit, spanUs } = this.#rule
    const total = ahead + Math.min(amount, limit)
    if (total <= 0) return nowUs
    const windows = Math.ceil(total / limit) - 1
    return this.earliestUs(total - windows * limit, nowUs) + windows * spanUs
  }

  charge(amount: number, nowUs: number, seq: number): void {
    this.#expire(nowUs)
    this.#sum += amount
    if (this.#size > 0) {
      const last = ((this.#head + this.#size - 1) & this.#mask) * STRIDE
      if (this.#log[last] === nowUs) {
        this.#log[last + 1]! += amount
        this.#log[last + 2] = seq
        return
      }
    }
    if (this.#size > this.#mask) this.#grow()
    const at = ((this.#head + this.#size) & this.#mask) * STRIDE
    this.#log[at] = nowUs
    this.#log[at + 1] = amount
    this.#log[at + 2] = seq
    this.#size++
  }

  /** Takes back `amount` of what charge `seq` put in; nothing once that has left the window. */
  refund(amount: number, seq: number, nowUs: number): void {
    this.#expire(nowUs)
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#log[((this.#head + middle) & this.#mask) * STRIDE + 2]! >= seq) high = middle
      else low = middle + 1
    }
    if (low === this.#size) return
    const at = ((this.#head + low) & this.#mask) * STRIDE
    // An entry that is newer than the charge: the charge itself has left.
    if (this.#firstSeqOf(low) > seq) return
    const given = Math.min(amount, this.#log[at + 1]!)
    this.#log[at + 1]! -= given
    this.#sum -= given
  }

  /** Takes a new rule; what is in the window stays in it. */
  setRule(rule: WindowRule): void {
    this.#rule = rule
  }

  get limit(): number {
    return this.#rule.limit
  }

  get spanUs(): number {
    return this.#rule.spanUs
  }

  /** What the window holds now. */
  used(nowUs: number): number {
    this.#expire(nowUs)
    return this.#sum
  }

  /** When the oldest charge leaves; `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    this.#expire(nowUs)
    return this.#size === 0 ? nowUs : this.#log[this.#head * STRIDE]! + this.#rule.spanUs
  }

  /** The lowest number of a charge that entry `index` can hold. */
  #firstSeqOf(index: number): number {
    if (index === 0) return this.#expiredSeq + 1
    return this.#log[((this.#head + index - 1) & this.#mask) * STRIDE + 2]! + 1
  }

  #expire(nowUs: number): void {
    const leftBy = nowUs - this.#rule.spanUs
    while (this.#size > 0) {
      const at = this.#head * STRIDE
      if (this.#log[at]! > leftBy) return
      this.#sum -= this.#log[at + 1]!
      this.#expiredSeq = this.#log[at + 2]!
      this.#head = (this.#head + 1) & this.#mask
      this.#size--
    }
  }

  #grow(): void {
    const larger = new Float64Array(this.#log.length * 2)
    const headAt = this.#head * STRIDE
    larger.set(this.#log.subarray(headAt))
    larger.set(this.#log.subarray(0, headAt), this.#log.length - headAt)
    this.#log = larger
    this.#head = 0
    this.#mask = this.#mask * 2 + 1
  }
}
