import { InvalidLimits } from '../errors.js'
import { validateTable } from '../limits/validation.js'
import type { LimitsTable } from '../types.js'
import { readJsonFile } from './json-file.js'

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
  const table = await readJsonFile(path, what, (message, cause) => new InvalidLimits(message, { cause }))
  return validateTable(table, what)
}
