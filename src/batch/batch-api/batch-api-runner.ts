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

/** How a batch stands. */
export interface BatchProgress {
  /** The number of its file, from 1. */
  readonly part: number
  readonly model: string
  readonly lines: number
  readonly batchId: string | undefined
  /** The service's, or `waiting` before it has it. */
  readonly status: string
  /** Lines that the service says it has answered, and those that failed there. */
  readonly completed: number
  readonly failed: number
}

export interface BatchApiRunnerOptions {
  readonly ledger: PartLedger
  readonly calls: BatchApiCalls
  readonly target: MergeTarget
  readonly completionWindow: string
  readonly clock: Clock
  readonly pollMs: number
  /** How often a file is uploaded and a batch submitted at most. */
  readonly maxAttempts: number
  /** Whether batches are cancelled, and nothing is submitted. */
  readonly isCancelling: boolean
  /** Breaks off what can be done again, and sends nothing more. */
  readonly stopped: AbortSignal
  /** Something that whoever waits should know. */
  readonly onNotice: (text: string) => void
  /** Called after each look at all batches. */
  readonly onProgress: (batches: readonly BatchProgress[]) => void
}

/** After so many failures, one after the other, a batch is left alone until the next run. */
const MAX_FAILURES = 60
/** A file that is said not to be there so often is not there. */
const MAX_MISSING = 3
/** A batch that was submitted without an answer is looked for so often, a poll apart, before it is submitted again. */
const SEARCHES_BEFORE_SUBMITTING = 2
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])
const MAX_ERRORS_SHOWN = 5

/** What is known of a part in this run alone. */
interface PartRun {
  progress: BatchProgress
  failures: number
  missing: number
  uploads: number
  submits: number
  searches: number
  isCancelled: boolean
  /** Until the next run. */
  isDeferred: boolean
}

/** Brings parts to the service, looks after their batches, and merges what comes of them. */
export class BatchApiRunner {
  readonly #options: BatchApiRunnerOptions
  readonly #runs = new Map<number, PartRun>()
  #stop: Stop | undefined

  constructor(options: BatchApiRunnerOptions) {
    this.#options = options
  }

  /** Parts that have not ended, and those that have. */
  get batches(): readonly BatchProgress[] {
    return [...this.#runs.values()].map(({ progress }) => progress)
  }

  /**
   * Resolves when all parts have ended or are left alone until the next run: why it was stopped, undefined if it was not.
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

  /** One that is uploaded twice costs nothing: where files cannot be looked for, that is what happens. */
  async #findFile(file: UploadFile): ReturnType<BatchApiCalls['findFile']> {
    try {
      return await this.#options.calls.findFile(file)
    } catch (error) {
      if (error instanceof CallFailed && (error.fault === 'refused' || error.fault === 'missing')) return undefined
      throw error
    }
  }

  /** Its batch, or that there is none: then it is `uploaded` again. Undefined where it is to be looked for once more. */
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
    // One that has ended meanwhile may refuse.
    else if (refusal !== undefined) throw refusal
    run.isCancelled = isCancelling
    run.failures = 0
  }

  /** How many answers a batch has that has ended. @throws CallFailed where files are to be read again, FileError */
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
      // It may be another account's: what may have been paid for is not sent again by itself.
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
