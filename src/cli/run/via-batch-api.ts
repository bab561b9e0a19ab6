import type { BatchProgress } from '../../batch/batch-api/batch-api-runner.js'
import { PART_LIMITS } from '../../batch/batch-api/part.js'
import { runBatchApi, type BatchApiSummary } from '../../batch/batch-api/run-batch-api.js'
import { batchLine, PartSorter } from '../../batch/batch-api/part-sorter.js'
import { faultIn } from '../../batch/file/batch-record.js'
import { FaultList } from '../../batch/file/fault-list.js'
import { FileError } from '../../batch/file/file-error.js'
import { BATCH_PRICE_SHARE } from '../../batch/prices/prices.js'
import { readRequests } from '../../batch/file/read-requests.js'
import { isFault } from '../../batch/file/request-line.js'
import { createLimiter } from '../../limiter.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { planTables } from '../plan/plan-options.js'
import { faultsText } from '../plan/planned-input.js'
import { count } from './progress.js'
import { apiKeyOf, timesOf, type RunFlags } from './run-options.js'
import { StatusKeeper } from './run-status.js'
import { beginText, exitCodeOfRun, tableOf } from './run-summary.js'
import type { Terminal } from '../terminal/terminal.js'
import { callAt, waitUntil } from './moment.js'

/** Options that the Batch API rejects. It has no pacing and no fallback. */
const LIVE_ONLY = ['fallback', 'rpm', 'tpm', 'rampUp', 'networkJitterMs', 'tenant'] as const
const BATCH_ONLY = ['completionWindow', 'cancel'] as const

/**
 * Whether lines go by the Batch API.
 * @throws UsageError for options of the other way
 */
