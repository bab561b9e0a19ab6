/** Files and batches. */
export interface BatchOptions {
  /** The largest file, in bytes (documented). @default 500 MB */
  readonly maxFileBytes?: number
  /** The most lines of a batch (documented). @default 50_000 */
  readonly maxLines?: number
  /** The longest line, in bytes (documented). @default 6 MB */
  readonly maxLineBytes?: number
  /** How long a batch is validated, in milliseconds (a guess). @default 1_000 */
  readonly validateMs?: number
  /** How many lines are done in a second (a guess). @default 50 */
  readonly linesPerSecond?: number
  /** How long a batch is finalizing, in milliseconds (a guess). @default 1_000 */
  readonly finalizeMs?: number
  /** How long a batch is cancelling, in milliseconds (a guess). @default 1_000 */
  readonly cancelMs?: number
  /** Which lines fail, and with what status and body. */
  readonly failLine?: (line: BatchLine) => { readonly status: number; readonly body: unknown } | undefined
  /** Where failed lines are written: beside the good ones they were seen too. @default 'error-file' */
  readonly failedLines?: 'error-file' | 'output-file'
}

/** A line of a batch. */
export interface BatchLine {
  /** From 1. */
  readonly line: number
  readonly customId: string
  readonly body: Readonly<Record<string, unknown>>
}
