import { createHash } from 'node:crypto'
import { realpath, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { FileError } from '../file/file-error.js'

/**
 * Does `work` while no other run on this machine works on one of `outputs`: two would send every line twice, and cut off what
 * the other writes.
 *
 * What marks them as taken is a socket that nobody speaks to. The system takes it back when a process ends, however it ends, so
 * that a run which was killed is in nobody's way; a file would stay. Where no socket can be made, nothing is marked.
 *
 * @throws FileError where another run does
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

/** The same for all paths of a file, whether it is there yet or not. */
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

/** Undefined where the system has no such sockets. */
async function lock(path: string): Promise<Server | 'taken' | undefined> {
  const server = await listening(path)
  if (server !== 'taken' || !path.endsWith('.sock') || (await isListening(path))) return server
  // One in a folder stays when its process is killed.
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
