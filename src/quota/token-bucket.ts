/** How a {@link TokenBucket} fills. Amounts are requests or tokens; times are whole microseconds. */
export interface BucketRule {
  /** What flows in during `periodUs`. An integer ≥ 1. */
  readonly amount: number
  /** The time in which `amount` flows in. */
  readonly periodUs: number
  /** The depth, as the time that filling it takes: burst b = amount × burstUs ÷ periodUs. */
  readonly burstUs: number
  /** J: how much later than one request another may be counted. Only a charge above the depth needs it. */
  readonly jitterUs: number
  /** A refund later than this after its charge gives nothing: by then its window is gone. */
  readonly refundableUs: number
}

/**
 * The largest level, and the deepest debt, in token·ticks. It is half of the largest exact integer (2^53), so that the sum of a level
 * and a charge stays exact. A debt is cut off here: that is at least the inflow of a whole period.
 */
export const MAX_LEVEL = 2 ** 52

/**
 * A token bucket in exact integers. The level counts token·ticks: a tick adds `amount`, a token costs the ticks of a period, and
 * nothing is ever rounded. The tick is the finest of µs, ms and s at which a full period still is an exact integer.
 *
 * A charge above the depth leaves a debt, and later charges wait for it. It passes once the bucket has been full for J: the server
 * may have counted earlier requests J late, and only then is its bucket full for certain.
 */
export class TokenBucket {
  #amount = 0
  #periodTicks = 1
  #depth = 0
  /** The depth and the inflow during J. The level rises up to here, but only a charge above the depth uses the part above. */
  #ceiling = 0
  #usPerTick = 1
  #refundableUs = 0
  #level = 0
  /** The tick at which the level holds. It lies ahead while the bucket is held empty. */
  #tick = 0
  /** The least headroom since each charge; see {@link refund}. Triples (seq, headroom, µs), headroom ascending. */
  #floors = new Float64Array(24)
  #first = 0
  #last = 0
  #countsLate = false
  /** Reservations up to this one get nothing back. */
  #forgottenSeq = 0

  /** Starts empty at `emptySinceUs` and has filled since then. `firstSeq` is the number of the next charge. */
  constructor(rule: BucketRule, emptySinceUs: number, nowUs: number, firstSeq: number) {
    this.#forgottenSeq = firstSeq - 1
    this.#setRule(rule)
    this.#tick = Math.ceil(Math.min(emptySinceUs, nowUs) / this.#usPerTick)
    this.#refill(nowUs)
  }

  /** Whether `amount` passes now without a debt. */
  hasRoom(amount: number, nowUs: number): boolean {
    const scaled = amount * this.#periodTicks
    return scaled <= this.#depth && scaled <= this.#refill(nowUs)
  }

