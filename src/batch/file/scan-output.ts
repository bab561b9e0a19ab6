import { open, type FileHandle } from 'node:fs/promises'
import { errorCode } from '../../system-errors.js'
import { FileError, fileErrorOf } from './file-error.js'
import { contentOf, MEMBER_HEADER_BYTES, memberLength } from './gzip-member.js'
import { isGzip } from './input-file.js'
import { splitLines } from './read-lines.js'
import { readRecord } from './batch-record.js'

/** A complete line of an output. */
export interface FoundRecord {
  readonly key: string
  readonly ok: boolean
  /** The line without its line break. */
  readonly bytes: Buffer
}

/** Called with each record. The scan waits for the returned promise. */
export type OnRecord = (record: FoundRecord) => void | Promise<void>

/** The complete and the incomplete part of an output. */
export interface OutputExtent {
  /** Bytes up to the end of the last complete line. */
  readonly wholeBytes: number
  /** Bytes after that: an incomplete line, which remains after a kill. */
  readonly tornBytes: number
}

/**
 * Calls `onRecord` for each complete line of an output and resolves to its extent. A missing file has no lines.
 *
 * @throws FileError if the file cannot be read, or if any part but its end was not written by a run
 */
export async function scanOutput(path: string, onRecord: OnRecord): Promise<OutputExtent> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { wholeBytes: 0, tornBytes: 0 }
    throw fileErrorOf(error, `the output '${path}'`, 'read')
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile())
      throw new FileError(`the output '${path}' is no file: give the path of one, or - for the standard output`)
    const wholeBytes = await (isGzip(path) ? scanMembers : scanLines)(handle, stat.size, path, onRecord)
    return { wholeBytes, tornBytes: stat.size - wholeBytes }
  } catch (error) {
    throw fileErrorOf(error, `the output '${path}'`, 'read')
  } finally {
    await handle.close()
  }
}

async function scanLines(handle: FileHandle, size: number, path: string, onRecord: OnRecord): Promise<number> {
  const chunks = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 })
  let wholeBytes = 0
  for await (const { line, bytes, length, isEnded } of splitLines(chunks)) {
    const found = isEnded ? readRecord(bytes!.toString('utf8')) : undefined
    if (found !== undefined) await onRecord({ ...found, bytes: bytes! })
    else if (wholeBytes + length < size) throw notOurs(path, `its line ${line} is no line of output`)
    else break
    wholeBytes += length
  }
  return wholeBytes
}

async function scanMembers(handle: FileHandle, size: number, path: string, onRecord: OnRecord): Promise<number> {
  const header = Buffer.alloc(MEMBER_HEADER_BYTES)
  let wholeBytes = 0
  while (wholeBytes + MEMBER_HEADER_BYTES <= size) {
    await handle.read(header, 0, header.length, wholeBytes)
    const length = memberLength(header)
    if (length === undefined) throw notOurs(path, 'it was not compressed by a run')
    if (wholeBytes + length > size) break
    const member = Buffer.alloc(length)
    await handle.read(member, 0, length, wholeBytes)
    const content = contentOf(member)
    if (content === undefined && wholeBytes + length < size) throw notOurs(path, `it is damaged at byte ${wholeBytes}`)
    if (content === undefined) break
    for await (const { bytes } of splitLines(oneChunk(content))) {
      const found = readRecord(bytes!.toString('utf8'))
      if (found === undefined) throw notOurs(path, 'it holds what is no line of output')
      await onRecord({ ...found, bytes: bytes! })
    }
    wholeBytes += length
  }
  return wholeBytes
}

async function* oneChunk(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk
}

function notOurs(path: string, why: string): FileError {
  return new FileError(`the output '${path}' is not what a run wrote (${why}): it is left as it is; give another path`)
}
