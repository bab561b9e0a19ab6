import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { startSimulator, type SimulatorOptions } from '../src/simulator/index.js'

/** A simulator in a child process, so that its work does not count as the client's. */
export interface SimulatorProcess {
  readonly url: string
  stop(): void
}

export async function forkSimulator(
  options: Omit<SimulatorOptions, 'answer' | 'fail' | 'clock'>,
): Promise<SimulatorProcess> {
  const child: ChildProcess = fork(new URL(import.meta.url), { execArgv: [] })
  child.send(options)
  const [url] = (await once(child, 'message')) as [string]
  return { url, stop: () => child.kill() }
}

// This part runs in the child. The parent sends the options and receives the URL.
if (process.send !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once('message', (options: SimulatorOptions) => {
    void startSimulator(options).then(({ url }) => process.send!(url))
  })
}
