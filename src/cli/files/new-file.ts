import { randomUUID } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { FileError } from '../../batch/file/file-error.js'
import { isSystemError, UsageError } from '../exit-codes.js'

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
 * Writes a file whole or not at all: to a temporary one beside it, which then takes its name. A link stays one.
 *
 * @throws FileError where the system refuses
 */
export async function writeNewFile(path: string, chunks: Iterable<string>): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const temporary = `${target}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      for (const chunk of chunks) await file.write(chunk)
    } finally {
      await file.close()
    }
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (!isSystemError(cause)) throw cause
    throw new FileError(`'${path}' cannot be written: ${cause.message}`, { cause })
  }
}
