import { readFile } from 'node:fs/promises'
import { FileError } from '../../batch/file/file-error.js'
import { fileReason } from '../../system-errors.js'

/** The path that stands for the standard input. */
export const STANDARD_INPUT = '-'

/**
 * Reads a text in UTF-8, without its byte order mark. `path` is a file's, or `-` for the standard input.
 *
 * @throws FileError where it cannot be read, or is not UTF-8: with the offset of the first byte that is wrong
 */
export async function readTextFile(path: string): Promise<string> {
  const what = path === STANDARD_INPUT ? 'the standard input' : `'${path}'`
  const text = decode(await readBytes(path, what), what)
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

async function readBytes(path: string, what: string): Promise<Buffer> {
  try {
    if (path !== STANDARD_INPUT) return await readFile(path)
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
    return Buffer.concat(chunks)
  } catch (cause) {
    const reason = fileReason(cause, 'read', { workingDirectory: process.cwd() })
    throw new FileError(`${what} ${reason}`, { cause })
  }
}

function decode(bytes: Buffer, what: string): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new FileError(`${what} is too large to be read as one text: split it into several files`, { cause })
  }
  const invalidAt = firstInvalidByte(bytes, text)
  if (invalidAt === undefined) return text
  throw new FileError(`${what} is not UTF-8 text: the byte at offset ${invalidAt} is wrong; save the file as UTF-8`)
}

/** Where a replacement character was put for bytes that are none: one that the text does have is three bytes long. */
function firstInvalidByte(bytes: Buffer, text: string): number | undefined {
  let offset = 0
  let from = 0
  for (let index = text.indexOf('\ufffd'); index !== -1; index = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, index))
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset
    offset += 3
    from = index + 1
  }
  return undefined
}
