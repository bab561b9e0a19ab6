import type { LimitRule } from '../limit-rules.js'
import type { InFlightOutput } from './in-flight-output.js'
import { LateOutputMeter } from './late-output-meter.js'

/**
 * The shortest wait that the meter answers, in µs, where it expects room beside output. A shorter wait wakes the scheduler more
 * often for an expectation; a longer one leaves room unused that comes sooner.
 */
const MIN_WAIT_US = 10_000
/**
 * The least share of a bucket's inflow that output is expected to leave. It bounds the expected wait to five times the wait without
 * output: answers end meanwhile. A smaller share puts requests off for too long, a larger one wakes them in vain.
 */
const MIN_FLOW = 0.2

/**
 * The same of a server that counts output as it is written. Output that was written is charged late. Output that is going to be
 * written is foreseen, so that the times that the meter answers are those at which there is likely to be room.
 */
export class GeneratedOutputMeter extends LateOutputMeter {
  readonly #inFlight: InFlightOutput

  constructor(rule: LimitRule, emptySinceUs: number, nowUs: number, firstSeq: number, inFlight: InFlightOutput) {
    super(rule, emptySinceUs, nowUs, firstSeq)
    this.#inFlight = inFlight
  }

  override earliestUs(amount: number, nowUs: number): number {
    const at = super.earliestUs(amount, nowUs)
    return at <= nowUs ? at : this.#besideAnswers(amount, at, nowUs, 0)
  }

  override afterUs(ahead: number, amount: number, nowUs: number, requestsAhead: number): number {
    const at = super.afterUs(ahead, amount, nowUs, requestsAhead)
    return this.#besideAnswers(amount, at, nowUs, requestsAhead)
  }

  /** Whether it would not fit beside the output that the answers in flight write in a window. */
  override waitsForAnswers(amount: number): boolean {
    const { window } = this.rule
    const room = this.maxBesideOthers - amount
    return window !== undefined && room >= 0 && this.#inFlight.within(window.spanUs) > room
  }

  /** When it is likely to fit beside the output of the answers in flight, and of `more` answers. */
  #besideAnswers(amount: number, atUs: number, nowUs: number, more: number): number {
    const { maxBesideOthers } = this
    if (amount > maxBesideOthers || this.#inFlight.answers + more === 0) return atUs
    const { window, bucket } = this.rule
    let at = atUs
    if (bucket !== undefined) {
      // Output takes its part of the bucket's inflow.
      const flow = Math.max(MIN_FLOW, 1 - this.#inFlight.within(1e6, more) / maxBesideOthers)
      at = nowUs + (at - nowUs) / flow
    }
    if (window !== undefined) {
      at = Math.max(at, nowUs + this.#inFlight.fadesInUs(maxBesideOthers - amount, window.spanUs, more))
    }
    return Math.ceil(Math.max(at, atUs === nowUs ? nowUs : nowUs + MIN_WAIT_US))
  }
}
