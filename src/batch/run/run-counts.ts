import type { LineResult } from '../file/batch-record.js'

/** The progress of a run. The values change while it is running. */
export interface RunCounts {
  /** Number of lines in the input. Undefined if the input is not a file. */
  readonly total: number | undefined
  /** Lines of the input that were read. */
  readonly read: number
  /** Lines that succeeded in this run. */
  readonly succeeded: number
  /** Lines that failed in this run, including invalid lines. */
  readonly failed: number
  /** Invalid lines, which could not be sent. Part of `failed`. */
  readonly unsendable: number
  /** Lines that the output already held. */
  readonly skipped: number
  /** Skipped lines that had failed. Part of `skipped`. */
  readonly skippedFailed: number
  /** Requests that were sent and have no answer yet. */
  readonly inFlight: number
  /** Lines that were read and are waiting for the limits. */
  readonly waiting: number
  /** Input tokens of the lines that succeeded. */
  readonly inputTokens: number
  /** Output tokens of the lines that succeeded. */
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

/** Adds the result of one line to the counts. */
export function countResult(counts: Mutable<RunCounts>, { ok, record, usage }: Omit<LineResult, 'line'>): void {
  if (ok) counts.succeeded++
  else counts.failed++
  if (record.error?.line !== undefined) counts.unsendable++
  counts.inputTokens += usage?.inputTokens ?? 0
  counts.outputTokens += usage?.outputTokens ?? 0
}
