import { randomUUID } from 'node:crypto'
import { realpath, stat, writeFile } from 'node:fs/promises'
import { fileErrorOf } from '../../batch/file/file-error.js'
import { writeAtomically } from '../../batch/file/write-atomically.js'
import { UsageError } from '../exit-codes.js'

/**
 * Whether `path` may be written: where nothing is, or with `force` over a file.
 *
 * @throws UsageError where something is that may not be replaced, the file `input` among it
 */
export async function checkNewFile(path: string, force: boolean, input?: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isFile()) throw new UsageError(`'${path}' is there and is no file: choose another one`)
  if (!force) throw new UsageError(`'${path}' exists: choose another file, or add --force to replace it`)
  const isInput = input !== undefined && (await realpath(path)) === (await realpath(input).catch(() => undefined))
  if (isInput) throw new UsageError(`'${path}' is what is read: choose another file`)
}

/**
 * Writes a file whole or not at all. A link stays one.
 *
 * @throws FileError where the system refuses
 */
export async function writeNewFile(path: string, chunks: Iterable<string>): Promise<void> {
  try {
    await writeAtomically(path, `.${randomUUID()}.tmp`, (temporary) => writeFile(temporary, chunks))
  } catch (error) {
    throw fileErrorOf(error, `'${path}'`, 'written')
  }
}
