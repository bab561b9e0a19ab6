import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FileError, fileErrorOf } from './file-error.js'
import { countLines } from './read-lines.js'

const CHUNK_BYTES = 64 * 1024

/** Whether a file's name says that it is compressed. */
export function isGzip(path: string): boolean {
  return path.toLowerCase().endsWith('.gz')
}

/**
 * The bytes of a file, decompressed where its name ends in `.gz`.
 *
 * @param onRaw - is given each chunk as it stands in the file
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
    // What goes wrong in the file ends the other one too, and is thrown there.
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

/** What tells whether an input is the one that an output was begun for. */
export interface Fingerprint {
  /** Of the file as it stands, in hexadecimal. */
  readonly sha256: string
  readonly bytes: number
  /** Those that are not blank. */
  readonly lines: number
}

/**
 * Reads a file once, from end to end.
 * @throws FileError, for a pipe too: it could not be read again
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
