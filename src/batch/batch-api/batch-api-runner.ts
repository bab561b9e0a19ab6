import { abortableSleep } from '../../abort-signals.js'
import type { Clock } from '../../clock.js'
import { FileError } from '../file/file-error.js'
import type { Stop } from '../run/line-runner.js'
import { CallFailed, type BatchApiCalls, type BatchObject } from './batch-api-calls.js'
import { download } from './download.js'
import type { PartLedger } from './part-ledger.js'
import type { MergeTarget } from './merge.js'
import { isUnderWay, type Part } from './part.js'
import type { UploadFile } from './upload-form.js'

/** The progress of one batch. */
export interface BatchProgress {
  /** The number of its part, from 1. */
  readonly part: number
  readonly model: string
  readonly lines: number
  readonly batchId: string | undefined
  /** The service's status, or `waiting` before the batch is submitted. */
  readonly status: string
  /** Number of answered lines, as the service reports it. */
  readonly completed: number
  /** Number of failed lines, as the service reports it. */
  readonly failed: number
}

export interface BatchApiRunnerOptions {
  readonly ledger: PartLedger
  readonly calls: BatchApiCalls
  readonly target: MergeTarget
  readonly completionWindow: string
  readonly clock: Clock
  readonly pollMs: number
  /** Maximum number of uploads and of submissions for each part. */
  readonly maxAttempts: number
  /** Whether the run cancels the batches under way and submits nothing. */
  readonly isCancelling: boolean
  /** Stops the run. It aborts uploads and downloads, which can be repeated, and finishes other calls. */
  readonly stopped: AbortSignal
  /** Called with a message for the user. */
  readonly onNotice: (text: string) => void
  /** Called after each poll of all batches. */
  readonly onProgress: (batches: readonly BatchProgress[]) => void
}

/**
 * Failed calls in a row after which a part is deferred to the next run. Chosen: an hour at the default poll interval.
 * A smaller value gives up in a short outage. A larger value waits longer for a service that is gone.
 */
const MAX_FAILURES = 60
/**
 * `missing` answers after which a file or a batch counts as missing. Chosen.
 * A smaller value loses answers to one wrong 404. A larger value waits longer for a file that is gone.
 */
const MAX_MISSING = 3
/**
 * Searches for a batch whose submission got no answer, one for each poll, before it is submitted again. Chosen.
 * A smaller value pays twice for a batch that the service lists late. A larger value delays a batch that was lost.
 */
const SEARCHES_BEFORE_SUBMITTING = 2
/** The statuses of a batch that has ended. */
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])
/** Errors of one batch that a notice shows. Chosen, for the length of the message alone. */
const MAX_ERRORS_SHOWN = 5

/** The state of a part that lasts for this run only. */
interface PartRun {
  progress: BatchProgress
  failures: number
  missing: number
  uploads: number
  submits: number
  searches: number
  isCancelled: boolean
  /** Whether this run leaves the part to the next run. */
  isDeferred: boolean
}

/** Uploads parts, submits and polls their batches, and merges their answers into the output. */
export class BatchApiRunner {
  readonly #options: BatchApiRunnerOptions
  readonly #runs = new Map<number, PartRun>()
  #stop: Stop | undefined

  constructor(options: BatchApiRunnerOptions) {
    this.#options = options
  }

