import type { Cost, OutputAccounting } from '../../types.js'
import { amountIn, type Amounts, unknownOutput, writes } from '../dimensions.js'
import type { Meter } from '../meter.js'
import { toUs } from '../microseconds.js'
import type { Reservation } from '../reservation.js'
import type { InFlightOutput } from './in-flight-output.js'
import type { LateOutputMeter } from './late-output-meter.js'

/**
 * The output that a refusal adds to a second's meter beyond what it proves, as a share of the limit: it says nothing of how much more
 * there was. @@BEYOND
 */
const BEYOND_SHARE = 0.05
/**
 * The largest part of a second's limit that a meter may lack for late output to explain a refusal. With a larger part, refusals for
 * other reasons teach nothing and hold nothing. With a smaller one, refusals for late output hold the whole model. @@LACK
 */
const MAX_LACK_SHARE = 1 / 4
/** The same two of a minute's limit. It holds the reservations of all answers in flight, so less can be missing. @@MINUTE */
const MINUTE_BEYOND_SHARE = 0.01
const MINUTE_MAX_LACK_SHARE = 0.05

/** The meters of a model, as far as late output concerns them. */
export interface LateMeters {
  readonly all: readonly Meter[]
  /** The second's meters that count output after its request. */
  readonly late: readonly LateOutputMeter[]
  /** The output of the answers in flight. Undefined where no meter counts output as it is written. */
  readonly inFlightOutput: InFlightOutput | undefined
  /** When the service counts output. Undefined: not known yet. */
  readonly outputAccounting: OutputAccounting | undefined
  nextSeq(): number
}

/**
 * The output that a service counts after its request: it charges the ends of answers, and explains refusals by output that the
 * meters did not know of.
 */
export class LateOutput {
  readonly #meters: LateMeters
  /** Whether a refusal came before anything was known of when the service counts output. */
  #wasRefused = false
  /** When a minute's meter was last charged with the output that it lacked. */
  #minuteMadeUpUs = -Infinity

  constructor(meters: LateMeters) {
    this.#meters = meters
  }

  /**
   * Whether the minute counts the output of an answer anew at its end. That is safe whenever the service counts it, but the
   * output takes its part of the minute for longer. So it waits until the service is known to count late, or has refused.
   */
  get isMovedToEnd(): boolean {
    const { outputAccounting } = this.#meters
    return outputAccounting === undefined ? this.#wasRefused : outputAccounting !== 'reserved'
  }

  /** A request was admitted. */
  began(cost: Cost, nowUs: number): void {
    if (writes(cost)) this.#meters.inFlightOutput?.began(nowUs)
  }

  /** Its answer has ended. Undefined: nobody knows with how many tokens. */
  ended({ cost, at }: Reservation, outputTokens: number | undefined, nowUs: number): void {
    if (writes(cost)) this.#meters.inFlightOutput?.ended(toUs(at), nowUs, outputTokens)
  }

  /** Charges the output of an answer that has ended to the meters that count it then. */
  charge(counted: Cost, nowUs: number, seq: number): void {
    if (!writes(counted)) return
    for (const meter of this.#meters.late) {
      if (meter.rule.countsOutput !== 'late') continue
      meter.chargeAnswer(meter.bounded(unknownOutput(counted), 0, nowUs), nowUs, seq)
    }
  }

  /** Whether a request waits for answers to end, so that its time of admission is an expectation. */
  isAwaited(amounts: Amounts, nowUs: number): boolean {
    for (const meter of this.#meters.late) {
      if (meter.waitsForAnswers(amounts[meter.dimension]!, nowUs)) return true
    }
    return false
  }

  /**
   * The service refused a request for its tokens: whether late output explains that. The service's second held more than the
   * request left room for. A meter that held less lacks output that must have been written, and is charged with it. A second that
   * lacks more than a quarter of its limit has another cause.
   */
  explainsRefusal({ cost, at }: Reservation, nowUs: number): boolean {
    // All tokens of such a request are known: the limits are not as configured.
    if (!writes(cost)) return false
    const { late, inFlightOutput, outputAccounting } = this.#meters
    if (outputAccounting === undefined) this.#wasRefused = true
    let isExplained = false
    for (const meter of late) {
      const { maxBesideOthers } = meter
      if (amountIn(cost, meter.dimension) > maxBesideOthers) continue
      const lacks = maxBesideOthers + 1 - meter.used(nowUs)
      if (lacks > maxBesideOthers * MAX_LACK_SHARE) continue
      if (lacks > 0) {
        meter.chargeLate(lacks + Math.floor(BEYOND_SHARE * maxBesideOthers), nowUs, this.#meters.nextSeq())
        inFlightOutput?.wasRefused()
      } else meter.missedAnswer()
      isExplained = true
    }
    return isExplained || this.#explainsRefusalOfMinute(toUs(at), nowUs)
  }

  /** The same for a minute's meter: it does not count yet what answers in flight write above their reservations. */
  #explainsRefusalOfMinute(sentUs: number, nowUs: number): boolean {
    const fullest = this.#meters.all.find(
      (meter) => meter.rule.isMinuteOfOutput && meter.used(nowUs) >= (1 - MINUTE_MAX_LACK_SHARE) * meter.rule.effective,
    )
    if (fullest === undefined) return false
    // The charge of the last refusal covers requests that were sent before it.
    if (sentUs <= this.#minuteMadeUpUs) return true
    this.#minuteMadeUpUs = nowUs
    const { effective } = fullest.rule
    const lacks = Math.max(0, Math.floor(effective) + 1 - fullest.used(nowUs))
    fullest.charge(lacks + Math.floor(MINUTE_BEYOND_SHARE * effective), nowUs, this.#meters.nextSeq())
    return true
  }
}
