import { OutputFile, type OutputOptions, type Sink } from './output-file.js'
import type { OutputExtent } from './scan-output.js'

/** See `FileRunOptions`. */
export interface SinkOptions {
  readonly output: string | Sink
  readonly errors?: string | undefined
  readonly openHandle?: OutputOptions['openHandle']
}

/** Where the lines of a run go. */
export interface Sinks {
  readonly output: Sink
  readonly errors: Sink
  /** Resolves when what was appended is on the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** @throws FileError if one of them cannot be written */
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
