import { isUtf8 } from 'node:buffer'

/** A line as bytes. */
export interface RawLine {
  /** From 1. */
  readonly line: number
  /** The line without its line break. Undefined if the line is too long. */
  readonly bytes: Buffer | undefined
  /** The length of the line with its line break, in bytes. It includes bytes that were not kept. */
  readonly length: number
  /** Whether a line break ends the line. The last line may lack one. */
  readonly isEnded: boolean
}

/** A line as text, or the fault of the line. */
export type TextLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly code: 'line_too_long' | 'invalid_utf8'; readonly message: string }

/**
 * Maximum length of an input line, in bytes. The documented maximum request body is 64 MiB.
 * A larger value lets one line fill the memory. A smaller value rejects lines that the service accepts.
 */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Yields the lines of `chunks`, split at line feeds. It keeps at most `maxBytes` of a line and one chunk in memory. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxBytes = Infinity): AsyncGenerator<RawLine> {
  let line = 1
  let begun: Buffer[] = []
  let begunBytes = 0
  const take = (last: Buffer, isEnded: boolean): RawLine => {
    const length = begunBytes + last.length
    const bytes = length > maxBytes ? undefined : begun.length === 0 ? last : Buffer.concat([...begun, last])
    begun = []
    begunBytes = 0
    return { line: line++, bytes, length: length + (isEnded ? 1 : 0), isEnded }
  }
  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    for (let end = buffer.indexOf(LINE_FEED); end !== -1; end = buffer.indexOf(LINE_FEED, from)) {
      yield take(buffer.subarray(from, end), true)
      from = end + 1
    }
    const rest = buffer.subarray(from)
    begunBytes += rest.length
    if (begunBytes > maxBytes) begun = []
    else if (rest.length > 0) begun.push(rest)
  }
  if (begunBytes > 0) yield take(Buffer.alloc(0), false)
}

/**
 * Yields the lines of a UTF-8 text, with or without a byte order mark, with LF or CRLF. Blank lines are omitted but counted
 * in the line numbers.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<TextLine> {
  for await (const raw of splitLines(chunks, maxBytes)) {
    const { line } = raw
    if (raw.bytes === undefined) {
      yield { line, code: 'line_too_long', message: `it has more than ${maxBytes.toLocaleString('en')} bytes` }
      continue
    }
    const bytes = trimmed(raw.bytes, line)
    if (isBlank(bytes)) continue
    if (isUtf8(bytes)) yield { line, text: bytes.toString('utf8') }
    else yield { line, code: 'invalid_utf8', message: 'it is not UTF-8 text: save the file as UTF-8' }
  }
}

/** Resolves to the number of lines that {@link readLines} yields. */
export async function countLines(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0
  for await (const { bytes, line } of splitLines(chunks, MAX_LINE_BYTES)) {
    if (bytes === undefined || !isBlank(trimmed(bytes, line))) count++
  }
  return count
}

function trimmed(bytes: Buffer, line: number): Buffer {
  const from = line === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  const to = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length
  return bytes.subarray(from, to)
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte <= SPACE)
}
