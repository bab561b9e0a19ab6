import { readFile } from 'node:fs/promises'
import { InvalidLimits } from '../errors.js'
import { validateTable } from '../limits/table.js'
import type { LimitsTable } from '../types.js'
import { jsonFault } from './json-fault.js'

/**
 * Reads a limits table from a JSON file: `{ "qwen-plus": { "rpm": 600, "tpm": 1000000 }, … }`. A row may have any of
 * the limits, a minute's in whole numbers, and `source`, `region` and `date`; `"rpm": 0` with `"tpm": 0` is a retired
 * model. The file is UTF-8, with or without a byte order mark, and is read once: changes to it are not followed.
 *
 * @param path - of the file; a relative one is taken from the working directory
 * @throws InvalidLimits if the file cannot be read (`cause` is the system's error), is not JSON (the message gives
 * line and column), or is not a valid table (the message names model and field)
 * @example
 * const limiter = createLimiter({ limits: await loadLimits('limits.json') })
 */
export async function loadLimits(path: string): Promise<LimitsTable> {
  const what = `limits file '${path}'`
  const text = decode(await read(path, what), what)
  return validateTable(parse(text, what), what)
}

async function read(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new InvalidLimits(`${what} ${whyUnread(cause)}`, { cause })
  }
}

function whyUnread(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return `does not exist (the working directory is ${process.cwd()})`
  if (code === 'EISDIR') return 'is a directory: give the path of a JSON file'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read: check its permissions'
  return `cannot be read: ${message}`
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new InvalidLimits(`${what} is not UTF-8 text: save it as UTF-8`, { cause })
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const fault = jsonFault(text)
    const where = fault && ` at line ${fault.line}, column ${fault.column}: unexpected ${fault.found}`
    throw new InvalidLimits(`${what} is not valid JSON${where ?? ''}`, { cause })
  }
}
