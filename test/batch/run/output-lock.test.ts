import { linkSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { withOutputLock } from '../../../src/batch/run/output-lock.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const TAKEN = 'another run is writing to the output'

it('is refused for what another works on, by whatever path, and only as long', async () => {
  const path = await temporaryFolder()
  symlinkSync(path, join(path, 'same'))
  const output = join(path, 'out')
  await withOutputLock([output, join(path, 'errors')], async () => {
    await expect(withOutputLock([join(path, 'same', 'out')], async () => 1)).rejects.toThrow(TAKEN)
    await expect(withOutputLock([join(path, 'other'), join(path, 'errors')], async () => 1)).rejects.toThrow(TAKEN)
    // What was marked before the refusal is free again.
    expect(await withOutputLock([join(path, 'other')], async () => 2)).toBe(2)
  })
  await expect(withOutputLock([output], () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await withOutputLock([output, output], async () => 3)).toBe(3)
})

it.skipIf(process.platform === 'win32')('takes no socket that a killed process left for a run', async () => {
  const output = join(await temporaryFolder(), 'out')
  vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin')
  const before = new Set(socketsIn(tmpdir()))
  let left = ''
  await withOutputLock([output], async () => {
    await expect(withOutputLock([output], async () => 1)).rejects.toThrow(TAKEN)
    left = join(
      tmpdir(),
      socketsIn(tmpdir()).find((name) => !before.has(name))!,
    )
    linkSync(left, `${left}.kept`)
  })
  renameSync(`${left}.kept`, left)
  expect(await withOutputLock([output], async () => 2)).toBe(2)
  vi.restoreAllMocks()
})

function socketsIn(path: string): string[] {
  return readdirSync(path).filter((name) => /^headgate-.*\.sock$/.test(name))
}
