import { appendFile, chmod, lstat, open, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { OutputFile, rewriteOutput, type OutputHandle } from '../../../src/batch/file/output-file.js'
import { scanOutput } from '../../../src/batch/file/scan-output.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

async function pathOf(name: string): Promise<string> {
  const folder = await temporaryFolder()
  return join(folder, name)
}

const record = (id: string, ok = true, filler = ''): string =>
  JSON.stringify({
    custom_id: id,
    response: { status_code: ok ? 200 : 400, body: filler },
    error: ok ? null : { code: 'x' },
  })

async function write(path: string, lines: readonly string[], wholeBytes = 0): Promise<void> {
  const output = await OutputFile.open(path, { wholeBytes })
  await Promise.all(lines.map((line) => output.append(line)))
  await output.close()
}

async function found(path: string): Promise<{ keys: string[]; wholeBytes: number; tornBytes: number }> {
  const keys: string[] = []
  const extent = await scanOutput(path, ({ key, ok }) => void keys.push(ok ? key : `${key}!`))
  return { keys, ...extent }
}

describe.each(['out.jsonl', 'out.jsonl.gz'])('%s', (name) => {
  it('cut off at any byte keeps the lines before, and goes on behind them', async () => {
    const path = await pathOf(name)
    await write(path, [record('a')])
    await write(path, [record('b', false)], (await stat(path)).size)
    const first = await stat(path)
    await write(path, [record('c', true, 'é'.repeat(40))], first.size)
    const bytes = await readFile(path)
    for (let size = first.size; size < bytes.length; size++) {
      await writeFile(path, bytes.subarray(0, size))
      const { keys, wholeBytes, tornBytes } = await found(path)
      expect({ keys, wholeBytes, tornBytes }).toEqual({
        keys: ['a', 'b!'],
        wholeBytes: first.size,
        tornBytes: size - first.size,
      })
    }
    await write(path, [record('d')], first.size)
    expect(await found(path)).toMatchObject({ keys: ['a', 'b!', 'd'], tornBytes: 0 })
  })

  it('that is not ours is not touched', async () => {
    const path = await pathOf(name)
    await writeFile(path, 'some notes\nof somebody\n'.repeat(3))
    await expect(found(path)).rejects.toThrow('is not what a run wrote')
  })

  it('loses the lines that are to be done again', async () => {
    const path = await pathOf(name)
    await write(path, [record('a'), record('b', false), record('c')])
    await rewriteOutput(path, ({ ok }) => ok)
    expect(await found(path)).toMatchObject({ keys: ['a', 'c'], tornBytes: 0 })
  })
})

it('behind a link stays where it is, for the same readers, when lines are taken out', async () => {
  const path = await pathOf('real.jsonl')
  const link = join(dirname(path), 'link.jsonl')
  await write(path, [record('a'), record('b', false)])
  await chmod(path, 0o600)
  await symlink(path, link)
  await rewriteOutput(link, ({ ok }) => ok)
  expect(await found(path)).toMatchObject({ keys: ['a'] })
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

it('is read by any tool that reads gzip', async () => {
  const path = await pathOf('out.gz')
  await write(path, [record('a')])
  await write(path, [record('b')], (await stat(path)).size)
  expect(gunzipSync(await readFile(path)).toString()).toBe(`${record('a')}\n${record('b')}\n`)
})

it('that ends in zeros, as after a loss of power, is mended', async () => {
  const path = await pathOf('out.jsonl')
  await write(path, [record('a')])
  const { size } = await stat(path)
  await appendFile(path, Buffer.alloc(50))
  expect(await found(path)).toEqual({ keys: ['a'], wholeBytes: size, tornBytes: 50 })
})

describe('a disk that is full', () => {
  /** Takes so many bytes, the last of them in the middle of a write. */
  const fullAfter =
    (bytes: number) =>
    async (path: string): Promise<OutputHandle> => {
      const handle = await open(path, 'a')
      let left = bytes
      return {
        write: (async (data: Buffer, from: number, length: number) => {
          if (left === 0)
            throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
              code: 'ENOSPC',
              syscall: 'write',
            })
          const written = await handle.write(data, from, Math.min(length, left), null)
          left -= written.bytesWritten
          return written
        }) as OutputHandle['write'],
        datasync: () => handle.datasync(),
        truncate: (size) => handle.truncate(size),
        close: () => handle.close(),
      }
    }

  it('is told at each line, and what was written stays whole', async () => {
    const path = await pathOf('out.jsonl')
    const output = await OutputFile.open(path, { wholeBytes: 0, openHandle: fullAfter(2 * record('a').length) })
    await output.append(record('a'))
    await expect(output.append(record('b'))).rejects.toThrow(`the output '${path}' cannot be written: the disk is full`)
    await expect(output.append(record('c'))).rejects.toThrow('the disk is full')
    await expect(output.close()).rejects.toThrow('the disk is full')
    expect(await readFile(path, 'utf8')).toBe(`${record('a')}\n`)
  })
})

it('that may not be written says so before anything is', async () => {
  await expect(OutputFile.open(join(tmpdir(), 'no-such-folder-here', 'out'), { wholeBytes: 0 })).rejects.toThrow(
    'its folder does not exist',
  )
  await expect(OutputFile.open(tmpdir(), { wholeBytes: 0 })).rejects.toThrow('is a directory')
  const path = await pathOf('out')
  await writeFile(path, '')
  await truncate(path, 0)
  await expect(scanOutput('/dev/null', () => {})).rejects.toThrow('is no file')
})
