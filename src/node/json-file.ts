import { readFile } from 'node:fs/promises'
import { fileReason } from '../system-errors.js'
import { jsonFault } from './json-fault.js'

/** Creates the error for an invalid file. */
export type Fail = (message: string, cause: unknown) => Error

/**
 * Resolves to the content of the JSON file at `path`. The file is UTF-8, with or without a byte order mark.
 *
 * @param what - how messages call the file
 * @throws what `fail` makes, if the file cannot be read (`cause` is the system's error), is not UTF-8, or is not JSON (the
 * message gives line and column)
 */
export async function readJsonFile(path: string, what: string, fail: Fail): Promise<unknown> {
  return parse(decode(await read(path, what, fail), what, fail), what, fail)
}

async function read(path: string, what: string, fail: Fail): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const reason = fileReason(cause, 'read', { kind: 'JSON file', workingDirectory: process.cwd() })
    throw fail(`${what} ${reason}`, cause)
  }
}

function decode(bytes: Uint8Array, what: string, fail: Fail): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw fail(`${what} is not UTF-8 text: save it as UTF-8`, cause)
  }
}

function parse(text: string, what: string, fail: Fail): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const fault = jsonFault(text)
    const where = fault && ` at line ${fault.line}, column ${fault.column}: unexpected ${fault.found}`
    throw fail(`${what} is not valid JSON${where ?? ''}`, cause)
  }
}
