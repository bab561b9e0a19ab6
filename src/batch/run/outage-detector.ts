import type { LineResult } from '../file/batch-record.js'
import type { Halt } from './send-line.js'

/** What breaks may break all that is in flight at once: only more lines than that tell of a service that is gone. */
const TIMES_IN_FLIGHT = 3
const MIN_LINES = 50
/** What a line fails with that was sent and got no answer. Those of the limiter's own errors were not sent. */
const NO_ANSWER: ReadonlySet<string> = new Set(['connection_failed', 'timeout'])

/** Tells when a service is gone: by the lines in a row that have no answer, not even a refusal. */
export class OutageDetector {
  #lines = 0
  /** Since the last answer. */
  #maxInFlight = 0
  #isAnswering = false

  /** Whether the last that was heard of the service is an answer. */
  get isAnswering(): boolean {
    return this.#isAnswering
  }

  /** To be told when a request is sent. */
  sent(inFlight: number): void {
    if (inFlight > this.#maxInFlight) this.#maxInFlight = inFlight
  }

  /** To be told what became of a line; why the run is to be stopped, if it is. */
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
