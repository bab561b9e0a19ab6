import { chmod, open, stat, statfs, type FileHandle } from 'node:fs/promises'
import { FileError, fileErrorOf } from './file-error.js'
import { memberOf } from './gzip-member.js'
import { isGzip } from './input-file.js'
import { scanOutput, type FoundRecord } from './scan-output.js'
import { syncFolder, writeAtomically } from './write-atomically.js'

/** A destination of output lines. */
export interface Sink {
  /** Appends `line`, which has no line break. Resolves when the system has accepted it. @throws FileError, then at each call */
  append(line: string): Promise<void>
  /** Resolves when every appended line is on disk. */
  sync?(): Promise<void>
  /** Closes the destination. Resolves when every appended line is on disk. */
  close(): Promise<void>
}

/** The part of a file handle that an output uses. Tests pass one that fails. */
export type OutputHandle = Pick<FileHandle, 'write' | 'datasync' | 'truncate' | 'close'>

export interface OutputOptions {
  /** The length that the file is truncated to, in bytes. */
  readonly wholeBytes: number
  /** Called once when the disk is nearly full. */
  readonly onNearlyFull?: (() => void) | undefined
  readonly openHandle?: ((path: string) => Promise<OutputHandle>) | undefined
}

/**
 * Time after which a write is followed by a sync, in ms. Chosen.
 * A larger value loses more results in a power failure. A smaller value makes more syncs.
 */
const SYNC_EVERY_MS = 500
/**
 * Bytes after which a write is followed by a sync. Chosen.
 * A larger value loses more results in a power failure. A smaller value makes more syncs.
 */
const SYNC_EVERY_BYTES = 4 * 1024 * 1024
/**
 * Free bytes on disk below which a run sends no more lines. Chosen.
 * A smaller value may leave no room for the results of requests in flight. A larger value stops the run earlier.
 */
const MIN_FREE_BYTES = 8 * 1024 * 1024

/** Lines that a rewrite appends before it waits for the disk. Chosen. A larger value holds more memory. A smaller value is slower. */
const WRITTEN_TOGETHER = 1000

/**
 * Appends lines to a file. Lines that arrive during a write are written together afterwards. After any failure, the file ends
 * with a complete line, or the next run can truncate it to one.
 */
export class OutputFile implements Sink {
  readonly #path: string
  readonly #handle: OutputHandle
  readonly #onNearlyFull: (() => void) | undefined
  #wholeBytes: number
  #unsyncedBytes = 0
  #syncedAt = performance.now()
  #lines: string[] = []
  #waiters: { resolve(): void; reject(reason: unknown): void }[] = []
  #writing: Promise<void> | undefined
  #error: unknown
  #isNearlyFull = false

  private constructor(path: string, handle: OutputHandle, { wholeBytes, onNearlyFull }: OutputOptions) {
    this.#path = path
    this.#handle = handle
    this.#wholeBytes = wholeBytes
    this.#onNearlyFull = onNearlyFull
  }

  /** Opens a file and truncates it to `wholeBytes`. @throws FileError if it cannot be written or the disk is nearly full */
  static async open(path: string, options: OutputOptions): Promise<OutputFile> {
    try {
      const handle = await (options.openHandle ?? openForAppending)(path)
      await handle.truncate(options.wholeBytes)
      await handle.datasync()
      await syncFolder(path)
      const free = await freeBytes(path)
      if (free < MIN_FREE_BYTES) {
        await handle.close()
        throw new FileError(`the output '${path}' has no room: ${free.toLocaleString('en')} bytes are left on its disk`)
      }
      return new OutputFile(path, handle, options)
    } catch (error) {
      throw fileErrorOf(error, `the output '${path}'`, 'written')
    }
  }

  append(line: string): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#lines.push(line)
      this.#waiters.push({ resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async sync(): Promise<void> {
    await this.#writing
    if (this.#error !== undefined) throw this.#error
    try {
      await this.#handle.datasync()
    } catch (error) {
      throw fileErrorOf(error, `the output '${this.#path}'`, 'written')
    }
  }

  async close(): Promise<void> {
    await this.#writing
    try {
      if (this.#error === undefined) await this.#handle.datasync()
    } catch (error) {
      throw fileErrorOf(error, `the output '${this.#path}'`, 'written')
    } finally {
      await this.#handle.close()
    }
    if (this.#error !== undefined) throw this.#error
  }

  async #write(): Promise<void> {
    while (this.#lines.length > 0 && this.#error === undefined) {
      const [lines, waiters] = [this.#lines, this.#waiters]
      this.#lines = []
      this.#waiters = []
      try {
        const text = Buffer.from(`${lines.join('\n')}\n`)
        await this.#writeWhole(isGzip(this.#path) ? await memberOf(text) : text)
        for (const { resolve } of waiters) resolve()
        await this.#syncIfDue()
      } catch (error) {
        this.#error = fileErrorOf(error, `the output '${this.#path}'`, 'written')
        // Best effort: a resumed run truncates an incomplete line too.
        await this.#handle.truncate(this.#wholeBytes).catch(() => {})
        for (const { reject } of [...waiters, ...this.#waiters]) reject(this.#error)
      }
    }
    this.#writing = undefined
  }

  async #writeWhole(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, null)
      done += bytesWritten
    }
    this.#wholeBytes += bytes.length
    this.#unsyncedBytes += bytes.length
  }

  async #syncIfDue(): Promise<void> {
    const now = performance.now()
    if (this.#unsyncedBytes < SYNC_EVERY_BYTES && now - this.#syncedAt < SYNC_EVERY_MS) return
    this.#unsyncedBytes = 0
    this.#syncedAt = now
    await this.#handle.datasync()
    if (this.#onNearlyFull === undefined || this.#isNearlyFull) return
    this.#isNearlyFull = (await freeBytes(this.#path)) < MIN_FREE_BYTES
    if (this.#isNearlyFull) this.#onNearlyFull()
  }
}

/**
 * Removes the lines of an output for which `keeps` returns false. A kill at any moment leaves the old file or the new one.
 * A symbolic link remains a link, and the permissions do not change.
 *
 * @throws FileError
 */
export async function rewriteOutput(path: string, keeps: (record: FoundRecord) => boolean): Promise<void> {
  try {
    await writeAtomically(path, `.rewriting${isGzip(path) ? '.gz' : ''}`, async (temporary) => {
      const output = await OutputFile.open(temporary, { wholeBytes: 0 })
      await chmod(temporary, (await stat(path)).mode & 0o777)
      let kept = 0
      await scanOutput(path, (record) => {
        if (!keeps(record)) return
        const appended = output.append(record.bytes.toString('utf8'))
        // Waiting only now and then lets many lines share one write.
        if (++kept % WRITTEN_TOGETHER === 0) return appended
        appended.catch(() => {})
        return undefined
      })
      await output.close()
    })
  } catch (error) {
    throw fileErrorOf(error, `the output '${path}'`, 'written')
  }
}

async function openForAppending(path: string): Promise<OutputHandle> {
  return open(path, 'a')
}

async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return Infinity
  }
}
