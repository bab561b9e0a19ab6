import { hashOf, Random } from '../random.js'
import type { Service } from '../service.js'
import type { Files, FileKind, StoredFile } from './files.js'
import { answerLine } from './answer-line.js'
import { validateInput } from './validate-input.js'
import type { BatchFault, InputLine } from './validate-input.js'

export type BatchStatus =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled'

/** The parameters that a batch was created with. */
export interface BatchOrder {
  readonly id: string
  readonly input: StoredFile
  readonly endpoint: string
  /** As the client wrote it, for example `24h`. */
  readonly completionWindow: string
  readonly windowMs: number
  readonly metadata: unknown
}

const ENDED: ReadonlySet<string> = new Set(['failed', 'completed', 'expired', 'cancelled'])

/** One batch. It has no timer. Each call first makes the changes that have fallen due by its time. */
export class Batch {
  readonly order: BatchOrder
  readonly #service: Service
  readonly #files: Files
  /** When the batch entered each status, in clock milliseconds. */
  readonly #times: Partial<Record<BatchStatus, number>>
  #status: BatchStatus = 'validating'
  #lines: readonly InputLine[] = []
  #faults: readonly BatchFault[] = []
  #done = 0
  #failed = 0
  #good: string[] = []
  #bad: string[] = []
  #output: StoredFile | undefined
  #errors: StoredFile | undefined

  constructor(order: BatchOrder, service: Service, files: Files, now: number) {
    this.order = order
    this.#service = service
    this.#files = files
    this.#times = { validating: now }
  }

  get id(): string {
    return this.order.id
  }

  /** Makes all changes of status up to `now`, and returns the status. */
  advance(now: number): BatchStatus {
    for (let next = this.#next(); next !== undefined && next.at <= now; next = this.#next()) {
      this.#enter(next.status, next.at)
    }
    if (this.#status === 'in_progress') this.#work(this.#linesDoneBy(now))
    return this.#status
  }

  /** Starts to cancel the batch. Its finished lines are written to the output. False if the batch has already ended. */
  cancel(now: number): boolean {
    const status = this.advance(now)
    if (status === 'cancelling') return true
    if (ENDED.has(status)) return false
    this.#enter('cancelling', now)
    return true
  }

  /** The batch object that OpenAI's clients read. `time` converts clock milliseconds to epoch seconds. */
  output(now: number, time: (at: number) => number): unknown {
    this.advance(now)
    const { id, input, endpoint, completionWindow, windowMs, metadata } = this.order
    const at = (status: BatchStatus): number | null => {
      const entered = this.#times[status]
      return entered === undefined ? null : time(entered)
    }
    const createdAt = this.#times.validating ?? 0
    return {
      id,
      object: 'batch',
      endpoint,
      errors: this.#faults.length === 0 ? null : { object: 'list', data: this.#faults },
      input_file_id: input.id,
      completion_window: completionWindow,
      status: this.#status,
      output_file_id: this.#output?.id ?? null,
      error_file_id: this.#errors?.id ?? null,
      created_at: time(createdAt),
      in_progress_at: at('in_progress'),
      expires_at: time(createdAt + windowMs),
      finalizing_at: at('finalizing'),
      completed_at: at('completed'),
      failed_at: at('failed'),
      expired_at: at('expired'),
      cancelling_at: at('cancelling'),
      cancelled_at: at('cancelled'),
      request_counts: { total: this.#lines.length, completed: this.#done - this.#failed, failed: this.#failed },
      metadata,
    }
  }

  /** The next change of status that time alone causes, and its time. */
  #next(): { readonly status: BatchStatus; readonly at: number } | undefined {
    const { validateMs, finalizeMs, cancelMs } = this.#service.settings.batch
    const since = this.#times[this.#status] ?? 0
    const expiresAt = (this.#times.validating ?? 0) + this.order.windowMs
    if (this.#status === 'validating') return { status: 'in_progress', at: since + validateMs }
    if (this.#status === 'cancelling') return { status: 'cancelled', at: since + cancelMs }
    if (this.#status === 'finalizing') return { status: 'completed', at: since + finalizeMs }
    if (this.#status !== 'in_progress') return undefined
    const doneAt = since + this.#workMs(this.#lines.length)
    return doneAt <= expiresAt ? { status: 'finalizing', at: doneAt } : { status: 'expired', at: expiresAt }
  }

  #enter(status: BatchStatus, at: number): void {
    if (status === 'in_progress' && !this.#validate()) return this.#enter('failed', at)
    // When the work ends, all lines are done. The difference of two large times may be rounded below the last line.
    if (this.#status === 'in_progress') this.#work(status === 'finalizing' ? this.#lines.length : this.#linesDoneBy(at))
    this.#times[status] = at
    this.#status = status
    if (status === 'completed' || status === 'expired' || status === 'cancelled') this.#write(at)
  }

  /** Reads the input file. False if any line is invalid. */
  #validate(): boolean {
    const { settings, models } = this.#service
    const { content } = this.order.input
    const { lines, faults } = validateInput(content, this.order.endpoint, settings.batch, (model) =>
      models.exists(model),
    )
    this.#faults = faults
    if (faults.length === 0) this.#lines = lines
    return faults.length === 0
  }

  /** How long `lines` lines take, in milliseconds. */
  #workMs(lines: number): number {
    return (lines / this.#service.settings.batch.linesPerSecond) * 1000
  }

  #linesDoneBy(now: number): number {
    const since = this.#times.in_progress ?? now
    // 1e-9 of a line covers the rounding of the product, so a line is done at its exact time.
    const count = Math.floor(((now - since) / 1000) * this.#service.settings.batch.linesPerSecond + 1e-9)
    return Math.min(this.#lines.length, count)
  }

  /** Answers further lines until `upTo` lines are done. */
  #work(upTo: number): void {
    const { seed, batch } = this.#service.settings
    const startedAt = this.#times.in_progress ?? 0
    for (; this.#done < upTo; this.#done += 1) {
      const input = this.#lines[this.#done]
      if (input === undefined) return
      const random = new Random(seed + hashOf(this.id), this.#done)
      const created = this.#service.epochSeconds(startedAt + this.#workMs(this.#done + 1))
      const { endpoint } = this.order
      const result = answerLine(this.#service, { endpoint, input, line: this.#done + 1, random, created })
      if (result.failed) this.#failed += 1
      if (result.failed && batch.failedLines === 'error-file') this.#bad.push(result.text)
      else this.#good.push(result.text)
    }
  }

  #write(at: number): void {
    this.#output = this.#fileOf('batch_output', this.#good, at)
    this.#errors = this.#fileOf('batch_error', this.#bad, at)
    this.#good = []
    this.#bad = []
  }

  #fileOf(kind: FileKind, lines: readonly string[], at: number): StoredFile | undefined {
    if (lines.length === 0) return undefined
    const content = Buffer.from(`${lines.join('\n')}\n`)
    const createdAt = this.#service.epochSeconds(at)
    return this.#files.add(kind, { content, filename: `${this.id}_${kind}.jsonl`, purpose: kind, createdAt })
  }
}
