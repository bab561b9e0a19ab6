import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../clock.js'
import { fileReason } from '../../system-errors.js'

/** The input and output of a command. */
export interface Terminal {
  /** Writes to the standard output; a line break is the caller's. */
  out(text: string): void
  /** Writes to the standard error output. */
  err(text: string): void
  /** Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, as it does by default. */
  interrupted(): Promise<void>
  /** Asks, and resolves to the line that is answered, '' where there is none; undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  /** The standard input. */
  input(): Readable
  /** As `out`, and resolves when it may go on: whoever reads may be slow. Rejects when nobody reads any more. */
  pipe(text: string): Promise<void>
  /** The standard error output where it is a terminal, on which what was written can be overwritten; else undefined. */
  readonly screen: NodeJS.WriteStream | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** What waits for hours takes its time from here. @default the machine's */
  readonly clock?: Clock | undefined
}

/** The terminal, or whatever the process is attached to. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interrupted: () =>
    new Promise((resolve) => {
      const stop = (): void => {
        process.off('SIGINT', stop)
        process.off('SIGTERM', stop)
        resolve()
      }
      process.on('SIGINT', stop)
      process.on('SIGTERM', stop)
    }),
  ask: process.stdin.isTTY ? asked : undefined,
  input: () => process.stdin,
  pipe: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
    }),
  get screen() {
    return process.stderr.isTTY ? process.stderr : undefined
  },
  env: process.env,
}

function asked(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise((resolve) => {
    // Also where the input ends, or by Ctrl+C.
    lines.on('close', () => resolve(''))
    lines.question(question, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}

/** The error codes of a write after the reader has closed its end: of the first write, and of later ones. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED'])

/**
 * Keeps a command running after the reader of its output has gone, as with `| head`. A paid run must not end for that. Without a
 * listener, the error would end the process. Any other write error ends the process with a message.
 *
 * @param fail - ends the process
 */
export function ignoreBrokenPipe(streams: readonly Writable[], fail: (message: string) => void): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code)) fail(`headgate: the output ${fileReason(error, 'written')}\n`)
    })
  }
}
