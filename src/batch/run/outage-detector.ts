import type { LineResult } from '../file/batch-record.js'
import type { Halt } from './send-line.js'

/**
 * Lines in a row without an answer that mean an outage, as a multiple of the largest number in flight. Chosen.
 * One broken connection can fail every request in flight at once, so 1 would stop a healthy run.
 * A larger value fails more lines before the run stops.
 */
const TIMES_IN_FLIGHT = 3
/**
 * Minimum number of lines in a row without an answer that mean an outage. Chosen.
 * A smaller value lets one short network fault stop a run with few requests in flight. A larger value fails more lines.
 */
const MIN_LINES = 50
/** Error codes of lines that were sent and got no answer. Lines that fail with a limiter error were never sent. */
const NO_ANSWER: ReadonlySet<string> = new Set(['connection_failed', 'timeout'])

/** Detects an outage: too many lines in a row without any answer. A refusal is an answer. */
export class OutageDetector {
  #lines = 0
  /** The largest number of requests in flight since the last answer. */
  #maxInFlight = 0
  #isAnswering = false

  /** Whether the most recent sent line to end got an answer. */
  get isAnswering(): boolean {
    return this.#isAnswering
  }

  /** Records that a request was sent. */
  sent(inFlight: number): void {
    if (inFlight > this.#maxInFlight) this.#maxInFlight = inFlight
  }

  /** Records the result of a line. Returns the reason to stop the run, or undefined. */
  ended({ record: { response, error } }: LineResult, inFlight: number): Halt | undefined {
    if (response !== null) {
      this.#isAnswering = true
      this.#lines = 0
      this.#maxInFlight = inFlight
      return undefined
    }
    if (error === null || !NO_ANSWER.has(error.code)) return undefined
    this.#isAnswering = false
    this.#lines++
    if (this.#lines < Math.max(MIN_LINES, TIMES_IN_FLIGHT * this.#maxInFlight)) return undefined
    return { why: 'unreachable', message: error.message, lines: this.#lines }
  }
}
