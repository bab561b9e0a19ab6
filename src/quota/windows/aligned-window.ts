import type { PhaseUs } from '../clock-phase.js'
import { ExactWindow, type WindowRule } from './exact-window.js'

/**
 * A limit whose server counts in windows that begin at whole multiples of its own clock. While the phase is known, each request
 * counts in the window that the server counts it in, or in both where it may be either of two. All of the limit can then be used,
 * because no request waits for J after a window. While the phase is not known, an exact window of W + J holds.
 *
 * The log of that exact window always goes on. A new phase makes the counts anew from it. So each charge counts where the new
 * phase says that the server may have counted it.
 */
export class AlignedWindow {
  readonly #windowUs: number
  readonly #log: ExactWindow
  #rule: WindowRule
  #limit = 0
  #fromUs = 0
  #toUs = 0
  /** The phase is known for requests sent before that. */
  #untilUs = -Infinity
  /** The begin of the first window that may count a request sent now, by the service's clock. */
  #startUs = 0
  /** The amount that this window may hold. */
  #first = 0
  /** The amount that the window after it may hold. It was sent within the last J, and counts in the first window, too. */
  #second = 0

  /** `windowUs`: W, the server's window; `rule` is that of an exact window of W + J. */
  constructor(rule: WindowRule, windowUs: number, firstSeq: number) {
    this.#windowUs = windowUs
    this.#rule = rule
    this.#limit = rule.limit
    this.#log = new ExactWindow(rule, firstSeq)
  }

  /** Whether `amount` is certain to pass now; if not, {@link earliestUs} says. */
  hasRoom(amount: number, nowUs: number): boolean {
    if (!this.#isKnown(nowUs)) return this.#log.hasRoom(amount)
    this.#advance(nowUs)
    return this.#first + amount <= this.#limit
  }

  /** When `amount` passes if nothing else is charged before: `nowUs` if at once, Infinity if never. */
  earliestUs(amount: number, nowUs: number): number {
    if (!this.#isKnown(nowUs)) return this.#log.earliestUs(amount, nowUs)
    const { limit, takesLargeAlone } = this.#rule
    if (amount > limit && !takesLargeAlone) return Infinity
    this.#advance(nowUs)
    const beside = amount > limit ? 0 : limit - amount
    const at = this.#first <= beside ? nowUs : this.#entryUs(this.#second <= beside ? 1 : 2)
    if (at < this.#untilUs) return at
    // At that time the phase is not known any more.
    return Math.max(this.#untilUs, this.#log.earliestUs(amount, nowUs))
  }

  /** When `amount` passes if `ahead` is charged before it, each part as soon as it may. */
  afterUs(ahead: number, amount: number, nowUs: number): number {
    if (ahead === 0) return this.earliestUs(amount, nowUs)
    if (!this.#isKnown(nowUs)) return this.#log.afterUs(ahead, amount, nowUs)
    this.#advance(nowUs)
    const { limit } = this.#rule
    const own = Math.min(amount, limit)
    const room = Math.max(0, limit - this.#first)
    if (ahead + own <= room) return nowUs
    const now = Math.min(ahead, room)
    const held = this.#second + (this.#reachesSecond(nowUs) ? now : 0)
    const nextRoom = Math.max(0, limit - held)
    let left = ahead - now
    if (left + own <= nextRoom) return this.#entryUs(1)
    left -= Math.min(left, nextRoom)
    const windows = Math.floor(left / limit)
    const isLast = left - windows * limit + own <= limit
    return this.#entryUs(2 + windows + (isLast ? 0 : 1))
  }

  charge(amount: number, nowUs: number, seq: number): void {
    this.#log.charge(amount, nowUs, seq)
    if (!this.#isKnown(nowUs)) return
    this.#advance(nowUs)
    this.#count(amount, nowUs)
  }

  /** Takes back `amount` of charge `seq`, or nothing once that charge counts no longer. */
  refund(amount: number, seq: number, nowUs: number): void {
    if (this.#isKnown(nowUs)) this.#advance(nowUs)
    this.#log.refund(amount, seq, nowUs, this.#takeBack)
  }

  /** Sets a new rule and keeps the charges. */
  setRule(rule: WindowRule): void {
    this.#rule = rule
    this.#limit = rule.limit
    this.#log.setRule(rule)
  }

  /** Sets the phase. Undefined, or a phase wider than the window: it is not known. */
  setClockPhase(phase: PhaseUs | undefined, nowUs: number): void {
    this.#untilUs = -Infinity
    if (phase === undefined || !(phase.toUs - phase.fromUs < this.#windowUs)) return
    this.#fromUs = phase.fromUs
    this.#toUs = phase.toUs
    this.#untilUs = phase.untilUs
    if (!this.#isKnown(nowUs)) return
    this.#startUs = this.#startOf(nowUs + this.#fromUs)
    this.#first = this.#second = 0
    this.#log.forEach(nowUs, (amount, sentUs) => this.#count(amount, sentUs))
  }

  /** The amount that counts against a request sent now. */
  used(nowUs: number): number {
    if (!this.#isKnown(nowUs)) return this.#log.used(nowUs)
    this.#advance(nowUs)
    return this.#first
  }

  /** When the oldest charge leaves; `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    if (!this.#isKnown(nowUs)) return this.#log.nextExpiryUs(nowUs)
    this.#advance(nowUs)
    return this.#first === 0 ? nowUs : this.#entryUs(1)
  }

  #isKnown(nowUs: number): boolean {
    return nowUs < this.#untilUs
  }

  /** When a request can be sent that is certain not to be counted before the `n`th window after the first. */
  #entryUs(n: number): number {
    return this.#startUs + n * this.#windowUs - this.#fromUs
  }

  #reachesSecond(sentUs: number): boolean {
    return sentUs + this.#toUs >= this.#startUs + this.#windowUs
  }

  #startOf(serverUs: number): number {
    const into = serverUs % this.#windowUs
    return serverUs - (into < 0 ? into + this.#windowUs : into)
  }

  #advance(nowUs: number): void {
    const earliest = nowUs + this.#fromUs
    const nextStart = this.#startUs + this.#windowUs
    if (earliest < nextStart) return
    this.#startUs = this.#startOf(earliest)
    this.#first = this.#startUs === nextStart ? this.#second : 0
    this.#second = 0
  }

  /** Counts a charge of `sentUs`, now or before, in each window that may count it and is not over. */
  #count(amount: number, sentUs: number): void {
    if (sentUs + this.#toUs < this.#startUs) return
    this.#first += amount
    if (this.#reachesSecond(sentUs)) this.#second += amount
  }

  readonly #takeBack = (amount: number, sentUs: number): void => this.#count(-amount, sentUs)
}
