import { CallFailed, type BatchApiCalls } from './batch-api-calls.js'
import { merge, type Merged, type MergeTarget } from './merge.js'

export interface DownloadOptions {
  readonly calls: BatchApiCalls
  readonly target: MergeTarget
  /** Breaks it off. */
  readonly stopped: AbortSignal
}

/**
 * Appends the answers of a file at the service to the output, where they are on the disk when it resolves; undefined where
 * there is no such file. Whatever breaks it off, it can be done again: an answer is not written twice.
 *
 * @throws CallFailed where it cannot be read whole, FileError where it cannot be written
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

/** What breaks a download off is the service's fault; what keeps lines from being written is not. */
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
