import { chmod, open, stat, statfs, type FileHandle } from 'node:fs/promises'
import { FileError, fileErrorOf } from './file-error.js'
import { memberOf } from './gzip-member.js'
import { isGzip } from './input-file.js'
import { scanOutput, type FoundRecord } from './scan-output.js'
import { syncFolder, writeAtomically } from './write-atomically.js'

/** Where lines of output go. */
export interface Sink {
  /** Resolves when the line is with the system; `line` has no line break. @throws FileError, and then at each call */
  append(line: string): Promise<void>
  /** Resolves when what was appended is on the disk. */
  sync?(): Promise<void>
  /** Resolves when all is on the disk. */
  close(): Promise<void>
}

/** What of a file is needed here; a test's may fail. */
export type OutputHandle = Pick<FileHandle, 'write' | 'datasync' | 'truncate' | 'close'>

export interface OutputOptions {
  /** As the file is now: all beyond is cut off. */
  readonly wholeBytes: number
  /** Called once when little room is left on the disk. */
  readonly onNearlyFull?: (() => void) | undefined
  readonly openHandle?: ((path: string) => Promise<OutputHandle>) | undefined
}

/** What was written is brought to the disk no later than this. */
const SYNC_EVERY_MS = 500
const SYNC_EVERY_BYTES = 4 * 1024 * 1024
/** With less room than this no new lines are sent, so that what is in flight can still be written. */
const MIN_FREE_BYTES = 8 * 1024 * 1024

const WRITTEN_TOGETHER = 1000

/**
 * A file that lines are appended to, many at a time: those that come while one write runs make up the next. Whatever fails,
 * the file ends with a whole line, or can be mended to.
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

  /** @throws FileError if it cannot be written */
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
        // As much as can be done: what is left of a line is mended when the run is resumed, too.
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
 * Takes those lines out of an output that `keeps` does not keep. A kill at any moment leaves the old file or the new one. A link
 * stays one, and who may read the file does not change.
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
        // Not after each: lines that come meanwhile are written together.
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