  /** When `amount` passes if nothing else is charged before. `nowUs` if at once, else the first microsecond. */
  earliestUs(amount: number, nowUs: number): number {
    const level = this.#refill(nowUs)
    const scaled = amount * this.#periodTicks
    const need = this.#needOf(scaled)
    if (level >= need) return nowUs
    return (this.#tick + Math.ceil((need - level) / this.#amount)) * this.#usPerTick
  }

  /** When `amount` passes if `ahead` is charged before it, each part as soon as it may. */
  afterUs(ahead: number, amount: number, nowUs: number): number {
    if (ahead === 0) return this.earliestUs(amount, nowUs)
    // The first charge loses the part above the depth.
    const level = Math.min(this.#refill(nowUs), this.#depth)
    const scaled = amount * this.#periodTicks
    const need = this.#needOf(scaled) + ahead * this.#periodTicks
    if (level >= need) return nowUs
    return (this.#tick + Math.ceil((need - level) / this.#amount)) * this.#usPerTick
  }

  charge(amount: number, nowUs: number, seq: number): void {
    const level = Math.min(this.#refill(nowUs), this.#depth)
    this.#pushFloor(seq, this.#depth - level, nowUs)
    this.#level = Math.max(level - amount * this.#periodTicks, -MAX_LEVEL)
  }

  /**
   * Charges output that the server counts at its own time, not when a request arrives. No J makes that time uncertain, so the part
   * above the depth is not lost. The bucket may never be full again, so a charge above the depth then waits for its own amount only.
   */
  chargeLate(amount: number, nowUs: number, seq: number): void {
    this.#countsLate = true
    const level = this.#refill(nowUs)
    this.#pushFloor(seq, Math.max(0, this.#depth - level), nowUs)
    this.#level = Math.max(level - amount * this.#periodTicks, -MAX_LEVEL)
  }

  /**
   * Gives back `amount` of charge `seq`, but never permits more than if it had never been charged. Without the charge the level would
   * be higher by the amount, less the part that would have overflowed since. The least headroom since the charge bounds that. A
   * refund lowers the headroom seen since by the amount given, so that two refunds cannot claim the same overflow.
   */
  refund(amount: number, seq: number, nowUs: number): void {
    const level = this.#refill(nowUs)
    if (seq <= this.#forgottenSeq) return
    const since = this.#floorAfter(seq)
    const least = since < this.#last ? this.#floors[since + 1]! : Infinity
    const given = Math.min(amount * this.#periodTicks, least, this.#ceiling - level)
    if (given <= 0) return
    this.#level = level + given
    this.#lowerFloors(since, given)
  }

  /** Leaves the bucket empty at `untilUs`, as the server's refusal says that it is. Earlier charges give nothing back. */
  emptyUntil(untilUs: number, nowUs: number, seq: number): void {
    const level = this.#refill(nowUs)
    const ticks = Math.max(0, Math.ceil(untilUs / this.#usPerTick) - this.#tick)
    this.#tick += ticks
    this.#level = Math.min(0, level + ticks * this.#amount)
    this.#forget(seq)
  }

  /** Sets a new rule. The part above the new depth is lost. A debt stays, and so does the end of a hold. */
  setRule(rule: BucketRule, nowUs: number, seq: number): void {
    const level = this.#refill(nowUs)
    const atUs = Math.max(nowUs, this.#tick * this.#usPerTick)
    const periodTicks = this.#periodTicks
    this.#setRule(rule)
    this.#tick = Math.ceil(atUs / this.#usPerTick)
    const kept = periodTicks === this.#periodTicks ? level : Math.floor((level / periodTicks) * this.#periodTicks)
    this.#level = Math.min(kept, this.#depth)
    this.#forget(seq)
  }

  /** The tokens missing from a full bucket, rounded up. */
  missing(nowUs: number): number {
    return Math.ceil(Math.max(0, this.#depth - this.#refill(nowUs)) / this.#periodTicks)
  }

  /** The level that a charge needs. */
  #needOf(scaled: number): number {
    if (scaled <= this.#depth) return scaled
    return this.#countsLate && scaled < this.#ceiling ? scaled : this.#ceiling
  }

  #setRule(rule: BucketRule): void {
    const usPerTick =
      rule.amount * rule.periodUs < MAX_LEVEL ? 1 : rule.amount * rule.periodUs < MAX_LEVEL * 1e3 ? 1e3 : 1e6
    this.#usPerTick = usPerTick
    this.#amount = rule.amount
    this.#periodTicks = Math.ceil(rule.periodUs / usPerTick)
    const burstTicks = Math.floor(rule.burstUs / usPerTick)
    // A tick coarser than the clock's may count one tick too much between two charges. The depth is lower by that.
    this.#depth = rule.amount * (usPerTick > 1 ? burstTicks - 1 : burstTicks)
    this.#ceiling = rule.amount * (burstTicks + Math.ceil(rule.jitterUs / usPerTick))
    this.#refundableUs = rule.refundableUs
  }

  #refill(nowUs: number): number {
    const tick = this.#usPerTick === 1 ? nowUs : Math.floor(nowUs / this.#usPerTick)
    const passed = tick - this.#tick
    if (passed > 0) {
      this.#tick = tick
      // A product above the inflow that fills the deepest debt need not be exact.
      const level = this.#level + passed * this.#amount
      this.#level = level < this.#ceiling ? level : this.#ceiling
    }
    return this.#level
  }

  #forget(seq: number): void {
    this.#forgottenSeq = seq
    this.#first = this.#last = 0
  }

  #pushFloor(seq: number, headroom: number, nowUs: number): void {
    let floors = this.#floors
    let first = this.#first
    let last = this.#last
    while (last > first && floors[last - 2]! >= headroom) last -= 3
    while (first < last && floors[first + 2]! + this.#refundableUs <= nowUs) {
      this.#forgottenSeq = floors[first]!
      first += 3
    }
    if (last === floors.length) {
      floors = this.#withRoom(first)
      last -= first
      first = 0
    }
    floors[last] = seq
    floors[last + 1] = headroom
    floors[last + 2] = nowUs
    this.#first = first
    this.#last = last + 3
  }

  /** The floors from index `first` on, moved to the beginning of where there is room for more. */
  #withRoom(first: number): Float64Array<ArrayBuffer> {
    const floors = this.#floors
    if (first > floors.length >> 1) return floors.copyWithin(0, first)
    this.#floors = new Float64Array(floors.length * 2)
    this.#floors.set(floors.subarray(first))
    return this.#floors
  }

  /** Where the floors of the charges after `seq` begin; the first of them is the least. */
  #floorAfter(seq: number): number {
    let low = this.#first / 3
    let high = this.#last / 3
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#floors[middle * 3]! > seq) high = middle
      else low = middle + 1
    }
    return low * 3
  }

  /** Lowers the floors from index `from` on, and drops those before that no longer are below them. */
  #lowerFloors(from: number, by: number): void {
    const floors = this.#floors
    if (from === this.#last) return
    for (let i = from; i < this.#last; i += 3) floors[i + 1]! -= by
    let kept = from
    while (kept > this.#first && floors[kept - 2]! >= floors[from + 1]!) kept -= 3
    if (kept === from) return
    floors.copyWithin(kept, from, this.#last)
    this.#last -= from - kept
  }
}