  /** The progress of all parts of this run, including ended ones. */
  get batches(): readonly BatchProgress[] {
    return [...this.#runs.values()].map(({ progress }) => progress)
  }

  /**
   * Resolves to undefined when every part has ended or is deferred to the next run. After a stop, it resolves to the reason.
   *
   * @throws FileError
   */
  async run(): Promise<Stop | undefined> {
    const { ledger, stopped, clock, pollMs, onProgress } = this.#options
    for (const part of ledger.parts) this.#runOf(part)
    for (;;) {
      for (const part of ledger.parts) {
        if (stopped.aborted || this.#stop !== undefined) break
        if (!this.#runOf(part).isDeferred) await this.#step(part)
      }
      onProgress(this.batches)
      if (this.#stop !== undefined) return this.#stop
      if (ledger.parts.every((part) => this.#runOf(part).isDeferred)) return undefined
      try {
        await abortableSleep(clock, pollMs, stopped)
      } catch (error) {
        if (!stopped.aborted) throw error
        return { why: 'stopped' }
      }
    }
  }

  async #step(part: Part): Promise<void> {
    const run = this.#runOf(part)
    try {
      await this.#advance(part, run)
    } catch (error) {
      if (error instanceof CallFailed) await this.#failed(part, run, error)
      else if (error instanceof FileError || !this.#options.stopped.aborted) throw error
    }
  }

  async #advance(given: Part, run: PartRun): Promise<void> {
    const { ledger, isCancelling, stopped, maxAttempts } = this.#options
    let part = given
    if (part.state === 'submitting') {
      const found = await this.#find(part, run)
      if (found === undefined) return
      part = found
    }
    if (part.state === 'submitted') return this.#poll(part, run)
    if (isCancelling) return ledger.remove(part)
    if (part.state !== 'uploaded') part = await this.#upload(part, run)
    if (stopped.aborted) return
    if (run.submits >= maxAttempts && !this.#hasOthers(part)) {
      return this.#defer(run, `file ${part.number} was submitted ${run.submits} times in vain`)
    }
    await this.#submit(part, run)
  }

  async #submit(given: Part, run: PartRun): Promise<void> {
    const { ledger, calls, completionWindow } = this.#options
    run.submits++
    const part = await ledger.update(given, { state: 'submitting' })
    try {
      await this.#submitted(part, run, await calls.create(part.fileId!, part.endpoint, completionWindow))
    } catch (error) {
      const isUndone = error instanceof CallFailed && error.fault !== 'unknown'
      if (isUndone) await ledger.update(part, { state: 'uploaded' })
      throw error
    }
  }

  async #upload(part: Part, run: PartRun): Promise<Part> {
    const { ledger, calls, stopped } = this.#options
    const file = { path: ledger.pathOf(part), filename: ledger.filenameOf(part), bytes: part.bytes }
    const found = part.state === 'uploading' ? await this.#findFile(file) : undefined
    run.uploads += found === undefined ? 1 : 0
    if (found === undefined) await ledger.update(part, { state: 'uploading' })
    const { id, createdAt } = found ?? (await calls.upload(file, stopped))
    return ledger.update(part, { state: 'uploaded', fileId: id, fileCreatedAt: createdAt })
  }

  /** Returns undefined where the service cannot list files. The file is then uploaded twice, which costs nothing. */
  async #findFile(file: UploadFile): ReturnType<BatchApiCalls['findFile']> {
    try {
      return await this.#options.calls.findFile(file)
    } catch (error) {
      if (error instanceof CallFailed && (error.fault === 'refused' || error.fault === 'missing')) return undefined
      throw error
    }
  }

  /**
   * Searches for the batch of a part. Resolves to the part as `submitted` if found, or as `uploaded` after the last search.
   * Resolves to undefined if another search must follow.
   */
  async #find(part: Part, run: PartRun): Promise<Part | undefined> {
    const { ledger, calls } = this.#options
    const batch = await calls.findBatch(part.fileId!, part.fileCreatedAt)
    if (batch !== undefined) return this.#submitted(part, run, batch)
    if (++run.searches < SEARCHES_BEFORE_SUBMITTING) return undefined
    run.searches = 0
    return ledger.update(part, { state: 'uploaded' })
  }

  async #submitted(part: Part, run: PartRun, batch: BatchObject): Promise<Part> {
    run.progress = progressOf(part, batch)
    run.failures = 0
    return this.#options.ledger.update(part, { state: 'submitted', batchId: batch.id })
  }

