import { DONE, DoneIds, SEEN } from './done-ids.js'
import { faultKey } from './batch-record.js'
import { readFileBytes } from './input-file.js'
import { readLines, type TextLine } from './read-lines.js'
import { isFault, type LineFault, type LineRequest, readRequestText, type ReadOptions } from './request-line.js'

/**
 * Yields the request of each line, or a fault if the line cannot be sent. A duplicate id is a fault.
 *
 * @param input - the path of a file, or its bytes. A `.gz` file is decompressed
 * @throws FileError
 */
export async function* readRequests(
  input: string | AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<LineRequest | LineFault> {
  const ids = new DoneIds()
  for await (const given of readLines(typeof input === 'string' ? readFileBytes(input) : input)) {
    const read = claimLine(readText(given, options.model), ids)
    // `read` is always defined here, because a new set holds no finished id.
    if (read !== undefined) yield read
  }
}

/** Returns the request of a numbered line, or its fault. */
export function readText(given: TextLine, model: string | undefined): LineRequest | LineFault {
  if ('text' in given) return readRequestText(given.text, given.line, { model })
  return { ...given, customId: null }
}

/**
 * Marks a line as seen in `ids` and returns it. Returns a fault for a duplicate id. Returns undefined if the line is already
 * done or in a batch.
 */
export function claimLine(read: LineRequest | LineFault, ids: DoneIds): LineRequest | LineFault | undefined {
  if (isFault(read)) return (ids.add(faultKey(read.line), SEEN) & DONE) === 0 ? read : undefined
  const known = ids.add(read.customId, SEEN)
  if ((known & SEEN) !== 0) return claimLine(duplicate(read), ids)
  return known === 0 ? read : undefined
}

/** Returns the fault of a request with a duplicate id. */
function duplicate({ line, customId }: LineRequest): LineFault {
  const message = `its custom_id ${JSON.stringify(customId.slice(0, 80))} is that of a line before`
  return { line, customId, code: 'duplicate_custom_id', message }
}
