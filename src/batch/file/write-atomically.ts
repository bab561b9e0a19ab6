import { open, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file atomically. `write` creates a temporary file beside `path`, which is then renamed to `path`. Resolves when
 * the file is on disk. A kill at any moment leaves the old file or the new one. A symbolic link remains a link.
 *
 * @param suffix - the end of the temporary file's name. A leftover file of that name is deleted first, so two concurrent
 * writers of one file need different suffixes
 * @throws the errors of `write` and of the system. The temporary file is deleted first
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

/** Resolves when the content of a file is on disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Syncs the folder of `path`. Only then is the name of a new file on disk. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {
    // Some systems cannot open folders, so a failure is ignored.
  }
}
