import type { InFlightOutput } from './in-flight-output.js'
import { Meter } from '../meter.js'
import type { LimitRule } from '../limit-rules.js'

/**
 * Answers that end just now count before anybody hears of it: for them this part of one is kept free. What is kept grows with
 * each refusal that such an answer explains, and shrinks with each answer: so these come to about one in fifty.
 */
const KEPT_STEP = 0.45
const KEPT_FADES = KEPT_STEP / 50
const MAX_KEPT = 2
/** The mean of late charges is that of about so many. */
const MEMORY = 64

/** When there is room beside what is written is an expectation: it is looked at again no sooner than this. */
const MIN_WAIT_US = 10_000

/** The meter that holds a rule. */
export function meterOf(
  rule: LimitRule,
  generation: InFlightOutput | undefined,
  emptySinceUs: number,
  nowUs: number,
  firstSeq: number,
): Meter {
  const Kind =
    rule.countsOutput === 'first' ? Meter : rule.countsOutput === 'late' ? LateOutputMeter : GeneratedOutputMeter
  return new Kind(rule, emptySinceUs, nowUs, firstSeq, generation)
}

/**
 * A limit a second of a server that counts output after its request. All of it has to fit beside what counts late. A request
 * above the whole limit passes alone: where nothing else was *admitted*, for while answers are written there is no window
 * without output.
 */
export class LateOutputMeter extends Meter {
  /** The same without what counts late. */
  readonly #admitted: Meter
  /** In answers. */
  #kept = 0
  #meanLate = 0
  #answers = 0

  constructor(rule: LimitRule, emptySinceUs: number, nowUs: number, firstSeq: number) {
    super(rule, emptySinceUs, nowUs, firstSeq)
    this.#admitted = new Meter(rule, emptySinceUs, nowUs, firstSeq)
  }

  /** What one request may count without being one that goes alone. */
  get mostBesideOthers(): number {
    const { window, effective } = this.rule
    return window?.limit ?? Math.floor(effective)
  }

  override hasRoom(amount: number, nowUs: number): boolean {
    return amount > this.mostBesideOthers
      ? this.#admitted.hasRoom(amount, nowUs)
      : super.hasRoom(this.#withKept(amount), nowUs)
  }

  override earliestUs(amount: number, nowUs: number): number {
    return amount > this.mostBesideOthers
      ? this.#admitted.earliestUs(amount, nowUs)
      : super.earliestUs(this.#withKept(amount), nowUs)
  }

  override afterUs(ahead: number, amount: number, nowUs: number, requestsAhead: number): number {
    return amount > this.mostBesideOthers
      ? this.#admitted.afterUs(ahead, amount, nowUs, requestsAhead)
      : super.afterUs(ahead, this.#withKept(amount), nowUs, requestsAhead)
  }

  override charge(amount: number, nowUs: number, seq: number): void {
    super.charge(amount, nowUs, seq)
    this.#admitted.charge(amount, nowUs, seq)
  }

  /** Charges an answer that has ended. */
  chargeAnswer(amount: number, nowUs: number, seq: number): void {
    this.chargeLate(amount, nowUs, seq)
    this.#meanLate += (amount - this.#meanLate) / Math.min(++this.#answers, MEMORY)
    this.#kept = Math.max(0, this.#kept - KEPT_FADES)
  }

  /** A request was refused for an answer that had ended before anybody had heard of it. */
  metUnheard(): void {
    this.#kept = Math.min(MAX_KEPT, this.#kept + KEPT_STEP)
  }

  /** Never so much that it does not fit into an empty second. */
  #withKept(amount: number): number {
    if (this.#kept === 0) return amount
    return Math.max(amount, Math.min(this.mostBesideOthers, Math.floor(amount + this.#kept * this.#meanLate)))
  }

  /** Whether it would not fit even if nothing had been admitted: it waits for few answers to count, which no time tells. */
  waitsForAnswers(amount: number, nowUs: number): boolean {
    const most = this.mostBesideOthers
    return amount <= most && amount + this.used(nowUs) - this.#admitted.used(nowUs) > most
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
}

/**
 * The same of a server that counts output as it is written. What was written is charged late; what is going to be is looked
 * ahead to, so that the times it answers are those at which there is likely to be room.
 */
export class GeneratedOutputMeter extends LateOutputMeter {
  readonly #generation: InFlightOutput

  constructor(
    rule: LimitRule,
    emptySinceUs: number,
    nowUs: number,
    firstSeq: number,
    generation: InFlightOutput | undefined,
  ) {
    super(rule, emptySinceUs, nowUs, firstSeq)
    this.#generation = generation!
  }

  override earliestUs(amount: number, nowUs: number): number {
    const at = super.earliestUs(amount, nowUs)
    return at <= nowUs ? at : this.#besideAnswers(amount, at, nowUs, 0)
  }

  override afterUs(ahead: number, amount: number, nowUs: number, requestsAhead: number): number {
    const at = super.afterUs(ahead, amount, nowUs, requestsAhead)
    return this.#besideAnswers(amount, at, nowUs, requestsAhead)
  }

  /** Whether it would not fit beside what is going to be written. */
  override waitsForAnswers(amount: number): boolean {
    const { window } = this.rule
    const room = this.mostBesideOthers - amount
    return window !== undefined && room >= 0 && this.#generation.within(window.spanUs) > room
  }

  #besideAnswers(amount: number, atUs: number, nowUs: number, more: number): number {
    const most = this.mostBesideOthers
    const generation = this.#generation
    if (amount > most || generation.answers + more === 0) return atUs
    const { window, bucket } = this.rule
    let at = atUs
    if (bucket !== undefined) {
      // What flows in is less by what is written.
      const flow = Math.max(0.2, 1 - generation.within(1e6, more) / most)
      at = nowUs + (at - nowUs) / flow
    }
    if (window !== undefined) at = Math.max(at, nowUs + generation.fadesInUs(most - amount, window.spanUs, more))
    return Math.ceil(Math.max(at, atUs === nowUs ? nowUs : nowUs + MIN_WAIT_US))
  }
}
