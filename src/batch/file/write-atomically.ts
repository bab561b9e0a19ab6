import { open, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file whole or not at all. `write` makes a file at the path that it is given, beside the one at `path`; this then
 * takes its name. When it resolves, the file is on the disk. A kill at any moment leaves the old file or the new one. A link
 * stays one.
 *
 * @param suffix - ends the name of the file beside it. What a kill left of that name is deleted first, so two that write the
 * same file at once need suffixes of their own
 * @throws what `write` throws, and errors of the system; the file beside it is gone then
 */
export async function writeAtomically(
  path: string,
  suffix: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const temporary = target + suffix
  try {
    await rm(temporary, { force: true })
    await write(temporary)
    await syncFile(temporary)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(target)
}

/** Resolves when what was written to a file is on the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Resolves when the name of a new file is on the disk: it is only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {
    // Some systems cannot open folders.
  }
}
