import { systemClock, type Clock } from '../../clock.js'
import { InvalidRequest } from '../../errors.js'
import { withOutputLock } from '../run/output-lock.js'
import { noCounts, type Mutable, type RunCounts } from '../run/run-counts.js'
import { DoneIds } from '../file/done-ids.js'
import { FileError } from '../file/file-error.js'
import type { OutputOptions } from '../file/output-file.js'
import { checkInput, resumeOutput } from '../run/resume-output.js'
import { checkCount, serviceOf, type BatchSummary, type RunOptions } from '../run/run-batch.js'
import type { RunBegin } from '../run/run-batch-file.js'
import { readSidecar } from '../file/sidecar.js'
import { openSinks } from '../file/sinks.js'
import { BatchApiRunner, type BatchProgress } from './batch-api-runner.js'
import { BatchApiCalls } from './batch-api-calls.js'
import { checkSameParts, PartLedger } from './part-ledger.js'
import type { BatchApiResult, MergeTarget } from './merge.js'
import { isUnderWay, PART_LIMITS, type Part, type PartLimits } from './part.js'
import { reopen, stageInput } from './stage-input.js'

export interface BatchApiOptions
  extends
    Pick<
      RunOptions,
      'limiter' | 'baseURL' | 'apiKey' | 'headers' | 'model' | 'maxAttempts' | 'timeoutMs' | 'fetch' | 'signal'
    >,
    Partial<PartLimits> {
  /** The path of a file, decompressed where it ends in `.gz`. */
  readonly input: string
  /** The path of a file, compressed where it ends in `.gz`. */
  readonly output: string
  /** Where lines that fail go. @default the output */
  readonly errors?: string | undefined
  /** Whether lines that failed before are done again: they are taken out of the output first. @default false */
  readonly retryErrors?: boolean | undefined
  /** Whether nothing is sent if any line cannot be. @default false */
  readonly strict?: boolean | undefined
  /** How long the service may take, from `24h` to `336h`, or in days. @default '24h' */
  readonly completionWindow?: string | undefined
  /** Cancels the batches that are under way, writes what they have answered, and submits nothing. @default false */
  readonly cancel?: boolean | undefined
  /** How often each batch is asked for, in ms; Model Studio asks for no less than a minute. @default 60,000 */
  readonly pollMs?: number | undefined
  /** What waits between two looks. @default the machine's */
  readonly clock?: Clock | undefined
  /** Called before the first file is uploaded, with what is known then. */
  readonly onBegin?: ((begin: RunBegin) => void) | undefined
  /** Called with each result as it is written. */
  readonly onResult?: ((result: BatchApiResult) => void) | undefined
  /** Called after each look at all batches. */
  readonly onProgress?: ((batches: readonly BatchProgress[]) => void) | undefined
  /** Called with what whoever waits should know: lines without an answer and why, and calls that failed and are repeated. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** Opens what is written. @default the file */
  readonly openHandle?: OutputOptions['openHandle']
}

/** What a run came to. */
export interface BatchApiSummary extends BatchSummary {
  /** Lines that have no answer: another run submits them, but for those of batches that are still under way. */
  readonly unanswered: number
  /** Batches that are still under way. */
  readonly underWay: number
}

/** A run by the Batch API that goes on. */
export interface BatchApiRun {
  readonly counts: RunCounts
  /** @throws FileError, InvalidRequest, the signal's reason */
  readonly summary: Promise<BatchApiSummary>
  /** Submits no more, and waits no longer; the batches go on at the service, and the same call goes on from here. */
  stop(): void
}

/**
 * Sends the lines of a file by the Batch API, outside all limits and at half price: in files as large as may be, one model and
 * endpoint each, whose answers are appended to `output` in the form of `runBatchFile`. The same call goes on where one was
 * stopped or killed: files and batches stand in `….headgate.json` beside the output, and a batch that was submitted without
 * an answer is looked for before it is submitted again. Lines that have no answer in the end, of batches that failed, expired or
 * were cancelled, are submitted by the next call. Until their batches have ended, lines stand in files beside the output: the
 * disk needs room for the input once more.
 */
