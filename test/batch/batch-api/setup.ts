import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runBatchApi, type BatchApiOptions, type BatchApiSummary } from '../../../src/batch/index.js'
import { createLimiter } from '../../../src/limiter.js'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/index.js'
import { LeapingClock } from '../../support/leaping-clock.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** A call of the service, before it is sent. */
export interface Seen {
  readonly method: string
  /** Below the base URL, without ids. */
  readonly path: string
}

/** What is done to a call in place of sending it; undefined: it is sent. */
export type Meddle = (seen: Seen, send: () => Promise<Response>) => Promise<Response> | undefined

export interface World {
  readonly simulator: Simulator
  readonly clock: LeapingClock
  readonly folder: string
  readonly input: string
  readonly output: string
  /** `METHOD /path` of all calls. */
  readonly calls: string[]
  readonly notices: string[]
  meddle: Meddle | undefined
  /** Aborts when the test is over. */
  readonly ended: AbortSignal
  run(options?: Partial<BatchApiOptions>): Promise<BatchApiSummary>
  records(path?: string): Promise<OutputRecord[]>
  /** Batches that the service has, the oldest first. */
  batches(): Promise<{ id: string; status: string; input_file_id: string; endpoint: string }[]>
  /** The files beside the input. */
  files(): Promise<string[]>
}

export interface OutputRecord {
  readonly id: string
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly body: unknown } | null
  readonly error: { readonly code: string; readonly message: string; readonly line?: number } | null
}

export { lineOf, lines } from '../../support/batch-lines.js'

export const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `id-${i}`).sort()

/** An input, and a service that lives in the time of whoever waits for it: ten lines a second. */
export async function world(content: string | Uint8Array, options: SimulatorOptions = {}): Promise<World> {
  const folder = await temporaryFolder()
  const clock = new LeapingClock()
  const simulator = await startSimulator({
    clock: clock.forServer,
    latency: { firstTokenMs: 0, perTokenMs: 0, jitter: 0 },
    batch: { linesPerSecond: 10 },
    ...options,
  })
  const limiter = createLimiter({ limits: {}, unknownModel: 'unlimited' })
  const ended = new AbortController()
  const over = new Promise<never>((_, reject) => {
    ended.signal.addEventListener('abort', () => reject(ended.signal.reason as Error))
  })
  over.catch(() => {})
  const runs: Promise<unknown>[] = []
  onTestFinished(async () => {
    // What was killed has files open.
    ended.abort(new Error('the test is over'))
    await Promise.allSettled(runs)
    await limiter.close({ abandon: true })
    await simulator.close()
  })
  const [input, output] = [join(folder, 'in.jsonl'), join(folder, 'out.jsonl')]
  await writeFile(input, content)
  const here: World = {
    simulator,
    clock,
    folder,
    input,
    output,
    calls: [],
    notices: [],
    meddle: undefined,
    ended: ended.signal,
    run(own = {}) {
      const { summary } = runBatchApi({
        input,
        output,
        limiter,
        baseURL: simulator.url,
        clock,
        fetch: meddled,
        onNotice: (text) => void here.notices.push(text),
        ...own,
        signal: own.signal === undefined ? ended.signal : AbortSignal.any([own.signal, ended.signal]),
      })
      runs.push(summary)
      return summary
    },
    async records(path = output) {
      const text = await readFile(path, 'utf8')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as OutputRecord)
    },
    async batches() {
      const answer = await fetch(`${simulator.url}/batches?limit=100`)
      return ((await answer.json()) as { data: Awaited<ReturnType<World['batches']>> }).data.toReversed()
    },
    files: async () => (await readdir(folder)).sort(),
  }
  const meddled: typeof fetch = (target, init) => {
    const path = new URL(String(target)).pathname.slice(new URL(simulator.url).pathname.length)
    const seen = { method: init?.method ?? 'GET', path: path.replace(/\/(batch_|file-)[^/]+/, '/ID') }
    here.calls.push(`${seen.method} ${seen.path}`)
    const send = () => fetch(target, init)
    return Promise.race([here.meddle?.(seen, send) ?? send(), over])
  }
  return here
}

/** Meddles as a kill does, when the call `name` is made for the `n`-th time: before the service has it, or after. Nothing of the run goes on. */
export function killAt(
  name: string,
  when: 'before' | 'after',
  n = 1,
): { meddle: Meddle; readonly reached: Promise<void> } {
  let seen = 0
  let reach = (): void => undefined
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const meddle: Meddle = ({ method, path }, send) => {
    if (`${method} ${path}` !== name || ++seen !== n) return undefined
    return (async () => {
      if (when === 'after') await (await send()).text()
      reach()
      return new Promise<Response>(() => {})
    })()
  }
  return { meddle, reached }
}

/** Answers the call `name`, the first `times` times that it is made, with what `answer` makes of it. */
export function badly(name: string, make: (send: () => Promise<Response>) => Promise<Response>, times = 1): Meddle {
  let seen = 0
  return ({ method, path }, send) => (`${method} ${path}` === name && ++seen <= times ? make(send) : undefined)
}

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}

export const answer = (status: number, body: string, type = 'application/json') =>
  Promise.resolve(new Response(body, { status, headers: { 'content-type': type } }))
