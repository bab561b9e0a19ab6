import type { LimitRule } from '../limit-rules.js'
import { Meter } from '../meter.js'

/**
 * The room, in mean answers, that one more refusal keeps free for answers that end just now. The server counts an answer before
 * its end arrives here. Tuned on the rows `told-end-*` and `learn-end-*` of `npm run bench:quota`: 2.3 % of 429s at a share of
 * 93.0 %. With 0.1 there are 3.1 % of 429s. With 1.5 the share falls to 91.1 %.
 */
const KEPT_STEP = 0.45
/**
 * The room, in mean answers, that each ended answer takes back. It balances at one such refusal in 50 answers; the goal of these
 * rows is at most 3 % of 429s. With a balance at one in 12 there are 3.3 %. At one in 200 the share falls to 87.0 %.
 */
const KEPT_FADES = KEPT_STEP / 50
/**
 * The largest room kept free, in mean answers: about four refusals in a row. With 0.5 these rows have 3.0 % of 429s. With 8 they do
 * not change, but refusals of another cause could close the second.
 */
const MAX_KEPT = 2
/**
 * The number of answers that the mean output is taken over. With 8 the mean jumps: the share of these rows falls to 92.2 %. A larger
 * number follows a change of the answers more slowly.
 */
const MEMORY = 64

/**
 * A limit a second of a server that counts output after its request. Every request has to fit beside the output that counts
 * late. A request above the whole limit passes alone: it waits until nothing else that was *admitted* counts. It could wait for
 * ever for a window without output.
 */
export class LateOutputMeter extends Meter {
  /** The same limit without the output that counts late. */
  readonly #admitted: Meter
  /** The room that is kept free for answers that end just now, in mean answers. */
  #keptAnswers = 0
  #meanOutput = 0
  #answers = 0

  constructor(rule: LimitRule, emptySinceUs: number, nowUs: number, firstSeq: number) {
    super(rule, emptySinceUs, nowUs, firstSeq)
    this.#admitted = new Meter(rule, emptySinceUs, nowUs, firstSeq)
  }

  /** The largest amount that passes beside others. A larger one passes alone. */
  get maxBesideOthers(): number {
    const { window, effective } = this.rule
    return window?.limit ?? Math.floor(effective)
  }

  override hasRoom(amount: number, nowUs: number): boolean {
    return amount > this.maxBesideOthers
      ? this.#admitted.hasRoom(amount, nowUs)
      : super.hasRoom(this.#withKept(amount), nowUs)
  }

  override earliestUs(amount: number, nowUs: number): number {
    return amount > this.maxBesideOthers
      ? this.#admitted.earliestUs(amount, nowUs)
      : super.earliestUs(this.#withKept(amount), nowUs)
  }

  override afterUs(ahead: number, amount: number, nowUs: number, requestsAhead: number): number {
    return amount > this.maxBesideOthers
      ? this.#admitted.afterUs(ahead, amount, nowUs, requestsAhead)
      : super.afterUs(ahead, this.#withKept(amount), nowUs, requestsAhead)
  }

  override charge(amount: number, nowUs: number, seq: number): void {
    super.charge(amount, nowUs, seq)
    this.#admitted.charge(amount, nowUs, seq)
  }

  /** Charges the output of an answer that has ended. */
  chargeAnswer(amount: number, nowUs: number, seq: number): void {
    this.chargeLate(amount, nowUs, seq)
    this.#meanOutput += (amount - this.#meanOutput) / Math.min(++this.#answers, MEMORY)
    this.#keptAnswers = Math.max(0, this.#keptAnswers - KEPT_FADES)
  }

  /** The server refused a request for the output of an answer that it had counted, and that had not arrived here yet. */
  missedAnswer(): void {
    this.#keptAnswers = Math.min(MAX_KEPT, this.#keptAnswers + KEPT_STEP)
  }

  /** Whether it would not fit even if nothing had been admitted. Then it waits for output to leave, and more may come. */
  waitsForAnswers(amount: number, nowUs: number): boolean {
    const { maxBesideOthers } = this
    return amount <= maxBesideOthers && amount + this.used(nowUs) - this.#admitted.used(nowUs) > maxBesideOthers
  }

  override refund(amount: number, seq: number, nowUs: number): void {
    super.refund(amount, seq, nowUs)
    this.#admitted.refund(amount, seq, nowUs)
  }

  override emptyUntil(untilUs: number, nowUs: number, seq: number): void {
    super.emptyUntil(untilUs, nowUs, seq)
    this.#admitted.emptyUntil(untilUs, nowUs, seq)
  }

  override setRule(rule: LimitRule, nowUs: number, seq: number): void {
    super.setRule(rule, nowUs, seq)
    this.#admitted.setRule(rule, nowUs, seq)
  }

  /** The amount and the room kept free, cut off where the two would not fit into an empty second. */
  #withKept(amount: number): number {
    if (this.#keptAnswers === 0) return amount
    const withKept = Math.floor(amount + this.#keptAnswers * this.#meanOutput)
    return Math.max(amount, Math.min(this.maxBesideOthers, withKept))
  }
}
