/** The numbers of an entry: µs, amount, number of the last charge in it. */
export const STRIDE = 3

/** A log of charges, oldest first, in one array. Charges of one time share an entry. */
export class ChargeLog {
  #entries = new Float64Array(16 * STRIDE)
  #head = 0
  #end = 0
  #sum = 0
  /** Charges up to this one have left the log, or came before it began. */
  #expiredSeq: number

  /** `firstSeq` is the number of the next charge. Earlier charges are not in here, and give nothing back. */
  constructor(firstSeq: number) {
    this.#expiredSeq = firstSeq - 1
  }

  /** The numbers of all entries: {@link STRIDE} each, from {@link head} to before {@link end}. */
  get entries(): Float64Array {
    return this.#entries
  }

  get head(): number {
    return this.#head
  }

  get end(): number {
    return this.#end
  }

  /** The sum of all amounts. */
  get sum(): number {
    return this.#sum
  }

  /** The number of the last charge. 0 if there is none. */
  get lastSeq(): number {
    return this.#end > this.#head ? this.#entries[this.#end - 1]! : 0
  }

  /** Adds a charge. It shares the last entry if that one is as late. `leftByUs`: entries up to this time may be dropped. */
  add(us: number, amount: number, seq: number, leftByUs: number): void {
    this.#sum += amount
    if (this.#end > this.#head && this.#entries[this.#end - STRIDE]! >= us) {
      this.#entries[this.#end - 2]! += amount
      this.#entries[this.#end - 1] = seq
      return
    }
    if (this.#end === this.#entries.length) this.#makeRoom(leftByUs)
    this.#entries[this.#end] = us
    this.#entries[this.#end + 1] = amount
    this.#entries[this.#end + 2] = seq
    this.#end += STRIDE
  }

  /** Undoes the last {@link add}, of `amount`. `length` is end − head before it. */
  undo(amount: number, length: number): void {
    if (this.#end - this.#head > length) this.#end -= STRIDE
    else this.#entries[this.#end - 2]! -= amount
    this.#sum -= amount
  }

  /** Takes back `amount` of charge `seq`, or nothing once that charge has left the log. */
  refund(amount: number, seq: number): void {
    if (seq <= this.#expiredSeq) return
    let low = this.#head / STRIDE
    let high = this.#end / STRIDE
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle * STRIDE + 2]! >= seq) high = middle
      else low = middle + 1
    }
    const at = low * STRIDE
    if (at === this.#end) return
    const given = Math.min(amount, this.#entries[at + 1]!)
    this.#entries[at + 1]! -= given
    this.#sum -= given
  }

  /** Drops the entries up to this time. */
  expire(leftByUs: number): void {
    const entries = this.#entries
    let head = this.#head
    for (; head < this.#end && entries[head]! <= leftByUs; head += STRIDE) {
      this.#sum -= entries[head + 1]!
      this.#expiredSeq = entries[head + 2]!
    }
    this.#head = head
    if (head === this.#end) this.#head = this.#end = 0
  }

  #makeRoom(leftByUs: number): void {
    this.expire(leftByUs)
    if (this.#end < this.#entries.length) return
    const kept = this.#entries.subarray(this.#head, this.#end)
    const isHalfEmpty = this.#head > this.#entries.length >> 1
    const entries = isHalfEmpty ? this.#entries : new Float64Array(2 * this.#entries.length)
    entries.set(kept)
    this.#end = kept.length
    this.#head = 0
    this.#entries = entries
  }
}
