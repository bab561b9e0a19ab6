import { realpath } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { InvalidRequest } from '../../errors.js'
import { DONE, type DoneIds } from '../file/done-ids.js'
import { FaultList } from '../file/fault-list.js'
import { FileError } from '../file/file-error.js'
import { fingerprintOf, type Fingerprint } from '../file/input-file.js'
import { rewriteOutput, type Sink } from '../file/output-file.js'
import { scanOutput, type OutputExtent } from '../file/scan-output.js'
import { readRequests } from '../file/read-requests.js'
import { isFault } from '../file/request-line.js'
import { readSidecar, sidecarPath, writeSidecar } from '../file/sidecar.js'

/** The files of a run; see `FileRunOptions`. */
export interface ResumeOptions {
  readonly input: string | AsyncIterable<Uint8Array>
  readonly output: string | Sink
  readonly errors?: string | undefined
  readonly retryErrors?: boolean | undefined
}

/**
 * Resolves to the fingerprint of the input, or to undefined where the input is not a file. Checks the paths, and each line if
 * `strict`.
 *
 * @throws InvalidRequest for equal paths or `strict` without a file, FileError for an empty input or, if `strict`, invalid lines
 */
export async function checkInput({
  input,
  output,
  errors,
  strict,
  model,
}: ResumeOptions & { readonly strict?: boolean | undefined; readonly model?: string | undefined }): Promise<
  Fingerprint | undefined
> {
  const paths = [input, output, errors].filter((path): path is string => typeof path === 'string')
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => resolve(path))))
  if (new Set(real).size < real.length) throw new InvalidRequest('Input, output and errors must be different files')
  if (typeof input !== 'string') {
    if (strict === true) throw new InvalidRequest('strict needs a file: what can be read once cannot be checked before')
    return undefined
  }
  const print = await fingerprintOf(input)
  if (print.lines === 0) throw new FileError(`'${input}' is empty: there is nothing to send`)
  if (strict === true) {
    const faults = new FaultList()
    for await (const read of readRequests(input, { model })) if (isFault(read)) faults.add(read)
    faults.throwIfAny(input)
  }
  return print
}

/** The records that the output and the errors file hold before the run. */
export interface ResumedOutput {
  readonly records: number
  readonly failed: number
  readonly tornBytes: number
  readonly extents: ReadonlyMap<string, OutputExtent>
}

/**
 * Reads the finished lines of the output into `ids`, removes failed lines if `retryErrors` is set, and writes the sidecar.
 * The caller must then truncate each file to its `wholeBytes`.
 *
 * @throws FileError if the output belongs to another input
 */
export async function resumeOutput(
  options: ResumeOptions,
  print: Fingerprint | undefined,
  ids: DoneIds,
): Promise<ResumedOutput> {
  const { output, errors, retryErrors = false } = options
  const paths = [output, errors].filter((path): path is string => typeof path === 'string')
  const found = { records: 0, failed: 0, tornBytes: 0, extents: new Map<string, OutputExtent>() }
  if (typeof output !== 'string' && errors === undefined) return found
  const before = typeof output === 'string' ? await readSidecar(output) : undefined
  // The path is relative to the output, because the user may move both files together.
  const errorsName = typeof output === 'string' && errors !== undefined ? relative(dirname(output), errors) : undefined
  const ownErrors = new Set(before?.errors)
  for (const path of paths) {
    const isOwn = path !== errors || ownErrors.has(errorsName!)
    if (before === undefined || !isOwn) {
      await checkUnused(path, print !== undefined && typeof output === 'string', isOwn)
      continue
    }
    let failed = 0
    const extent = await scanOutput(path, ({ key, ok }) => {
      if (!ok) failed++
      if (!ok && retryErrors) return
      ids.add(key, DONE)
      found.records++
      if (!ok) found.failed++
    })
    found.tornBytes += extent.tornBytes
    found.extents.set(path, extent)
    if (extent.wholeBytes + extent.tornBytes > 0) checkSame(output as string, before.input, print, options.input)
    if (!retryErrors || failed === 0) continue
    await rewriteOutput(path, ({ ok }) => ok)
    found.extents.set(path, await scanOutput(path, () => {}))
  }
  if (errorsName !== undefined) ownErrors.add(errorsName)
  if (print !== undefined && typeof output === 'string') {
    await writeSidecar(output, { ...before, input: print, ...(ownErrors.size > 0 && { errors: [...ownErrors] }) })
  }
  return found
}

/** Throws if the file is not empty. Without a sidecar, its content may belong to anything. */
async function checkUnused(path: string, canResume: boolean, isOwn: boolean): Promise<void> {
  const { wholeBytes, tornBytes } = await scanOutput(path, () => {})
  if (wholeBytes + tornBytes === 0) return
  if (!isOwn && canResume) {
    throw new FileError(`'${path}' is not empty, and was begun for another output: give another path for errors`)
  }
  const why = canResume
    ? `'${sidecarPath(path)}', which would say of what, is missing`
    : 'what is not a file cannot be resumed'
  throw new FileError(`the output '${path}' exists and is not empty, and ${why}: give another path, or delete it`)
}

function checkSame(output: string, before: Fingerprint, print: Fingerprint | undefined, input: unknown): void {
  if (print === undefined) {
    throw new FileError(
      `the output '${output}' exists, and an input that is no file cannot be resumed: give another path`,
    )
  }
  if (print.sha256 === before.sha256) return
  throw new FileError(
    `'${String(input)}' has changed since the output '${output}' was begun ` +
      `(${before.lines} lines and ${before.bytes} bytes then, ${print.lines} and ${print.bytes} now): ` +
      'put it back as it was, or give another output',
  )
}
