import PQueue from 'p-queue'
import { LIMIT_FIELDS } from '../../limits/limit-fields.js'
import { countResult, type Mutable, type RunCounts } from './run-counts.js'
import type { DoneIds } from '../file/done-ids.js'
import type { TextLine } from '../file/read-lines.js'
import { claimLine, readText } from '../file/read-requests.js'
import { isFault, readRequest, readRequestText, type LineFault, type LineRequest } from '../file/request-line.js'
import { unsendable, type LineResult } from '../file/batch-record.js'
import { Flight, sendLine, type Halt, type Service } from './send-line.js'
import { OutageDetector } from './outage-detector.js'

/** A line of an input: a numbered text line, a JSON text, or a parsed object. Lines without a number are numbered in order, from 1. */
export type BatchInput = TextLine | string | object

/** The reason why a run ended before its input did. */
export type Stop = { readonly why: 'stopped' } | Halt

export interface LinesRun {
  readonly input: AsyncIterable<BatchInput> | Iterable<BatchInput>
  /** Whether `input` yields {@link TextLine}s, which carry their own line numbers. */
  readonly isNumbered: boolean
  readonly model: string | undefined
  readonly service: Service
  /** Maximum number of lines in progress, including lines that wait for the limits. Undefined: the runner adapts it to the quota. */
  readonly concurrency: number | undefined
  /** The ids that the output already holds. The runner skips their lines. */
  readonly ids: DoneIds
  readonly counts: Mutable<RunCounts>
  /** Aborts the run and every request in flight. */
  readonly signal: AbortSignal | undefined
  /** The runner calls this once for each model, before the model's first request. */
  readonly onModel: (model: string) => void
  /** Accepts a result. The line stays in progress until the returned promise resolves. An error thrown here ends the run. */
  readonly deliver: (result: LineResult) => Promise<void> | void
}

/**
 * Bounds the request text of all lines in progress, in UTF-16 code units: at least this many bytes of memory. Chosen.
 * A larger value costs memory when the lines are long. A smaller value keeps long lines from filling the quota.
 * A single longer line is still sent, alone.
 */
const MAX_HELD_BYTES = 48 * 1024 * 1024

/**
 * Initial number of lines in progress, when `concurrency` is not set. Chosen.
 * A larger value holds more memory from the start. A smaller value reaches the full quota after more doublings.
 */
const FIRST_CONCURRENCY = 256
/**
 * Maximum number of lines in progress, when `concurrency` is not set. Chosen: the fourth doubling of the initial number.
 * A larger value opens more sockets at once. A smaller value leaves quota unused when answers are slow.
 */
export const MAX_CONCURRENCY = 4096
/**
 * Share of the lines in progress that must be in flight before their number doubles. Chosen.
 * A larger value misses cases in which the number binds. A smaller value adds lines that would only wait for the limits.
 */
const NEARLY_ALL = 0.95

/** Sends the lines of an input as fast as the limits allow. It holds only the lines in progress in memory. */
export class LineRunner {
  readonly #run: LinesRun
  readonly #queue: PQueue
  readonly #flights = new Set<Flight>()
  readonly #models = new Set<string>()
  readonly #outage = new OutageDetector()
  #heldBytes = 0
  #stop: Stop | undefined
  #error: { readonly reason: unknown } | undefined
  #wake: (() => void) | undefined
  #endWait: (() => void) | undefined

  constructor(run: LinesRun) {
    this.#run = run
    this.#queue = new PQueue({ concurrency: run.concurrency ?? FIRST_CONCURRENCY })
  }

