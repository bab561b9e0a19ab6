import { CallFailed, type BatchApiCalls } from './batch-api-calls.js'
import { merge, type Merged, type MergeTarget } from './merge.js'

export interface DownloadOptions {
  readonly calls: BatchApiCalls
  readonly target: MergeTarget
  /** Aborts the download. */
  readonly stopped: AbortSignal
}

/**
 * Appends the answers in a file of the service to the output. Resolves once they are synced to disk, or to undefined if the
 * service has no such file. An interrupted download can be repeated: no answer is written twice.
 *
 * @throws CallFailed if the file cannot be read to its end, FileError if the output cannot be written
 */
export async function download(
  fileId: string,
  model: string,
  { calls, target, stopped }: DownloadOptions,
): Promise<Merged | undefined> {
  let chunks: AsyncIterable<Uint8Array>
  try {
    chunks = await calls.content(fileId, stopped)
  } catch (error) {
    if (error instanceof CallFailed && error.fault === 'missing') return undefined
    throw error
  }
  let merged: Merged
  try {
    merged = await merge(whole(chunks, stopped), model, target)
  } finally {
    await target.sinks.sync()
  }
  if (merged.isBrokenOff) throw new CallFailed('unknown', `the file ${fileId} broke off`)
  const { answers, without, unreadable } = merged
  if (answers + without === 0 && unreadable > 0) {
    throw new CallFailed('unknown', `the file ${fileId} came as what is no file of answers`)
  }
  return merged
}

/** Turns read errors into `CallFailed`. Errors of the consumer, such as a full disk, pass unchanged. */
async function* whole(chunks: AsyncIterable<Uint8Array>, stopped: AbortSignal): AsyncGenerator<Uint8Array> {
  const read = chunks[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      return await read.next()
    } catch (error) {
      if (stopped.aborted) throw error
      throw new CallFailed('unknown', `a download broke off: ${(error as Error).message}`)
    }
  }
  try {
    for (let one = await next(); one.done !== true; one = await next()) yield one.value
  } finally {
    await Promise.resolve(read.return?.()).catch(() => {})
  }
}
