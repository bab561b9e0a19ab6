import { readFile, writeFile } from 'node:fs/promises'
import { parsedJson } from '../../json.js'
import { errorCode } from '../../system-errors.js'
import { FileError, fileErrorOf } from './file-error.js'
import type { Fingerprint } from './input-file.js'
import { writeAtomically } from './write-atomically.js'

const VERSION = 1

/** What is known of an output beside its lines. */
export interface Sidecar {
  /** The input that it was begun for. */
  readonly input: Fingerprint
  /** The files that its errors went to, as seen from its folder. */
  readonly errors?: readonly string[]
  /** What else is kept there stays. */
  readonly [field: string]: unknown
}

/** The file beside an output that says which input the output is of. */
export function sidecarPath(output: string): string {
  return `${output}.headgate.json`
}

/**
 * What is known of an output; undefined if nothing says so.
 * @throws FileError
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
 * Written whole or not at all.
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