export function runBatchApi(options: BatchApiOptions): BatchApiRun {
  const counts = noCounts()
  const stopping = new AbortController()
  const outputs = [options.output, options.errors].filter((path) => typeof path === 'string')
  return {
    counts,
    summary: withOutputLock(outputs, () => run(options, counts, stopping.signal)),
    stop: () => stopping.abort(),
  }
}

async function run(
  options: BatchApiOptions,
  counts: Mutable<RunCounts>,
  stopAsked: AbortSignal,
): Promise<BatchApiSummary> {
  const beganAt = performance.now()
  const { output, cancel = false, maxAttempts = 5, signal, onBegin, onProgress, onNotice = () => {} } = options
  const checked = checkedOptions(options)
  const service = serviceOf(options)
  const print = cancel ? (await readSidecar(output))?.input : await checkInput(options)
  if (print === undefined) throw new FileError(`no batch of '${output}' is under way: nothing is known of it`)
  if (!cancel) await checkSameParts(output, print)
  counts.total = print.lines
  const ids = new DoneIds()
  const found = await resumeOutput(options, print, ids)
  counts.skipped = found.records
  counts.skippedFailed = found.failed
  const ledger = await PartLedger.open(output, service.baseURL)
  await ledger.clean()
  const stopped = signal === undefined ? stopAsked : AbortSignal.any([signal, stopAsked])
  const full = new AbortController()
  const sinks = await openSinks(options, found.extents, () => full.abort())
  const target: MergeTarget = { ids, sinks, counts, onResult: options.onResult ?? (() => {}) }
  try {
    onBegin?.({ counts, doneBefore: found.records, mendedBytes: found.tornBytes, canResume: true })
    if (!cancel) {
      if (await reopen(ledger, ids)) await stageInput(options, checked.limits, { ledger, target, stopped })
      else
        onNotice(
          'lines of batches are not beside the output any more: these are finished first, and nothing is submitted',
        )
    }
    const count = (): void => {
      counts.inFlight = linesOf(ledger.parts.filter(isUnderWay))
      counts.waiting = linesOf(ledger.parts) - counts.inFlight
    }
    count()
    const runner = new BatchApiRunner({
      ledger,
      calls: new BatchApiCalls(service),
      target,
      ...checked,
      maxAttempts,
      isCancelling: cancel,
      stopped: AbortSignal.any([stopped, full.signal]),
      onNotice,
      onProgress(batches) {
        count()
        onProgress?.(batches)
      },
    })
    const ended = await runner.run()
    signal?.throwIfAborted()
    if (full.signal.aborted) throw new FileError('Little room is left on the disk of the output: make some, and resume')
    count()
    const unanswered = Math.max(0, print.lines - counts.succeeded - counts.failed - counts.skipped)
    const underWay = ledger.parts.filter(isUnderWay).length
    const stop = ended ?? (stopped.aborted && unanswered > 0 ? { why: 'stopped' } : undefined)
    return { ...counts, unanswered, underWay, stop, durationMs: performance.now() - beganAt }
  } finally {
    await sinks.close()
  }
}

/** @throws InvalidRequest */
function checkedOptions(options: BatchApiOptions): {
  readonly completionWindow: string
  readonly pollMs: number
  readonly clock: Clock
  readonly limits: PartLimits
} {
  const { input, output, completionWindow = '24h', pollMs = 60_000, clock = systemClock } = options
  if (typeof input !== 'string' || typeof output !== 'string') {
    throw new InvalidRequest('The Batch API needs a file for input and for output: what it waits for takes hours')
  }
  if (!/^\d+[hd]$/.test(completionWindow)) {
    throw new InvalidRequest(`completionWindow is '${completionWindow}': give hours or days, such as 24h or 7d`)
  }
  if (!(pollMs >= 0 && pollMs < 2 ** 31)) throw new InvalidRequest(`pollMs is ${pollMs}: give milliseconds`)
  const limits = Object.fromEntries(
    Object.entries(PART_LIMITS).map(([name, most]) => {
      const value = options[name as keyof PartLimits] ?? most
      checkCount(name, value)
      return [name, value]
    }),
  ) as unknown as PartLimits
  return { completionWindow, pollMs, clock, limits }
}

function linesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { lines }) => sum + lines, 0)
}
