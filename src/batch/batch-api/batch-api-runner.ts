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
const LOOKS_BEFORE_SUBMITTING = 2
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])
const MAX_ERRORS_TOLD = 5

/** What is known of a part in this run alone. */
interface Memory {
  progress: BatchProgress
  failures: number
  missing: number
  uploads: number
  submits: number
  looksFor: number
  isCancelled: boolean
  /** Until the next run. */
  isLeft: boolean
}

/** Brings parts to the service, looks after their batches, and merges what comes of them. */
export class BatchApiRunner {
  readonly #options: BatchApiRunnerOptions
  readonly #memories = new Map<number, Memory>()
  #stop: Stop | undefined

  constructor(options: BatchApiRunnerOptions) {
    this.#options = options
  }

  /** Parts that have not ended, and those that have. */
  get batches(): readonly BatchProgress[] {
    return [...this.#memories.values()].map(({ progress }) => progress)
  }

  /**
   * Resolves when all parts have ended or are left alone until the next run: why it was stopped, undefined if it was not.
   * @throws FileError
   */
  async run(): Promise<Stop | undefined> {
    const { ledger, stopped, clock, pollMs, onProgress } = this.#options
    for (const part of ledger.parts) this.#memoryOf(part)
    for (;;) {
      for (const part of ledger.parts) {
        if (stopped.aborted || this.#stop !== undefined) break
        if (!this.#memoryOf(part).isLeft) await this.#step(part)
      }
      onProgress(this.batches)
      if (this.#stop !== undefined) return this.#stop
      if (ledger.parts.every((part) => this.#memoryOf(part).isLeft)) return undefined
      try {
        await abortableSleep(clock, pollMs, stopped)
      } catch (error) {
        if (!stopped.aborted) throw error
        return { why: 'stopped' }
      }
    }
  }

  async #step(part: Part): Promise<void> {
    const memory = this.#memoryOf(part)
    try {
      await this.#advance(part, memory)
    } catch (error) {
      if (error instanceof CallFailed) await this.#failed(part, memory, error)
      else if (error instanceof FileError || !this.#options.stopped.aborted) throw error
    }
  }

  async #advance(given: Part, memory: Memory): Promise<void> {
    const { ledger, isCancelling, stopped, maxAttempts } = this.#options
    let part = given
    if (part.state === 'submitting') {
      const found = await this.#find(part, memory)
      if (found === undefined) return
      part = found
    }
    if (part.state === 'submitted') return this.#look(part, memory)
    if (isCancelling) return ledger.remove(part)
    if (part.state !== 'uploaded') part = await this.#upload(part, memory)
    if (stopped.aborted) return
    if (memory.submits >= maxAttempts && !this.#hasOthers(part)) {
      return this.#leave(memory, `file ${part.number} was submitted ${memory.submits} times in vain`)
    }
    await this.#submit(part, memory)
  }

  async #submit(given: Part, memory: Memory): Promise<void> {
    const { ledger, calls, completionWindow } = this.#options
    memory.submits++
    const part = await ledger.update(given, { state: 'submitting' })
    try {
      await this.#submitted(part, memory, await calls.create(part.fileId!, part.endpoint, completionWindow))
    } catch (error) {
      const isUndone = error instanceof CallFailed && error.fault !== 'unknown'
      if (isUndone) await ledger.update(part, { state: 'uploaded' })
      throw error
    }
  }

  async #upload(part: Part, memory: Memory): Promise<Part> {
    const { ledger, calls, stopped } = this.#options
    const file = { path: ledger.pathOf(part), filename: ledger.filenameOf(part), bytes: part.bytes }
    const found = part.state === 'uploading' ? await this.#findFile(file) : undefined
    memory.uploads += found === undefined ? 1 : 0
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
  async #find(part: Part, memory: Memory): Promise<Part | undefined> {
    const { ledger, calls } = this.#options
    const batch = await calls.findBatch(part.fileId!, part.fileCreatedAt)
    if (batch !== undefined) return this.#submitted(part, memory, batch)
    if (++memory.looksFor < LOOKS_BEFORE_SUBMITTING) return undefined
    memory.looksFor = 0
    return ledger.update(part, { state: 'uploaded' })
  }

  async #submitted(part: Part, memory: Memory, batch: BatchObject): Promise<Part> {
    memory.progress = progressOf(part, batch)
    memory.failures = 0
    return this.#options.ledger.update(part, { state: 'submitted', batchId: batch.id })
  }

  async #look(part: Part, memory: Memory): Promise<void> {
    const { calls, isCancelling, onNotice } = this.#options
    const id = part.batchId!
    const refusal = isCancelling && !memory.isCancelled ? await calls.cancel(id) : undefined
    const batch = await calls.batch(id)
    memory.progress = progressOf(part, batch)
    if (ENDED.has(batch.status)) {
      const answers = await this.#download(part, memory, batch)
      const without = Math.max(0, part.lines - answers)
      if (without > 0) onNotice(endText(part, batch, without))
      await this.#options.ledger.remove(part)
    }
    // One that has ended meanwhile may refuse.
    else if (refusal !== undefined) throw refusal
    memory.isCancelled = isCancelling
    memory.failures = 0
  }

  /** How many answers a batch has that has ended. @throws CallFailed where files are to be read again, FileError */
  async #download(part: Part, memory: Memory, batch: BatchObject): Promise<number> {
    const { onNotice } = this.#options
    let answers = 0
    for (const file of [batch.outputFileId, batch.errorFileId]) {
      if (file === undefined) continue
      const found = await download(file, part.model, this.#options)
      if (found === undefined) {
        const name = `the file ${file} of batch ${batch.id}`
        if (++memory.missing < MAX_MISSING) throw new CallFailed('unknown', `${name} is missing`)
        onNotice(`${name} has vanished from the service`)
        continue
      }
      if (found.unreadable > 0) onNotice(`${found.unreadable} lines of the file ${file} cannot be read`)
      answers += found.answers
    }
    return answers
  }

  async #failed(part: Part, memory: Memory, { fault, message }: CallFailed): Promise<void> {
    const { ledger, maxAttempts, isCancelling, onNotice } = this.#options
    if (fault === 'unauthorized') {
      this.#stop = { why: 'unauthorized', message }
      return
    }
    const { state, batchId } = ledger.parts.find(({ number }) => number === part.number)!
    const failures = ++memory.failures
    if (state === 'submitted' && fault === 'missing') {
      if (isCancelling) {
        onNotice(`batch ${batchId} is not known to the service, and is forgotten`)
        return ledger.remove(part)
      }
      // It may be another account's: what may have been paid for is not sent again by itself.
      const hint = "is it another account's? Cancelling forgets it"
      if (failures >= MAX_MISSING) return this.#leave(memory, `${message} (${hint})`)
    } else if (state !== 'submitted' && state !== 'submitting' && (fault === 'refused' || fault === 'missing')) {
      onNotice(`a file with ${part.lines.toLocaleString('en')} lines was refused: ${message}`)
      return ledger.remove(part)
    }
    const isTriedOut = Math.max(memory.uploads, memory.submits) >= maxAttempts && !isUnderWay({ state })
    if (failures >= MAX_FAILURES || (isTriedOut && !this.#hasOthers(part))) return this.#leave(memory, message)
    onNotice(`${message}; the next try is in ${Math.round(this.#options.pollMs / 1000)} s`)
  }

  #hasOthers({ number }: Part): boolean {
    const isWaited = (part: Part): boolean => part.state === 'submitted' && !this.#memoryOf(part).isLeft
    return this.#options.ledger.parts.some((part) => part.number !== number && isWaited(part))
  }

  #leave(memory: Memory, message: string): void {
    memory.isLeft = true
    const { part, batchId } = memory.progress
    const what = batchId === undefined ? `file ${part}` : `batch ${batchId}`
    this.#options.onNotice(`${message}. The next run goes on with ${what}`)
  }

  #memoryOf(part: Part): Memory {
    let memory = this.#memories.get(part.number)
    if (memory === undefined) {
      const progress = progressOf(part, { id: part.batchId, status: 'waiting', completed: 0, failed: 0 })
      memory = {
        progress,
        failures: 0,
        missing: 0,
        uploads: 0,
        submits: 0,
        looksFor: 0,
        isCancelled: false,
        isLeft: false,
      }
      this.#memories.set(part.number, memory)
    }
    return memory
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
  const told = errors.slice(0, MAX_ERRORS_TOLD).map((error) => `\n  ${error}`)
  const rest = errors.length > told.length ? `\n  and ${(errors.length - told.length).toLocaleString('en')} more` : ''
  return `batch ${id} is ${status}: ${lines}${told.length === 0 ? '' : ':'}${told.join('')}${rest}`
}
