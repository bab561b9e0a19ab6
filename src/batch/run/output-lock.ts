import { createHash } from 'node:crypto'
import { realpath, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { FileError } from '../file/file-error.js'

/**
 * Runs `work` while this run holds a lock on each of `outputs`. Two runs of one output would send every line twice, and each
 * would truncate the lines that the other writes.
 *
 * The lock is a listening socket. The operating system closes it when the process ends, even after a kill. A lock file
 * would remain. Where no socket can be created, nothing is locked. The lock covers this machine only.
 *
 * @throws FileError if another run holds the lock
 */
export async function withOutputLock<T>(outputs: readonly string[], work: () => Promise<T>): Promise<T> {
  const locks: Server[] = []
  try {
    const files = new Map<string, string>()
    for (const output of outputs) files.set(await nameOf(output), output)
    for (const [name, output] of files) {
      const held = await lock(socketPath(name))
      if (held === 'taken') {
        throw new FileError(`another run is writing to the output '${output}': let it end, or stop it, first`)
      }
      if (held !== undefined) locks.push(held)
    }
    return await work()
  } finally {
    for (const held of locks) held.close()
  }
}

/** Returns one name for all paths of a file. The file need not exist. */
async function nameOf(output: string): Promise<string> {
  const path = resolve(output)
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  return realpath(path).catch(() => join(folder, basename(path)))
}

function socketPath(name: string): string {
  const id = `headgate-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return `\0${id}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${id}` : join(tmpdir(), `${id}.sock`)
}

/** Resolves to the listening server, to 'taken', or to undefined where the system has no local sockets. */
async function lock(path: string): Promise<Server | 'taken' | undefined> {
  const server = await listening(path)
  if (server !== 'taken' || !path.endsWith('.sock') || (await isListening(path))) return server
  // A socket in the file system remains after its process is killed.
  await rm(path, { force: true }).catch(() => {})
  return listening(path)
}

function listening(path: string): Promise<Server | 'taken' | undefined> {
  return new Promise((done) => {
    const server = createServer((socket) => socket.destroy())
    server.on('error', ({ code }: NodeJS.ErrnoException) => done(code === 'EADDRINUSE' ? 'taken' : undefined))
    server.listen(path, () => done(server.unref()))
  })
}

function isListening(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    socket.on('connect', () => done(true))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ECONNREFUSED'))
    socket.on('close', () => socket.destroy())
  })
}
