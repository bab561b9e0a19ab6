import type { LineResult } from '../file/batch-record.js'

/** How far a run is. It changes while the run goes on. */
export interface RunCounts {
  /** How many lines there are; undefined where that is not known before the end. */
  readonly total: number | undefined
  /** Lines of the input that were looked at. */
  readonly read: number
  /** Lines that went well, in this run. */
  readonly succeeded: number
  /** Lines that failed or could not be sent, in this run. */
  readonly failed: number
  /** Those of `failed` that could not be sent as they stand. */
  readonly unsendable: number
  /** Lines that stood in the output before. */
  readonly skipped: number
  /** Those of `skipped` that had failed. */
  readonly skippedFailed: number
  /** Requests that the service has and has not answered. */
  readonly inFlight: number
  /** Lines that were read and wait for the limits. */
  readonly waiting: number
  /** Tokens of the lines that went well. */
  readonly inputTokens: number
  readonly outputTokens: number
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function noCounts(total?: number): Mutable<RunCounts> {
  return {
    total,
    read: 0,
    succeeded: 0,
    failed: 0,
    unsendable: 0,
    skipped: 0,
    skippedFailed: 0,
    inFlight: 0,
    waiting: 0,
    inputTokens: 0,
    outputTokens: 0,
  }
}

/** Counts a line that ended. */
export function countResult(counts: Mutable<RunCounts>, { ok, record, usage }: Omit<LineResult, 'line'>): void {
  if (ok) counts.succeeded++
  else counts.failed++
  if (record.error?.line !== undefined) counts.unsendable++
  counts.inputTokens += usage?.inputTokens ?? 0
  counts.outputTokens += usage?.outputTokens ?? 0
}
