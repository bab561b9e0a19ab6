import { gzipSync } from 'node:zlib'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, readFileBytes } from '../../../src/batch/file/input-file.js'
import { countLines, readLines, splitLines, type TextLine } from '../../../src/batch/file/read-lines.js'
import { runs } from '../../support/runs.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

const linesOf = (text: string | Buffer, longest?: number): Promise<TextLine[]> =>
  all(readLines(chunked(Buffer.from(text), 7), longest))

describe('lines', () => {
  it('are those of the text, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '\t', 'é', '漢', '😀', '\u2028') }), { maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        async (texts, ending, size, isEnded) => {
          const text = texts.join(ending) + (isEnded ? ending : '')
          const expected = texts.map((text, i) => ({ line: i + 1, text })).filter(({ text }) => /[^ \t]/.test(text))
          const bytes = Buffer.from(text)
          expect(await all(readLines(chunked(bytes, size)))).toEqual(expected)
          expect(await countLines(chunked(bytes, size))).toBe(expected.length)
          const raw = await all(splitLines(chunked(bytes, size)))
          expect(raw.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length)
        },
      ),
      runs(100),
    )
  })

  it('begin without a byte order mark', async () => {
    expect(await linesOf('\ufeff{"a":1}\r\n{}\r\n')).toEqual([
      { line: 1, text: '{"a":1}' },
      { line: 2, text: '{}' },
    ])
    expect(await linesOf('\ufeff\n')).toEqual([])
  })

  it('that are not UTF-8 or too long are told of, and those behind them come', async () => {
    const bytes = Buffer.concat([Buffer.from('a\n'), Buffer.from([0xc3, 0x28, 0x0a]), Buffer.from('0123456789\nb')])
    expect(await linesOf(bytes, 9)).toEqual([
      { line: 1, text: 'a' },
      { line: 2, code: 'invalid_utf8', message: expect.stringContaining('UTF-8') },
      { line: 3, code: 'line_too_long', message: 'it has more than 9 bytes' },
      { line: 4, text: 'b' },
    ])
  })

  it('may have 10 MB', async () => {
    const long = 'x'.repeat(10_000_000)
    const [first, second] = await all(readLines(chunked(Buffer.from(`${long}\nb\n`), 65_536)))
    expect(first).toEqual({ line: 1, text: long })
    expect(second).toEqual({ line: 2, text: 'b' })
  })
})

describe('files', () => {
  async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
    const folder = await temporaryFolder()
    await writeFile(join(folder, name), bytes)
    return join(folder, name)
  }
  const textOf = async (path: string) => Buffer.concat(await all(readFileBytes(path))).toString()

  it('are decompressed by their name, several members too', async () => {
    const zipped = Buffer.concat([gzipSync('one\n'), gzipSync('two\n')])
    expect(await textOf(await fileOf('in.jsonl.gz', zipped))).toBe('one\ntwo\n')
    expect(await textOf(await fileOf('in.jsonl', Buffer.from('one\n')))).toBe('one\n')
  })

  it('that cannot be read say why', async () => {
    const broken = gzipSync('some text').subarray(0, 15)
    await expect(textOf(await fileOf('a.gz', broken))).rejects.toThrow('is not whole')
    await expect(textOf(await fileOf('a.gz', Buffer.from('plain')))).rejects.toThrow('not in the gzip format')
    await expect(textOf(tmpdir())).rejects.toThrow('is a directory')
    await expect(textOf('./nowhere')).rejects.toThrow("'./nowhere' does not exist")
  })

  it('have a fingerprint', async () => {
    const [one, other] = [await fileOf('a', Buffer.from('x\n\ny')), await fileOf('b', Buffer.from('x\n\nz'))]
    expect(await fingerprintOf(one)).toMatchObject({ bytes: 4, lines: 2 })
    expect((await fingerprintOf(one)).sha256).not.toBe((await fingerprintOf(other)).sha256)
  })
})
