import { ChargeLog, STRIDE } from './charge-log.js'

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

/**
 * The largest sum of charges, in limits, whose products with times stay exact integers. Debts reach ten limits (see
 * `MAX_DEBT_MINUTES`), and the two windows that count hold two more. A larger number makes the steps of time coarser.
 */
const MAX_LIMITS = 16

/**
 * A server's sliding counter of unknown phase. It counts the current window, and the share of the window before it that a sliding
 * window would still hold. A charge passes if it passes for every phase, and for every delay of each charge up to J.
 *
 * Let a window begin at τ + J. At worst it holds all charges since τ, and the window before it all since τ − W. v later the counter
 * is ((W − v) × since(τ − W) + v × since(τ)) ÷ W. Both sums change at charges only, and are linear in time between them. So the exact
 * answer is found by trying τ at each charge, and W after each. The sums include charges that were sent before a new one and are
 * counted after it. A steady load of L ÷ (W + J) passes: an unknown phase leaves no more. See decision 010.
 */
export class SlidingCounter {
  #rule: CounterRule
  /** The length of a step of time: a microsecond, or as many as keep the products exact. */
  #usPerStep = 1
  readonly #log: ChargeLog
  /** An upper bound of the count at worst, weighted. Time only lowers the count. */
  #bound = 0

  /** `firstSeq` is the number of the next charge. Earlier charges are not in here, and give nothing back. */
  constructor(rule: CounterRule, firstSeq: number) {
    this.#rule = rule
    this.#usPerStep = usPerStepOf(rule)
    this.#log = new ChargeLog(firstSeq)
  }

  /** Whether `amount` is certain to pass now. If not, {@link earliestUs} says. */
  hasRoom(amount: number): boolean {
    return this.#bound + amount * this.#rule.weight <= this.#rule.limit
  }

  /** When `amount` passes if nothing else is charged before. `nowUs` if at once, Infinity if never. */
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
   * When `amount` passes if `ahead` is charged before it, each part as soon as it may. Exact if all of `ahead` passes now. Otherwise
   * it is an upper bound: no W + J holds more than the limit, so one more W + J goes by for each limit that is ahead.
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
    this.#bound += amount * weight
    // A rule with shorter slots may have come since the last entry.
    this.#log.add(nowUs - (nowUs % slotUs) + slotUs - 1, amount, seq, nowUs - this.#countsForUs)
  }

  /** Takes back `amount` of charge `seq`, or nothing once that charge no longer counts. */
  refund(amount: number, seq: number, nowUs: number): void {
    this.#expire(nowUs)
    this.#log.refund(amount, seq)
  }

  /** Sets a new rule of the same window, and keeps the charges. */
  setRule(rule: CounterRule): void {
    this.#rule = rule
    this.#usPerStep = usPerStepOf(rule)
    // No charge counts more than once.
    this.#bound = this.#log.sum * rule.weight
  }

  /** The count now at worst, rounded up. */
  used(nowUs: number): number {
    this.#expire(nowUs)
    return Math.ceil(this.#worst(nowUs) / this.#rule.weight)
  }

  /** When the oldest charge no longer counts in any window. `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    this.#expire(nowUs)
    const { entries, head, end } = this.#log
    return head === end ? nowUs : entries[head]! + this.#countsForUs
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
    const log = this.#log
    const bound = this.#bound
    const length = log.end - log.head
    this.charge(ahead, nowUs, log.lastSeq)
    const at = this.earliestUs(amount, nowUs)
    log.undo(ahead, length)
    this.#bound = bound
    return at
  }

  /** When no charge counts any more. */
  #emptyUs(nowUs: number): number {
    const { entries, head, end } = this.#log
    let last = end
    while (last > head && entries[last - 2] === 0) last -= STRIDE
    return last === head ? nowUs : Math.max(nowUs, entries[last - STRIDE]! + this.#countsForUs)
  }

  /** When the count at worst, weighted, falls to `room`. In the past if it already has. */
  #fallsToUs(room: number): number {
    const { weight, windowUs, jitterUs } = this.#rule
    const { entries, head, end, sum } = this.#log
    const usPerStep = this.#usPerStep
    const steps = windowUs / usPerStep
    let at = -Infinity
    // Of both windows, and of the current one: where the sum begins, and the sum.
    let bothFrom = head
    let currentFrom = head
    let both = sum * weight
    let current = both
    while (both > room && bothFrom < end) {
      const leaves = entries[bothFrom]! + windowUs
      const enters = currentFrom < end ? entries[currentFrom]! : Infinity
      const begins = leaves < enters ? leaves : enters
      const passed = current > room ? steps : Math.ceil((steps * (both - room)) / (both - current))
      const falls = begins + jitterUs + passed * usPerStep
      if (falls > at) at = falls
      if (leaves === begins) {
        both -= entries[bothFrom + 1]! * weight
        bothFrom += STRIDE
      }
      if (enters === begins) {
        current -= entries[currentFrom + 1]! * weight
        currentFrom += STRIDE
      }
    }
    return at
  }

  /** The count at worst, weighted and rounded up. */
  #worst(nowUs: number): number {
    const { weight, windowUs, jitterUs } = this.#rule
    const { entries, head, end, sum } = this.#log
    const usPerStep = this.#usPerStep
    const steps = windowUs / usPerStep
    let worst = 0
    let bothFrom = head
    let currentFrom = head
    let both = sum * weight
    let current = both
    // The count is never above the sum of both windows.
    while (both * steps > worst && bothFrom < end) {
      const leaves = entries[bothFrom]! + windowUs
      const enters = currentFrom < end ? entries[currentFrom]! : Infinity
      const begins = leaves < enters ? leaves : enters
      const passedUs = nowUs - jitterUs - begins
      if (passedUs < windowUs) {
        const passed = passedUs > 0 ? Math.floor(passedUs / usPerStep) : 0
        const counts = both * steps - (both - current) * passed
        if (counts > worst) worst = counts
      }
      if (leaves === begins) {
        both -= entries[bothFrom + 1]! * weight
        bothFrom += STRIDE
      }
      if (enters === begins) {
        current -= entries[currentFrom + 1]! * weight
        currentFrom += STRIDE
      }
    }
    return Math.ceil(worst / steps)
  }

  /** When the charges of the last W + J fall to `room`. */
  #spanHasRoomUs(room: number, nowUs: number): number {
    this.#expire(nowUs)
    const { entries, head, end } = this.#log
    let { sum } = this.#log
    let at = nowUs
    for (let from = head; from < end; from += STRIDE) {
      const leaves = entries[from]! + this.#spanUs
      if (leaves > nowUs) {
        if (sum <= room) break
        at = leaves
      }
      sum -= entries[from + 1]!
    }
    return at
  }

  #expire(nowUs: number): void {
    this.#log.expire(nowUs - this.#countsForUs)
  }
}

function usPerStepOf({ limit, windowUs }: CounterRule): number {
  for (const usPerStep of [1, 1e3]) {
    if (MAX_LIMITS * limit * (windowUs / usPerStep) < Number.MAX_SAFE_INTEGER) return usPerStep
  }
  return 1e6
}