  /**
   * Resolves to the reason why the run stopped, or to undefined when all lines are done. After a stop, it resolves when
   * every request in flight has ended.
   *
   * @throws any error of the input or of `deliver`, and the signal's reason
   */
  async run(): Promise<Stop | undefined> {
    const { signal } = this.#run
    const abort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
    try {
      await this.#readAll()
    } catch (error) {
      this.#fail(error)
    }
    await this.#queue.onIdle()
    signal?.removeEventListener('abort', abort)
    if (this.#error !== undefined) throw this.#error.reason
    return this.#stop
  }

  /** Stops the run. Waiting lines are withdrawn. Requests in flight run to their end. */
  stop(why: Stop = { why: 'stopped' }): void {
    if (this.#stop !== undefined) return
    this.#stop = why
    for (const flight of this.#flights) flight.stop()
    this.#wake?.()
    this.#endWait?.()
  }

  #fail(reason: unknown): void {
    this.#error ??= { reason }
    this.stop()
    for (const flight of this.#flights) flight.abort()
  }

  async #readAll(): Promise<void> {
    const { input, ids, counts, isNumbered } = this.#run
    const lines = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]()
    let isOver = false
    try {
      for (let number = 1; this.#stop === undefined; number++) {
        const next = await this.#next(lines)
        if (next === undefined || next.done === true) {
          isOver = next !== undefined
          break
        }
        counts.read++
        const given = isNumbered ? readText(next.value as TextLine, this.#run.model) : this.#readOwn(next.value, number)
        const read = claimLine(given, ids)
        if (read === undefined) counts.skipped++
        else if (isFault(read)) await this.#deliver(unsendable(read))
        else await this.#send(read)
      }
    } finally {
      // A terminal may never yield its next line, so nothing waits for the iterator to close.
      if (!isOver) void Promise.resolve(lines.return?.()).catch(() => {})
    }
  }

  /** Resolves to the next line, or to undefined after a stop. `Promise.race` with one long-lived promise would leak each line. */
  #next(lines: Iterator<BatchInput> | AsyncIterator<BatchInput>): Promise<IteratorResult<BatchInput> | undefined> {
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve(undefined)
      Promise.resolve(lines.next()).then(resolve, reject)
    })
  }

  #readOwn(value: BatchInput, line: number): LineRequest | LineFault {
    const { model } = this.#run
    return typeof value === 'string' ? readRequestText(value, line, { model }) : readRequest(value, line, { model })
  }

  async #send(request: LineRequest): Promise<void> {
    const { counts } = this.#run
    const bytes = request.text.length
    await this.#queue.onSizeLessThan(1)
    while (this.#heldBytes > 0 && this.#heldBytes + bytes > MAX_HELD_BYTES && this.#stop === undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#stop !== undefined) return
    if (!this.#models.has(request.model)) {
      this.#models.add(request.model)
      this.#run.onModel(request.model)
    }
    this.#heldBytes += bytes
    counts.waiting++
    void this.#queue.add(async () => {
      try {
        if (this.#stop === undefined) await this.#sendNow(request)
      } catch (error) {
        this.#fail(error)
      } finally {
        counts.waiting--
        this.#heldBytes -= bytes
        this.#wake?.()
      }
    })
  }

  async #sendNow(request: LineRequest): Promise<void> {
    const { service, counts, signal } = this.#run
    const flight = new Flight(signal, (by) => {
      counts.inFlight += by
      counts.waiting -= by
      if (by === -1) return
      this.#outage.sent(counts.inFlight)
      this.#grow(request.model)
    })
    this.#flights.add(flight)
    const sent = await sendLine(request, flight, service).finally(() => this.#flights.delete(flight))
    if (sent === undefined) return
    const halt = 'halt' in sent ? sent.halt : this.#outage.ended(sent.result, counts.inFlight)
    if (halt !== undefined) this.stop(halt)
    if ('result' in sent) await this.#deliver(sent.result)
  }

  /**
   * Doubles the number of lines in progress when nearly all of them are in flight: then that number binds, not the quota.
   * It does nothing until the service has answered, and nothing for a model without a limit.
   */
  #grow(model: string): void {
    const { concurrency: given, counts, service } = this.#run
    const { concurrency, pending } = this.#queue
    if (given !== undefined || concurrency >= MAX_CONCURRENCY || pending < concurrency) return
    if (counts.inFlight < NEARLY_ALL * concurrency || !this.#outage.isAnswering) return
    const limits = service.limiter.limitsOf(model)
    if (!LIMIT_FIELDS.some((field) => (limits[field] ?? Infinity) < Infinity)) return
    this.#queue.concurrency = Math.min(MAX_CONCURRENCY, 2 * concurrency)
  }

  async #deliver(result: LineResult): Promise<void> {
    const { counts, deliver } = this.#run
    await deliver(result)
    countResult(counts, result)
  }
}
