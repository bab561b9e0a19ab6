import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FileError, fileErrorOf } from './file-error.js'
import { countLines } from './read-lines.js'

/** Bytes of each read. Chosen. A larger value holds more memory. A smaller value makes more system calls. */
const CHUNK_BYTES = 64 * 1024

/** Whether a file name ends in `.gz`. */
export function isGzip(path: string): boolean {
  return path.toLowerCase().endsWith('.gz')
}

/**
 * Yields the bytes of a file. A file whose name ends in `.gz` is decompressed.
 *
 * @param onRaw - called with each chunk before decompression
 * @throws FileError
 */
export async function* readFileBytes(path: string, onRaw?: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  try {
    const handle = await open(path, 'r')
    if ((await handle.stat()).isDirectory()) {
      await handle.close()
      throw new FileError(`'${path}' is a directory: give the path of a file`)
    }
    const file = tapped(handle.createReadStream({ highWaterMark: CHUNK_BYTES }), onRaw)
    // `pipeline` passes a read error to the gunzip stream, and the iteration throws it.
    yield* isGzip(path) ? pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : file
  } catch (error) {
    throw fileErrorOf(error, `'${path}'`, 'read')
  }
}

async function* tapped(file: AsyncIterable<Buffer>, onRaw?: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of file) {
    onRaw?.(chunk)
    yield chunk
  }
}

/** Identifies the input of an output. */
export interface Fingerprint {
  /** The SHA-256 of the file before decompression, in hexadecimal. */
  readonly sha256: string
  readonly bytes: number
  /** Number of lines that are not blank. */
  readonly lines: number
}

/**
 * Resolves to the fingerprint of a file. It reads the file once.
 *
 * @throws FileError, also for a pipe, which could not be read a second time
 */
export async function fingerprintOf(path: string): Promise<Fingerprint> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isFile() && !found.isDirectory()) {
    throw new FileError(`'${path}' is no file: give - as the input, and lead this to the standard input`)
  }
  const hash = createHash('sha256')
  let bytes = 0
  const chunks = readFileBytes(path, (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  const lines = await countLines(chunks)
  return { sha256: hash.digest('hex'), bytes, lines }
}
