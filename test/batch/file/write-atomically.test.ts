import { lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeAtomically } from '../../../src/batch/file/write-atomically.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const text = (content: string) => (temporary: string) => writeFile(temporary, content)

it('writes a new file, and replaces one', async () => {
  const here = await temporaryFolder()
  const path = join(here, 'a')
  await writeAtomically(path, '.writing', text('first'))
  expect(await readFile(path, 'utf8')).toBe('first')
  await writeAtomically(path, '.writing', text('second'))
  expect(await readFile(path, 'utf8')).toBe('second')
  expect(await readdir(here)).toEqual(['a'])
})

it('keeps the old file until the new one is whole', async () => {
  const here = await temporaryFolder()
  const path = join(here, 'a')
  await writeFile(path, 'old')
  await writeAtomically(path, '.writing', async (temporary) => {
    expect(temporary).toBe(`${path}.writing`)
    await writeFile(temporary, 'half')
    expect(await readFile(path, 'utf8')).toBe('old')
    await writeFile(temporary, 'whole')
  })
  expect(await readFile(path, 'utf8')).toBe('whole')
})

it('leaves the old file, and nothing beside it, where writing fails', async () => {
  const here = await temporaryFolder()
  const path = join(here, 'a')
  await writeFile(path, 'old')
  const failing = writeAtomically(path, '.writing', async (temporary) => {
    await writeFile(temporary, 'half')
    throw new Error('no more')
  })
  await expect(failing).rejects.toThrow('no more')
  expect(await readFile(path, 'utf8')).toBe('old')
  expect(await readdir(here)).toEqual(['a'])
})

it('begins anew where a kill left a file of that name', async () => {
  const here = await temporaryFolder()
  const path = join(here, 'a')
  await writeFile(`${path}.writing`, 'what a kill left')
  await writeAtomically(path, '.writing', (temporary) => writeFile(temporary, 'new', { flag: 'wx' }))
  expect(await readFile(path, 'utf8')).toBe('new')
  expect(await readdir(here)).toEqual(['a'])
})

it('writes through a link, which stays one', async () => {
  const here = await temporaryFolder()
  const [path, link] = [join(here, 'a'), join(here, 'link')]
  await writeFile(path, 'old')
  await symlink(path, link)
  await writeAtomically(link, '.writing', text('new'))
  expect(await readFile(path, 'utf8')).toBe('new')
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
})

it('throws the error of the system where there is no folder', async () => {
  const path = join(await temporaryFolder(), 'none', 'a')
  await expect(writeAtomically(path, '.writing', text('new'))).rejects.toMatchObject({ code: 'ENOENT' })
})
