import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InvalidLimits } from '../../src/errors.js'
import { builtInTables } from '../../src/limits/index.js'
import { loadLimits } from '../../src/node/index.js'
import { anyTable } from '../limits/arbitraries.js'
import { runs } from '../support/runs.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-limits-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function written(content: string | Uint8Array): Promise<string> {
  const path = join(folder, 'limits.json')
  await writeFile(path, content)
  return path
}

async function failure(path: string): Promise<InvalidLimits> {
  const error = await loadLimits(path).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(InvalidLimits)
  expect((error as InvalidLimits).message).toContain(`limits file '${path}'`)
  return error as InvalidLimits
}

describe('loadLimits', () => {
  test('returns a frozen table', async () => {
    const table = { 'qwen-plus': { rpm: 600, tpm: 1_000_000, region: 'beijing' }, old: { rpm: 0, tpm: 0 } }
    const loaded = await loadLimits(await written(JSON.stringify(table)))
    expect(loaded).toEqual(table)
    expect(Object.isFrozen(loaded['qwen-plus'])).toBe(true)
  })

  test.each(Object.entries(builtInTables))('reads %s back from a file', async (_name, table) => {
    expect(await loadLimits(await written(JSON.stringify(table, undefined, 2)))).toEqual(table)
  })

  test('ignores a byte order mark', async () => {
    expect(await loadLimits(await written('\uFEFF{ "m": { "rpm": 5 } }'))).toEqual({ m: { rpm: 5 } })
  })

  test('names a file that does not exist, and keeps the cause of the error', async () => {
    const error = await failure(join(folder, 'none.json'))
    expect(error.message).toContain('does not exist')
    expect(error.message).toContain(process.cwd())
    expect(error.cause).toMatchObject({ code: 'ENOENT' })
  })

  test('says that the path is a directory, and keeps the cause of the error', async () => {
    const path = join(folder, 'directory')
    await mkdir(path)
    const error = await failure(path)
    expect(error.message).toContain('is a directory: give the path of a JSON file')
    expect(error.cause).toMatchObject({ code: 'EISDIR' })
  })

  test("quotes the system's message for any other file error", async () => {
    const error = await failure(`${await written('{}')}/inside`)
    expect(error.message).toContain('cannot be read: ENOTDIR')
    expect(error.cause).toMatchObject({ code: 'ENOTDIR' })
    expect((await failure(undefined as unknown as string)).message).toContain('cannot be read: The "path" argument')
  })

  test.each([
    ['{\n  "qwen-plus": { "rpm": 600, }\n}', "is not valid JSON at line 2, column 30: unexpected '}'"],
    ['{\n  "qwen-plus": { "rpm": 1_000 }\n}', "is not valid JSON at line 2, column 26: unexpected '_'"],
    ['\uFEFF{ x }', "is not valid JSON at line 1, column 3: unexpected 'x'"],
    ['{ "m": {', 'is not valid JSON at line 1, column 9: unexpected the end of the file'],
    ['', 'is not valid JSON at line 1, column 1: unexpected the end of the file'],
  ])('names the line and the column of the fault in %j', async (content, message) => {
    const error = await failure(await written(content))
    expect(error.message).toContain(message)
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  test('refuses a file that is not UTF-8', async () => {
    const error = await failure(await written(Buffer.from('\uFEFF{ "m": { "rpm": 5 } }', 'utf16le')))
    expect(error.message).toContain('is not UTF-8 text: save it as UTF-8')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  test.each([
    ['[]', "' is an array: give { 'model-name': { rpm, tpm } }"],
    ['null', "' is null: give"],
    ['{ "qwen-plus": { "qpm": 600 } }', "': model 'qwen-plus': unknown field 'qpm': did you mean 'rpm'?"],
    [
      '{ "qwen-plus": { "rpm": "600" } }',
      "': model 'qwen-plus': rpm is the text \"600\": give a number, not text: 600",
    ],
    ['{ "qwen-plus": { "rpm": 0, "tpm": 5 } }', "': model 'qwen-plus': rpm is 0"],
  ])('refuses the table %s', async (content, message) => {
    expect((await failure(await written(content))).message).toContain(message)
  })

  test('reads back every random table that was written', async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, async (table) => {
        const loaded = await loadLimits(await written(JSON.stringify(table)))
        expect(Object.entries(loaded)).toEqual(Object.entries(table))
      }),
      runs(50),
    )
  })
})
