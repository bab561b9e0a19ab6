import { DoneIds, SEEN } from './done-ids.js'
import { readFileBytes } from './input-file.js'
import { readLines, type TextLine } from './lines.js'
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
    const read = readText(given, options.model)
    yield isFault(read) || ids.add(read.customId, SEEN) === 0 ? read : duplicate(read)
  }
}

/** What a numbered line says. */
export function readText(given: TextLine, model: string | undefined): LineRequest | LineFault {
  if ('text' in given) return readRequestText(given.text, given.line, { model })
  return { ...given, customId: null }
}

/** The fault of a request whose id came up before. */
export function duplicate({ line, customId }: LineRequest): LineFault {
  const message = `its custom_id ${JSON.stringify(customId.slice(0, 80))} is that of a line before`
  return { line, customId, code: 'duplicate_custom_id', message }
}
