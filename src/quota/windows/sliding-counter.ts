/** What a {@link SlidingCounter} allows. Amounts are requests or tokens; times are whole microseconds. */
export interface CounterRule {
  /** The largest sum of charges × `weight`. A second's sixtieth of 100 is exact as limit 100, weight 60. An integer ≥ 1. */
  readonly limit: number
  readonly weight: number
  /** W: how long each of the server's windows is. */
  readonly windowUs: number
  /** J: how much later than one charge another may be counted. */
  readonly jitterUs: number
  /** Charges of one slot share an entry and count as if all were made at its end, which bounds the log. 1: each µs by itself. */
  readonly slotUs: number
  /** Whether one charge above the limit may pass alone, where nothing else counts; else it never can. */
  readonly takesLargeAlone: boolean
}

/** An entry: µs, amount, number of the last charge in it. */
const STRIDE = 3
/** Products of sums and times stay exact up to sums of so many limits: the debt of ten windows, and what two hold. */
const MAX_LIMITS = 16

/**
 * A server's sliding counter whose windows begin nobody knows when: it counts the current window, and of the one before it the
 * share that a sliding window would still hold. A charge passes if it would whenever the windows begin and however late, up to
 * J, each charge is counted.
 *
 * Let a window begin at τ + J. The worst that it can hold is everything since τ, and the one before it everything since τ − W:
 * v later it counts ((W − v) × since(τ − W) + v × since(τ)) ÷ W. Both sums change at charges only, and for each τ the time is
 * linear, so that trying each charge's time, and the time W after it, gives the exact answer. What was sent before and is counted
 * after a new charge is in these sums already. A steady load of L ÷ (W + J) passes, which is all that an unknown phase leaves.
 */
export class SlidingCounter {
  #rule: CounterRule
  /** In how many steps a window's share falls: microseconds, or as many of them as keep its products exact. */
  #usPerStep = 1
  #log = new Float64Array(16 * STRIDE)
  #head = 0
  #end = 0
  #sum = 0
  /** What counts at the worst, weighted: never less than it is, for time only lowers it. */
  #bound = 0
  /** Charges up to this one no longer count, or came before the counter was there. */
  #expiredSeq: number

  /** `firstSeq` is the number of the next charge: earlier ones are not in here, and so give nothing back. */
  constructor(rule: CounterRule, firstSeq: number) {
    this.#rule = rule
    this.#usPerStep = usPerStepOf(rule)
    this.#expiredSeq = firstSeq - 1
  }

  /** Whether `amount` is certain to pass now; if not, {@link earliestUs} says. */
  hasRoom(amount: number): boolean {
    return this.#bound + amount * this.#rule.weight <= this.#rule.limit
  }

  /** When `amount` passes if nothing else is charged before: `nowUs` if at once, Infinity if never. */
  earliestUs(amount: number, nowUs: number): number {
    if (this.hasRoom(amount)) return nowUs
    this.#expire(nowUs)
    const { limit, weight, takesLargeAlone } = this.#rule
    const room = limit - amount * weight
    if (room < 0) return takesLargeAlone ? this.#emptyUs(nowUs) : Infinity
    const at = this.#fallsToUs(room)
    if (at > nowUs) return at
    this.#bound = this.#worst(nowUs)
    return nowUs
  }

  /**
   * When `amount` passes if `ahead` is charged before it, each part as soon as it may: exactly, if all of that passes now. Else it
   * is no later than that: no W + J holds more than the limit, so for each limit that is ahead one more of them goes by.
   */
  afterUs(ahead: number, amount: number, nowUs: number): number {
    const alone = this.earliestUs(amount, nowUs)
    if (ahead === 0) return alone
    if (this.earliestUs(ahead, nowUs) <= nowUs) return this.#earliestAfterUs(ahead, amount, nowUs)
    const { limit, weight } = this.#rule
    const atOnce = Math.max(1, limit / weight)
    const total = ahead + Math.min(amount, atOnce)
    const spans = Math.ceil(total / atOnce) - 1
    const after = this.#spanHasRoomUs((spans + 1) * atOnce - total, nowUs) + spans * this.#spanUs
    return after > alone ? after : alone
  }