  async #poll(part: Part, run: PartRun): Promise<void> {
    const { calls, isCancelling, onNotice } = this.#options
    const id = part.batchId!
    const refusal = isCancelling && !run.isCancelled ? await calls.cancel(id) : undefined
    const batch = await calls.batch(id)
    run.progress = progressOf(part, batch)
    if (ENDED.has(batch.status)) {
      const answers = await this.#download(part, run, batch)
      const without = Math.max(0, part.lines - answers)
      if (without > 0) onNotice(endText(part, batch, without))
      await this.#options.ledger.remove(part)
    }
    // A batch that has ended in the meantime may refuse to be cancelled.
    else if (refusal !== undefined) throw refusal
    run.isCancelled = isCancelling
    run.failures = 0
  }

  /** Resolves to the number of answers of an ended batch. @throws CallFailed if the files must be read again, FileError */
  async #download(part: Part, run: PartRun, batch: BatchObject): Promise<number> {
    const { onNotice } = this.#options
    let answers = 0
    for (const file of [batch.outputFileId, batch.errorFileId]) {
      if (file === undefined) continue
      const found = await download(file, part.model, this.#options)
      if (found === undefined) {
        const name = `the file ${file} of batch ${batch.id}`
        if (++run.missing < MAX_MISSING) throw new CallFailed('unknown', `${name} is missing`)
        onNotice(`${name} has vanished from the service`)
        continue
      }
      if (found.unreadable > 0) onNotice(`${found.unreadable} lines of the file ${file} cannot be read`)
      answers += found.answers
    }
    return answers
  }

  async #failed(part: Part, run: PartRun, { fault, message }: CallFailed): Promise<void> {
    const { ledger, maxAttempts, isCancelling, onNotice } = this.#options
    if (fault === 'unauthorized') {
      this.#stop = { why: 'unauthorized', message }
      return
    }
    const { state, batchId } = ledger.parts.find(({ number }) => number === part.number)!
    const failures = ++run.failures
    if (state === 'submitted' && fault === 'missing') {
      if (isCancelling) {
        onNotice(`batch ${batchId} is not known to the service, and is forgotten`)
        return ledger.remove(part)
      }
      // The batch may belong to another account. A batch that may be paid for is never submitted again automatically.
      const hint = "is it another account's? Cancelling forgets it"
      if (failures >= MAX_MISSING) return this.#defer(run, `${message} (${hint})`)
    } else if (state !== 'submitted' && state !== 'submitting' && (fault === 'refused' || fault === 'missing')) {
      onNotice(`a file with ${part.lines.toLocaleString('en')} lines was refused: ${message}`)
      return ledger.remove(part)
    }
    const isTriedOut = Math.max(run.uploads, run.submits) >= maxAttempts && !isUnderWay({ state })
    if (failures >= MAX_FAILURES || (isTriedOut && !this.#hasOthers(part))) return this.#defer(run, message)
    onNotice(`${message}; the next try is in ${Math.round(this.#options.pollMs / 1000)} s`)
  }

  #hasOthers({ number }: Part): boolean {
    const isWaited = (part: Part): boolean => part.state === 'submitted' && !this.#runOf(part).isDeferred
    return this.#options.ledger.parts.some((part) => part.number !== number && isWaited(part))
  }

  #defer(run: PartRun, message: string): void {
    run.isDeferred = true
    const { part, batchId } = run.progress
    const what = batchId === undefined ? `file ${part}` : `batch ${batchId}`
    this.#options.onNotice(`${message}. The next run goes on with ${what}`)
  }

  #runOf(part: Part): PartRun {
    let run = this.#runs.get(part.number)
    if (run === undefined) {
      const progress = progressOf(part, { id: part.batchId, status: 'waiting', completed: 0, failed: 0 })
      run = {
        progress,
        failures: 0,
        missing: 0,
        uploads: 0,
        submits: 0,
        searches: 0,
        isCancelled: false,
        isDeferred: false,
      }
      this.#runs.set(part.number, run)
    }
    return run
  }
}

function progressOf(
  { number, model, lines }: Part,
  { id, status, completed, failed }: Pick<BatchObject, 'status' | 'completed' | 'failed'> & { id: string | undefined },
): BatchProgress {
  return { part: number, model, lines, batchId: id, status, completed, failed }
}

function endText(part: Part, { id, status, errors }: BatchObject, without: number): string {
  const lines = `${without.toLocaleString('en')} of its ${part.lines.toLocaleString('en')} lines have no answer`
  const shown = errors.slice(0, MAX_ERRORS_SHOWN).map((error) => `\n  ${error}`)
  const rest = errors.length > shown.length ? `\n  and ${(errors.length - shown.length).toLocaleString('en')} more` : ''
  return `batch ${id} is ${status}: ${lines}${shown.length === 0 ? '' : ':'}${shown.join('')}${rest}`
}
