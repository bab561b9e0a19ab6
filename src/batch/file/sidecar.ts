import { readFile, writeFile } from 'node:fs/promises'
import { parsedJson } from '../../json.js'
import { errorCode } from '../../system-errors.js'
import { FileError, fileErrorOf } from './file-error.js'
import type { Fingerprint } from './input-file.js'
import { writeAtomically } from './write-atomically.js'

const VERSION = 1

/** The content of the sidecar file of an output. */
export interface Sidecar {
  /** The input that the output belongs to. */
  readonly input: Fingerprint
  /** The errors files, relative to the folder of the output. */
  readonly errors?: readonly string[]
  /** Other fields are preserved. */
  readonly [field: string]: unknown
}

/** Returns the path of an output's sidecar. */
export function sidecarPath(output: string): string {
  return `${output}.headgate.json`
}

/**
 * Resolves to the sidecar of an output, or to undefined if there is none.
 *
 * @throws FileError if it cannot be read or no run wrote it
 */
export async function readSidecar(output: string): Promise<Sidecar | undefined> {
  const path = sidecarPath(output)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw fileErrorOf(error, `'${path}'`, 'read')
  }
  const sidecar = parsedJson(text) as Partial<Sidecar> | null | undefined
  if (typeof sidecar?.input?.sha256 === 'string') return sidecar as Sidecar
  throw new FileError(`'${path}' is not what a run wrote: give another output`)
}

/**
 * Writes the sidecar atomically.
 *
 * @throws FileError
 */
export async function writeSidecar(output: string, sidecar: Sidecar): Promise<void> {
  const path = sidecarPath(output)
  try {
    const text = `${JSON.stringify({ ...sidecar, headgate: VERSION })}\n`
    await writeAtomically(path, '.writing', (temporary) => writeFile(temporary, text))
  } catch (error) {
    throw fileErrorOf(error, `'${path}', which says what the output is of,`, 'written')
  }
}