  charge(amount: number, nowUs: number, seq: number): void {
    const { slotUs, weight } = this.#rule
    const us = nowUs - (nowUs % slotUs) + slotUs - 1
    this.#sum += amount
    this.#bound += amount * weight
    // A rule with shorter slots may have come since the last entry.
    if (this.#end > this.#head && this.#log[this.#end - STRIDE]! >= us) {
      this.#log[this.#end - 2]! += amount
      this.#log[this.#end - 1] = seq
      return
    }
    if (this.#end === this.#log.length) this.#makeRoom(nowUs)
    this.#log[this.#end] = us
    this.#log[this.#end + 1] = amount
    this.#log[this.#end + 2] = seq
    this.#end += STRIDE
  }

  /** Takes back `amount` of charge `seq`, or nothing once that charge no longer counts. */
  refund(amount: number, seq: number, nowUs: number): void {
    this.#expire(nowUs)
    if (seq <= this.#expiredSeq) return
    let low = this.#head / STRIDE
    let high = this.#end / STRIDE
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#log[middle * STRIDE + 2]! >= seq) high = middle
      else low = middle + 1
    }
    const at = low * STRIDE
    if (at === this.#end) return
    const given = Math.min(amount, this.#log[at + 1]!)
    this.#log[at + 1]! -= given
    this.#sum -= given
  }

  /** Takes a new rule of the same window; what counts goes on counting. */
  setRule(rule: CounterRule): void {
    this.#rule = rule
    this.#usPerStep = usPerStepOf(rule)
    // No charge counts more than once.
    this.#bound = this.#sum * rule.weight
  }

  /** What counts now at the worst, a fraction counted as one. */
  used(nowUs: number): number {
    this.#expire(nowUs)
    return Math.ceil(this.#worst(nowUs) / this.#rule.weight)
  }

  /** When the oldest charge no longer counts in any window; `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    this.#expire(nowUs)
    return this.#head === this.#end ? nowUs : this.#log[this.#head]! + this.#countsForUs
  }

  /** No span as long as this ever holds more than the limit. */
  get #spanUs(): number {
    return this.#rule.windowUs + this.#rule.jitterUs
  }

  get #countsForUs(): number {
    return this.#rule.windowUs + this.#spanUs
  }

  /** When `amount` passes if `ahead` is charged now. */
  #earliestAfterUs(ahead: number, amount: number, nowUs: number): number {
    this.#expire(nowUs)
    const sum = this.#sum
    const bound = this.#bound
    const entries = this.#end - this.#head
    const lastSeq = entries > 0 ? this.#log[this.#end - 1]! : 0
    this.charge(ahead, nowUs, lastSeq)
    const at = this.earliestUs(amount, nowUs)
    if (this.#end - this.#head > entries) this.#end -= STRIDE
    else this.#log[this.#end - 2]! -= ahead
    this.#sum = sum
    this.#bound = bound
    return at
  }

  /** When nothing counts at all. */
  #emptyUs(nowUs: number): number {
    let last = this.#end
    while (last > this.#head && this.#log[last - 2] === 0) last -= STRIDE
    return last === this.#head ? nowUs : Math.max(nowUs, this.#log[last - STRIDE]! + this.#countsForUs)
  }

  /** When no more than `room` counts at the worst, weighted. In the past, if it already does. */
  #fallsToUs(room: number): number {
    const { weight, windowUs, jitterUs } = this.#rule
    const log = this.#log
    const end = this.#end
    const usPerStep = this.#usPerStep
    const steps = windowUs / usPerStep
    let at = -Infinity
    // Of both windows, and of the current one: where the sum begins, and the sum.
    let bothFrom = this.#head
    let currentFrom = this.#head
    let both = this.#sum * weight
    let current = both
    while (both > room && bothFrom < end) {
      const leaves = log[bothFrom]! + windowUs
      const enters = currentFrom < end ? log[currentFrom]! : Infinity
      const begins = leaves < enters ? leaves : enters
      const passed = current > room ? steps : Math.ceil((steps * (both - room)) / (both - current))
      const falls = begins + jitterUs + passed * usPerStep
      if (falls > at) at = falls
      if (leaves === begins) {
        both -= log[bothFrom + 1]! * weight
        bothFrom += STRIDE
      }
      if (enters === begins) {
        current -= log[currentFrom + 1]! * weight
        currentFrom += STRIDE
      }
    }
    return at
  }

  /** What counts at the worst, weighted and rounded up. */
  #worst(nowUs: number): number {
    const { weight, windowUs, jitterUs } = this.#rule
    const log = this.#log
    const end = this.#end
    const usPerStep = this.#usPerStep
    const steps = windowUs / usPerStep
    let worst = 0
    let bothFrom = this.#head
    let currentFrom = this.#head
    let both = this.#sum * weight
    let current = both
    // What counts is never more than both windows hold.
    while (both * steps > worst && bothFrom < end) {
      const leaves = log[bothFrom]! + windowUs
      const enters = currentFrom < end ? log[currentFrom]! : Infinity
      const begins = leaves < enters ? leaves : enters
      const passedUs = nowUs - jitterUs - begins
      if (passedUs < windowUs) {
        const passed = passedUs > 0 ? Math.floor(passedUs / usPerStep) : 0
        const counts = both * steps - (both - current) * passed
        if (counts > worst) worst = counts
      }
      if (leaves === begins) {
        both -= log[bothFrom + 1]! * weight
        bothFrom += STRIDE
      }
      if (enters === begins) {
        current -= log[currentFrom + 1]! * weight
        currentFrom += STRIDE
      }
    }
    return Math.ceil(worst / steps)
  }

  /** When no more than `room` is in the last W + J. */
  #spanHasRoomUs(room: number, nowUs: number): number {
    this.#expire(nowUs)
    let sum = this.#sum
    let at = nowUs
    for (let from = this.#head; from < this.#end; from += STRIDE) {
      const leaves = this.#log[from]! + this.#spanUs
      if (leaves > nowUs) {
        if (sum <= room) break
        at = leaves
      }
      sum -= this.#log[from + 1]!
    }
    return at
  }

  #expire(nowUs: number): void {
    const leftBy = nowUs - this.#countsForUs
    const log = this.#log
    let head = this.#head
    for (; head < this.#end && log[head]! <= leftBy; head += STRIDE) {
      this.#sum -= log[head + 1]!
      this.#expiredSeq = log[head + 2]!
    }
    this.#head = head
    if (head === this.#end) this.#head = this.#end = 0
  }

  #makeRoom(nowUs: number): void {
    this.#expire(nowUs)
    if (this.#end < this.#log.length) return
    const kept = this.#log.subarray(this.#head, this.#end)
    const isHalfEmpty = this.#head > this.#log.length >> 1
    const log = isHalfEmpty ? this.#log : new Float64Array(2 * this.#log.length)
    log.set(kept)
    this.#end = kept.length
    this.#head = 0
    this.#log = log
  }
}

function usPerStepOf({ limit, windowUs }: CounterRule): number {
  for (const usPerStep of [1, 1e3]) {
    if (MAX_LIMITS * limit * (windowUs / usPerStep) < Number.MAX_SAFE_INTEGER) return usPerStep
  }
  return 1e6
}
