import { createInterface } from 'node:readline'

/** What a command has of the outside world. */
export interface Terminal {
  /** Writes to the standard output; a line break is the caller's. */
  out(text: string): void
  /** Writes to the standard error output. */
  err(text: string): void
  /** Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, as it does by default. */
  interrupted(): Promise<void>
  /** Asks, and resolves to the line that is answered, '' where there is none; undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined
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
