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
  /** The path of the input. A `.gz` file is decompressed. */
  readonly input: string
  /** The path of the output. A `.gz` file is compressed. */
  readonly output: string
  /** The path of the file for failed lines. @default the output */
  readonly errors?: string | undefined
  /** Whether to send failed lines again. They are removed from the output first. @default false */
  readonly retryErrors?: boolean | undefined
  /** Whether one invalid line rejects the whole input before the first upload. @default false */
  readonly strict?: boolean | undefined
  /** Maximum time that the service may take, from `24h` to `336h`, or in days. @default '24h' */
  readonly completionWindow?: string | undefined
  /** Whether to cancel the batches under way. The run writes their answers and submits nothing. @default false */
  readonly cancel?: boolean | undefined
  /** The interval between two polls of a batch, in ms. Model Studio documents a minimum of one minute. @default 60,000 */
  readonly pollMs?: number | undefined
  /** The clock that times the polls. @default the system clock */
  readonly clock?: Clock | undefined
  /** Called once, before the first file is uploaded. */
  readonly onBegin?: ((begin: RunBegin) => void) | undefined
  /** Called with each result after it is written. */
  readonly onResult?: ((result: BatchApiResult) => void) | undefined
  /** Called with the progress of all batches after each poll. */
  readonly onProgress?: ((batches: readonly BatchProgress[]) => void) | undefined
  /** Called with a message for the user, about lines without an answer or a failed call that is retried. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** Opens the output and the errors file. @default the file system */
  readonly openHandle?: OutputOptions['openHandle']
}

/** The final counts of a Batch API run. */
export interface BatchApiSummary extends BatchSummary {
  /** Number of lines without an answer. The next run submits them, except the lines of batches under way. */
  readonly unanswered: number
  /** Number of batches still under way. */
  readonly underWay: number
}

/** A Batch API run in progress. */
export interface BatchApiRun {
  readonly counts: RunCounts
  /** Resolves when the run has ended. @throws FileError, InvalidRequest, the signal's reason */
  readonly summary: Promise<BatchApiSummary>
  /** Stops submitting and polling. The batches continue at the service, and the same call resumes the run. */
  stop(): void
}

/**
 * Sends the lines of a file through the Batch API, at half price and outside the real-time limits. It appends the answers to
 * `output`, in the format of `runBatchFile`.
 *
 * Each batch file holds lines of one model and one endpoint, up to the service's size limits. Until a batch ends, its lines
 * remain in a file beside the output. So the disk needs room for a second copy of the input.
 *
 * The same call resumes a run that was stopped or killed. The sidecar `….headgate.json` beside the output records the files and
 * batches. If a submission gets no answer, the run searches for its batch before it submits again. The next call also
 * submits lines whose batch failed, expired or was cancelled.
 *
 * @example
 * ```ts
 * const run = runBatchApi({ input: 'in.jsonl', output: 'out.jsonl', limiter, apiKey, model: 'qwen-plus' })
 * const { succeeded, unanswered, underWay } = await run.summary
 * ```
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
