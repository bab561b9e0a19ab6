import { OutputFile, type OutputOptions, type Sink } from './output-file.js'
import type { OutputExtent } from './scan-output.js'

/** The output options of `FileRunOptions`. */
export interface SinkOptions {
  readonly output: string | Sink
  readonly errors?: string | undefined
  readonly openHandle?: OutputOptions['openHandle']
}

/** The destinations of a run: one for successful lines and one for failed lines. They may be the same. */
export interface Sinks {
  readonly output: Sink
  readonly errors: Sink
  /** Resolves when every appended line is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Opens the destinations of a run. @throws FileError if a file cannot be written */
export async function openSinks(
  { output, errors, openHandle }: SinkOptions,
  extents: ReadonlyMap<string, OutputExtent>,
  onNearlyFull: () => void,
): Promise<Sinks> {
  const open = (path: string): Promise<Sink> =>
    OutputFile.open(path, { wholeBytes: extents.get(path)?.wholeBytes ?? 0, onNearlyFull, openHandle })
  const main = typeof output === 'string' ? await open(output) : output
  const failed = errors === undefined ? main : await open(errors)
  return {
    output: main,
    errors: failed,
    async sync() {
      await main.sync?.()
      if (failed !== main) await failed.sync?.()
    },
    async close() {
      try {
        await main.close()
      } finally {
        if (failed !== main) await failed.close()
      }
    },
  }
}
