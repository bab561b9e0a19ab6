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
  /** The path of a file, decompressed where it ends in `.gz`; or bytes, which can be read once: then nothing can be resumed. */
  readonly input: string | AsyncIterable<Uint8Array>
  /** The path of a file, compressed where it ends in `.gz`; or what takes the lines: then nothing can be resumed. */
  readonly output: string | Sink
  /** Where lines that fail go. @default the output */
  readonly errors?: string | undefined
  /** Whether lines that failed before are done again: they are taken out of the output first. @default false */
  readonly retryErrors?: boolean | undefined
  /** Whether nothing is sent if any line cannot be. @default false */
  readonly strict?: boolean | undefined
  /** Called before the first line is sent, with what is known then. */
  readonly onBegin?: ((begin: RunBegin) => void) | undefined
  /** Called with each result once it is written. */
  readonly onResult?: ((result: LineResult) => void) | undefined
  /** Opens what is written. @default the file */
  readonly openHandle?: OutputOptions['openHandle']
}

/** How a run of a file begins. */
export interface RunBegin {
  readonly counts: RunCounts
  /** How many lines stand in the output already. */
  readonly doneBefore: number
  /** Bytes of a line that was not whole, cut off. */
  readonly mendedBytes: number
  /** Whether the same call goes on where this one stops. */
  readonly canResume: boolean
}

/** A run of a file that goes on. */
export interface FileRun {
  readonly counts: RunCounts
  /** @throws FileError, InvalidRequest, the signal's reason */
  readonly summary: Promise<BatchSummary>
  /** Sends no more lines; what is in flight is still written. */
  stop(): void
}

/**
 * Sends the lines of a file and appends what becomes of them to another, which it only ever adds to. The same call goes on
 * where one was stopped or killed: lines that stand in the output are not sent again, and what a kill left of a last line is
 * cut off. At most what was in flight is sent twice. Of two runs of one output at a time the second is refused. Beside the output a file `….headgate.json` says which input it is of.
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
