import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { RunningRuntime } from './runtime.js'

/** A runtime that has not listened after this many ms has failed. Two cores that others share start one in a second. */
const MAX_START_MS = 30_000
/** A runtime that does not end within this many ms of a SIGTERM is killed. */
const MAX_STOP_MS = 5000
/** How many different lines of its standard error are kept, and how many characters of each: workerd writes long ones. */
const MAX_COMPLAINTS = 20
const MAX_COMPLAINT_LENGTH = 300

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/**
 * Starts a server that says on descriptor 3, in a line that `portIn` reads, on which port it listens.
 *
 * @throws Error where it ends before that, or says nothing for half a minute
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  portIn: (line: string) => number | undefined,
): Promise<RunningRuntime> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  running.add(child)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`))
  })
  void ended.then(() => running.delete(child))
  const complaints = new Set<string>()
  createInterface(child.stderr!).on('line', (line) => {
    if (complaints.size < MAX_COMPLAINTS) complaints.add(line.slice(0, MAX_COMPLAINT_LENGTH))
  })
  const stop = () => end(child, ended)
  const port = await Promise.race([portOf(child.stdio[3] as Readable, portIn), ended, failAfter(MAX_START_MS)])
  if (typeof port === 'number') return { url: `http://127.0.0.1:${port}`, complaints: () => [...complaints], stop }
  await stop()
  throw new Error([`${command} does not listen: ${port}`, ...complaints].join('\n'))
}

function portOf(output: Readable, portIn: (line: string) => number | undefined): Promise<number> {
  return new Promise((resolve) => {
    createInterface(output).on('line', (line) => {
      const port = portIn(line)
      if (port !== undefined) resolve(port)
    })
  })
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), MAX_STOP_MS)
  await ended
  clearTimeout(timer)
}

function failAfter(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`it said nothing for ${ms} ms`), ms).unref()
  })
}
