/** The options of files and batches. */
export interface BatchOptions {
  /** The largest file in bytes (documented). @default 500 MiB */
  readonly maxFileBytes?: number
  /** The most lines of a batch (documented). @default 50_000 */
  readonly maxLines?: number
  /** The longest line in bytes (documented). @default 6 MiB */
  readonly maxLineBytes?: number
  /** How long a batch is validated, in milliseconds (a guess). @default 1_000 */
  readonly validateMs?: number
  /** How many lines of a batch are done per second (a guess). @default 50 */
  readonly linesPerSecond?: number
  /** How long a batch is finalizing, in milliseconds (a guess). @default 1_000 */
  readonly finalizeMs?: number
  /** How long a batch is cancelling, in milliseconds (a guess). @default 1_000 */
  readonly cancelMs?: number
  /** Returns the status and the body of a line that fails. Undefined: the line succeeds. @default none fails */
  readonly failLine?: (line: BatchLine) => { readonly status: number; readonly body: unknown } | undefined
  /** The file that failed lines are written to. Users also saw them in the output file. @default 'error-file' */
  readonly failedLines?: 'error-file' | 'output-file'
}

/** One line of a batch. */
export interface BatchLine {
  /** The number of the line, from 1. */
  readonly line: number
  readonly customId: string
  readonly body: Readonly<Record<string, unknown>>
}
