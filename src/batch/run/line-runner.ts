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

/** A line of an input: as text with its number, the JSON text alone, or what it says; numbered as they come. */
export type BatchInput = TextLine | string | object

/** Why a run ended before its input did. */
export type Stop = { readonly why: 'stopped' } | Halt

export interface LinesRun {
  readonly input: AsyncIterable<BatchInput> | Iterable<BatchInput>
  /** Whether `input` is of {@link TextLine}s. */
  readonly isNumbered: boolean
  readonly model: string | undefined
  readonly service: Service
  /** How many lines are on their way at once, those that wait for the limits among them; undefined: as many as the quota needs. */
  readonly concurrency: number | undefined
  /** Those that are done are skipped. */
  readonly ids: DoneIds
  readonly counts: Mutable<RunCounts>
  /** Breaks off at once what is in flight. */
  readonly signal: AbortSignal | undefined
  /** Called once for each model, before its first request. */
  readonly onModel: (model: string) => void
  /** Takes a result; until then its line counts as on its way. What it throws ends the run. */
  readonly deliver: (result: LineResult) => Promise<void> | void
}

/** So many bytes of requests are held at once, however many lines that are. */
const MAX_HELD_BYTES = 48 * 1024 * 1024

/** Where it is not given: so many at first, and at most. */
const FIRST_CONCURRENCY = 256
export const MAX_CONCURRENCY = 4096
/** With this part of the lines at the service, none that counts waits for the limits. */
const NEARLY_ALL = 0.95

/** Sends the lines of an input as fast as the limits allow, and holds no more of them than are on their way. */
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
   * Resolves when all lines are done, or the run was stopped and what was in flight has ended: why it was stopped,
   * undefined if it was not.
   *
   * @throws what the input or `deliver` threw, and the signal's reason
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

  /** Sends no more lines; what waits is taken back, what is in flight ends. */
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
      // What still waits for its next line, as a terminal may for ever, must not be waited for.
      if (!isOver) void Promise.resolve(lines.return?.()).catch(() => {})
    }
  }

  /** The next line; undefined once the run is stopped. A race with a promise that lasts would keep each line in memory. */
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
   * Doubles the lines that are on their way where all of them are at the service: then their number binds, not the quota.
   * Not before the service has answered, and not where no limit would ever bind.
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