export function isViaBatchApi(flags: RunFlags): boolean {
  const isBatch = flags.via === 'batch-api'
  const misplaced = (isBatch ? LIVE_ONLY : BATCH_ONLY).find((name) => flags[name] !== undefined)
  if (misplaced === undefined) return isBatch
  const option = `--${misplaced.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new UsageError(isBatch ? `${option} does nothing with --via batch-api` : `${option} needs --via batch-api`)
}

/** Prints the batch files that a run would create. It sends and writes nothing. The exit code is 1 if a line cannot be sent. */
export async function dryRunViaBatchApi(input: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  timesOf(flags, new Date())
  const sorter = new PartSorter(PART_LIMITS)
  const faults = new FaultList()
  let lines = 0
  for await (const read of readRequests(input === '-' ? terminal.input() : input, { model: flags.model })) {
    lines++
    const taken = isFault(read) ? read : sorter.assign(read, batchLine(read))
    if ('code' in taken) faults.add(taken)
  }
  if (lines === 0) throw new FileError(`'${input}' is empty: there is nothing to send`)
  const files = sorter.parts.map(({ model, endpoint, lines, bytes }) => ({ model, endpoint, lines, bytes }))
  if (flags.json === true) terminal.out(`${JSON.stringify({ files, faults: faults.count })}\n`)
  else {
    const rows = files.map(
      (file) => `${file.model}  ${file.endpoint}  ${count(file.lines)} lines  ${(file.bytes / 1e6).toFixed(1)} MB\n`,
    )
    terminal.out(`${rows.join('')}${count(lines)} lines, ${count(files.length)} files; nothing was sent.\n`)
  }
  terminal.err(faultsText(faults))
  return faults.count > 0 ? EXIT.someFailed : EXIT.done
}

/** Sends the lines of a file by the Batch API, and waits for the answers. */
export async function runViaBatchApi(input: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  if (input === '-' || flags.output === '-') {
    throw new UsageError('--via batch-api needs a file for input and for output: what it waits for takes hours')
  }
  const { startAt, until } = timesOf(flags, new Date())
  const apiKey = apiKeyOf(flags, terminal.env)
  const { prices } = await planTables(flags)
  const isVerbose = flags.quiet !== true
  let isInterrupted = false
  const interrupted = terminal.interrupted().then(() => (isInterrupted = true))
  if (startAt !== undefined) {
    if (isVerbose) terminal.err(`Begins at ${startAt.toISOString()}.\n`)
    await Promise.race([waitUntil(startAt, interrupted), interrupted])
    if (isInterrupted) return EXIT.interrupted
  }
  const limiter = createLimiter()
  const keeper = new StatusKeeper({
    prices,
    priceShare: BATCH_PRICE_SHARE,
    concurrency: Infinity,
    now: performance.now(),
  })
  const faults = new FaultList()
  let lastText = ''
  const batchRun = runBatchApi({
    input,
    output: flags.output,
    errors: flags.errors,
    retryErrors: flags.retryErrors,
    strict: flags.strict,
    model: flags.model,
    completionWindow: flags.completionWindow,
    cancel: flags.cancel,
    limiter,
    baseURL: flags.baseUrl,
    apiKey,
    maxAttempts: flags.maxAttempts,
    timeoutMs: (flags.timeout ?? 300) * 1000,
    clock: terminal.clock,
    onBegin(begin) {
      if (isVerbose && flags.json !== true) terminal.err(beginText(begin))
    },
    onNotice(text) {
      if (isVerbose) terminal.err(`headgate: ${text}\n`)
    },
    onResult({ model, usage, record: { error } }) {
      keeper.answered(model, usage)
      const fault = error === null ? undefined : faultIn(error)
      if (fault !== undefined) faults.add(fault)
    },
    onProgress(batches) {
      if (!isVerbose || batches.length === 0) return
      const text = flags.json === true ? JSON.stringify({ progress: { batches } }) : progressText(batches)
      // Hours may pass without anything new.
      if (text !== lastText) terminal.err(`${text}\n`)
      lastText = text
    },
  })
  void interrupted.then(() => batchRun.stop())
  const forget = until === undefined ? undefined : callAt(until, () => batchRun.stop())
  try {
    const summary = await batchRun.summary
    if (flags.json === true) terminal.out(`${JSON.stringify({ summary, resumable: true })}\n`)
    else if (isVerbose) {
      const status = keeper.status(batchRun.counts, limiter.stats({ lastMs: 60_000 }), performance.now())
      terminal.err(`${faultsText(faults)}${tableOf(summary, status, summary.unanswered)}`)
    }
    const text = endText(summary, isInterrupted)
    if (text !== undefined) terminal.err(`headgate: ${text}\n`)
    const code = exitCodeOfRun(summary)
    return code === EXIT.done && summary.unanswered > 0 ? EXIT.someFailed : code
  } finally {
    forget?.()
    await limiter.close({ abandon: true })
  }
}

function progressText(batches: readonly BatchProgress[]): string {
  const statuses = new Map<string, number>()
  let [lines, completed, failed] = [0, 0, 0]
  for (const batch of batches) {
    statuses.set(batch.status, (statuses.get(batch.status) ?? 0) + 1)
    lines += batch.lines
    completed += batch.completed
    failed += batch.failed
  }
  const shares = [...statuses].map(([status, batchCount]) => `${count(batchCount)} ${status}`).join(', ')
  return `batches: ${shares} · ${count(completed)} of ${count(lines)} lines done, ${count(failed)} failed`
}

/** Returns the remaining work and how to continue, or undefined if nothing remains. */
function endText({ stop, unanswered, underWay }: BatchApiSummary, isInterrupted: boolean): string | undefined {
  if (stop?.why === 'unauthorized') {
    return `Stopped: the service does not know the API key (${stop.message}). The same command goes on from here.`
  }
  const onward =
    underWay === 0
      ? 'The same command goes on from here.'
      : `${underWay === 1 ? 'A batch goes' : `${count(underWay)} batches go`} on at the service. ` +
        'The same command waits for what comes of it; with --cancel, it is cancelled.'
  if (stop !== undefined) return `${isInterrupted ? 'Interrupted' : 'Stopped: its time is over'}. ${onward}`
  if (unanswered === 0) return undefined
  if (underWay > 0) return `${count(unanswered)} lines have no answer yet. ${onward}`
  return `${count(unanswered)} lines have no answer. The same command submits them again.`
}
