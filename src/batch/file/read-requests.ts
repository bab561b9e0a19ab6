import { DONE, DoneIds, SEEN } from './done-ids.js'
import { faultKey } from './batch-record.js'
import { readFileBytes } from './input-file.js'
import { readLines, type TextLine } from './read-lines.js'
import { isFault, type LineFault, type LineRequest, readRequestText, type ReadOptions } from './request-line.js'

/**
 * The requests of an input, and in place of those that cannot be sent what is wrong with their lines. An id that came up
 * before is a fault.
 *
 * @param input - the path of a file, decompressed where it ends in `.gz`; or its bytes
 * @throws FileError
 */
export async function* readRequests(
  input: string | AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<LineRequest | LineFault> {
  const ids = new DoneIds()
  for await (const given of readLines(typeof input === 'string' ? readFileBytes(input) : input)) {
    const read = claimLine(readText(given, options.model), ids)
    // Always: none is done in a set that was empty.
    if (read !== undefined) yield read
  }
}

/** What a numbered line says. */
export function readText(given: TextLine, model: string | undefined): LineRequest | LineFault {
  if ('text' in given) return readRequestText(given.text, given.line, { model })
  return { ...given, customId: null }
}

/**
 * Marks a line as seen in `ids`. Returns it, or the fault of a request whose id came up before; undefined if what `ids` knows of
 * it says that it is not to be sent.
 */
export function claimLine(read: LineRequest | LineFault, ids: DoneIds): LineRequest | LineFault | undefined {
  if (isFault(read)) return (ids.add(faultKey(read.line), SEEN) & DONE) === 0 ? read : undefined
  const known = ids.add(read.customId, SEEN)
  if ((known & SEEN) !== 0) return claimLine(duplicate(read), ids)
  return known === 0 ? read : undefined
}

/** The fault of a request whose id came up before. */
function duplicate({ line, customId }: LineRequest): LineFault {
  const message = `its custom_id ${JSON.stringify(customId.slice(0, 80))} is that of a line before`
  return { line, customId, code: 'duplicate_custom_id', message }
}
