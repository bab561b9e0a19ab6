import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/program.js'
import type { Terminal } from '../../src/cli/terminal/terminal.js'

/** A run of the command line in this process. */
export interface Run {
  /** What was written so far. */
  readonly out: string
  readonly err: string
  /** Resolves when something has been written to the standard output. */
  readonly spoke: Promise<void>
  readonly code: Promise<number>
  /** As a SIGINT or a SIGTERM would. */
  interrupt(): void
}

/** What the process has beside its arguments. */
export interface Surroundings {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly ask?: Terminal['ask']
  readonly clock?: Terminal['clock']
}

export function run(...argv: string[]): Run {
  return runIn({}, ...argv)
}

/** As `run`, before somebody who answers what is asked. */
export function runAnswering(ask: Terminal['ask'], ...argv: string[]): Run {
  return runIn({ ask }, ...argv)
}

export function runIn({ input = '', env = {}, ask, clock }: Surroundings, ...argv: string[]): Run {
  const spoke = deferred()
  const interrupted = deferred()
  const written = { out: '', err: '' }
  const code = runCli(argv, {
    out: (text) => {
      written.out += text
      spoke.resolve()
    },
    err: (text) => {
      written.err += text
    },
    interrupted: () => interrupted.promise,
    ask,
    input: () => Readable.from([Buffer.from(input)]),
    async pipe(text) {
      written.out += text
      spoke.resolve()
    },
    screen: undefined,
    env,
    clock,
  })
  onTestFinished(async () => {
    interrupted.resolve()
    await code
  })
  return {
    get out() {
      return written.out
    },
    get err() {
      return written.err
    },
    spoke: spoke.promise,
    code,
    interrupt: () => interrupted.resolve(),
  }
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
