import type { BatchSummary } from '../../batch/run/run-batch.js'
import type { RunBegin } from '../../batch/run/run-batch-file.js'
import { EXIT } from '../exit-codes.js'
import { count, duration, money } from './progress.js'
import type { RunStatus } from './run-status.js'

/** Returns the text at the start of a run. Empty if there is nothing to report. */
export function beginText({ counts, doneBefore, mendedBytes, canResume }: RunBegin): string {
  const total = counts.total === undefined ? '' : `${counts.total.toLocaleString('en')} lines. `
  const done = doneBefore === 0 ? '' : `${doneBefore.toLocaleString('en')} are done already. `
  const mended = mendedBytes === 0 ? '' : `A last line that was not whole was cut off. `
  const resume = canResume ? '' : 'This run cannot be resumed: that needs a file for input and for output. '
  const text = `${total}${done}${mended}${resume}`.trim()
  return text === '' ? '' : `${text}\n`
}

/** Returns the exit code of a run. */
export function exitCodeOfRun({ stop, failed, skippedFailed }: BatchSummary): number {
  if (stop?.why === 'quota') return EXIT.quotaExhausted
  if (stop?.why === 'unauthorized') return EXIT.usageError
  if (stop?.why === 'stopped') return EXIT.interrupted
  if (stop?.why === 'unreachable') return EXIT.someFailed
  return failed + skippedFailed > 0 ? EXIT.someFailed : EXIT.done
}

/** The final table. `unanswered`: lines that have no answer, of a run that can leave such. */
export function tableOf(summary: BatchSummary, status: RunStatus, unanswered = 0): string {
  const { succeeded, failed, unsendable, skipped, inputTokens, outputTokens, durationMs } = summary
  const minutes = durationMs / 60_000
  const rows: [string, string][] = [
    ['succeeded', count(succeeded)],
    ['failed', `${count(failed)}${unsendable > 0 ? `, ${count(unsendable)} of them could not be sent` : ''}`],
    ...(unanswered > 0 ? [['no answer', count(unanswered)] as [string, string]] : []),
    ...(skipped > 0 ? [['done before', `${count(skipped)}${beforeFailed(summary)}`] as [string, string]] : []),
    ...(summary.total === undefined ? [] : [['lines', count(summary.total)] as [string, string]]),
    ['tokens', `${count(inputTokens)} in, ${count(outputTokens)} out`],
    ['time', duration(durationMs)],
    [
      'a minute',
      `${count((succeeded + failed) / minutes)} lines, ${count((inputTokens + outputTokens) / minutes)} tokens`,
    ],
    ['429s', count(status.throttled)],
    ...(status.cost === undefined ? [] : [['cost', costText(status)] as [string, string]]),
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(12)}  ${value}\n`).join('')
}

function costText({ cost = 0, currency, unpriced }: RunStatus): string {
  const without = unpriced === 0 ? '' : `, without ${count(unpriced)} answers whose price is not known`
  return `${money(cost)} ${currency}${without}`
}

function beforeFailed({ skippedFailed }: BatchSummary): string {
  return skippedFailed === 0 ? '' : `, ${count(skippedFailed)} of them failed: --retry-errors does them again`
}

/** Returns the reason for an early stop and how to resume, or undefined. */
export function stopText({ stop }: BatchSummary, isInterrupted: boolean, canResume: boolean): string | undefined {
  if (stop === undefined) return undefined
  const again = canResume
    ? 'The same command goes on from here.'
    : 'What was not sent cannot be resumed: that needs a file for input and for output.'
  if (stop.why === 'stopped') return `${isInterrupted ? 'Interrupted' : 'Stopped: its time is over'}. ${again}`
  if (stop.why === 'unauthorized') return `Stopped: the service does not know the API key (${stop.message}). ${again}`
  if (stop.why === 'unreachable') {
    const onward = canResume ? '; the same command with --retry-errors goes on.' : `. ${again}`
    return `The service does not answer (${stop.message}): stopped after ${count(stop.lines ?? 0)} lines${onward}`
  }
  return `Stopped: ${stop.message} ${again}`
}
