import { withOutputLock } from './output-lock.js'
import { noCounts, type RunCounts } from './run-counts.js'
import { DoneIds } from '../file/done-ids.js'
import { FileError } from '../file/file-error.js'
import { readFileBytes } from '../file/input-file.js'
import { readLines } from '../file/read-lines.js'
import type { OutputOptions, Sink } from '../file/output-file.js'
import type { LineResult } from '../file/batch-record.js'
import { checkNoBatches } from '../batch-api/part-ledger.js'
import { checkInput, resumeOutput } from './resume-output.js'
import { concurrencyOf, serviceOf, type BatchSummary, type RunOptions } from './run-batch.js'
import { LineRunner } from './line-runner.js'
import { openSinks } from '../file/sinks.js'

export interface FileRunOptions extends RunOptions {
  /** The path of a file, or a stream of bytes. A `.gz` file is decompressed. A run from a stream cannot be resumed. */
  readonly input: string | AsyncIterable<Uint8Array>
  /** The path of a file, or a sink. A `.gz` file is compressed. A run into a sink cannot be resumed. */
  readonly output: string | Sink
  /** The path of the file for failed lines. @default the output */
  readonly errors?: string | undefined
  /** Whether to send failed lines again. They are removed from the output first. @default false */
  readonly retryErrors?: boolean | undefined
  /** Whether one invalid line rejects the whole input before the first request. @default false */
  readonly strict?: boolean | undefined
  /** Called once, before the first line is sent. */
  readonly onBegin?: ((begin: RunBegin) => void) | undefined
  /** Called with each result after it is written. */
  readonly onResult?: ((result: LineResult) => void) | undefined
  /** Opens the output and the errors file. @default the file system */
  readonly openHandle?: OutputOptions['openHandle']
}

/** The state of a file run before its first request. */
export interface RunBegin {
  readonly counts: RunCounts
  /** Number of lines that the output already holds. */
  readonly doneBefore: number
  /** Number of bytes that were truncated because the last line was incomplete. */
  readonly mendedBytes: number
  /** Whether the same call can resume this run. */
  readonly canResume: boolean
}

/** A file run in progress. */
export interface FileRun {
  readonly counts: RunCounts
  /** Resolves when the run has ended. @throws FileError, InvalidRequest, the signal's reason */
  readonly summary: Promise<BatchSummary>
  /** Sends no more lines. Results of requests in flight are still written. */
  stop(): void
}

/**
 * Sends the lines of a file and appends their results to another file.
 *
 * The same call resumes a run that was stopped or killed. Lines that the output holds are not sent again. An incomplete last
 * line is truncated. At most the requests in flight at the kill are sent twice.
 *
 * A second run of the same output fails with a FileError while the first one is running. The sidecar `….headgate.json`
 * beside the output identifies the input.
 *
 * @example
 * ```ts
 * const run = runBatchFile({ input: 'in.jsonl', output: 'out.jsonl', limiter, apiKey, model: 'qwen-plus' })
 * const { succeeded, failed } = await run.summary
 * ```
 */
export function runBatchFile(options: FileRunOptions): FileRun {
  const counts = noCounts()
  const stopping: { isAsked: boolean; runner?: LineRunner } = { isAsked: false }
  const outputs = [options.output, options.errors].filter((path): path is string => typeof path === 'string')
  return {
    counts,
    summary: withOutputLock(outputs, () => run(options, counts, stopping)),
    stop() {
      stopping.isAsked = true
      stopping.runner?.stop()
    },
  }
}

async function run(
  options: FileRunOptions,
  counts: ReturnType<typeof noCounts>,
  stopping: { isAsked: boolean; runner?: LineRunner },
): Promise<BatchSummary> {
  const beganAt = performance.now()
  const { input, model, onResult } = options
  const [service, concurrency] = [serviceOf(options), concurrencyOf(options)]
  const print = await checkInput(options)
  if (typeof options.output === 'string') await checkNoBatches(options.output)
  counts.total = print?.lines
  const ids = new DoneIds()
  const found = await resumeOutput(options, print, ids)
  counts.skippedFailed = found.failed
  const onNearlyFull = (): void =>
    fail(new FileError('Little room is left on the disk of the output: make some, and resume'))
  let failure: FileError | undefined
  const fail = (reason: FileError): void => {
    failure = reason
    stopping.runner?.stop()
  }
  const sinks = await openSinks(options, found.extents, onNearlyFull)
  const runner = new LineRunner({
    input: readLines(typeof input === 'string' ? readFileBytes(input) : input),
    isNumbered: true,
    model,
    service,
    concurrency,
    ids,
    counts,
    signal: options.signal,
    onModel: options.onModel ?? (() => {}),
    async deliver(result) {
      await (result.ok ? sinks.output : sinks.errors).append(JSON.stringify(result.record))
      onResult?.(result)
    },
  })
  stopping.runner = runner
  const canResume = print !== undefined && typeof options.output === 'string'
  options.onBegin?.({ counts, doneBefore: found.records, mendedBytes: found.tornBytes, canResume })
  if (stopping.isAsked) runner.stop()
  try {
    const stop = await runner.run()
    if (failure !== undefined) throw failure
    return { ...counts, stop, durationMs: performance.now() - beganAt }
  } finally {
    await sinks.close()
  }
}
