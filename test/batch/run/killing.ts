import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { startSimulator } from '../../../src/simulator/index.js'
import { seeded } from '../../support/seeded.js'

const LINES = 40
const CONCURRENCY = 8

interface Line {
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly body: { readonly usage: unknown } }
  readonly error: unknown
}

/** What came of a file. */
interface Outcome {
  readonly customIds: readonly string[]
  /** Whether each line of the output is an answer, and no error. */
  readonly isAllAnswered: boolean
  /** Requests that the server saw. */
  readonly sent: number
  /** Of these, in flight at a kill: answered without a line. */
  readonly lost: number
}

/** The ids of the file's lines, in order. */
export const IDS: readonly string[] = Array.from({ length: LINES }, (_, i) => `id-${i}`).sort()

/**
 * Runs a file to its end in processes that are killed after the k-th request that the server saw, k drawn by the seed, and holds
 * each of them to: no more was in flight than may be, and nothing was said.
 */
export async function runThroughKills(main: string, seed: number): Promise<Outcome> {
  const random = seeded(seed)
  const folder = await mkdtemp(join(tmpdir(), 'headgate-kill-'))
  const isZipped = seed % 4 === 3
  const [input, output] = [join(folder, 'in.jsonl'), join(folder, isZipped ? 'out.jsonl.gz' : 'out.jsonl')]
  await writeFile(input, Array.from({ length: LINES }, (_, i) => lineOf(i)).join(''))
  let sentByChild = 0
  let killAt = Infinity
  let kill = (): void => undefined
  const simulator = await startSimulator({
    seed,
    latency: { firstTokenMs: 4, perTokenMs: 0.01, jitter: 1 },
    fail() {
      if (++sentByChild === killAt) kill()
      return undefined
    },
  })
  try {
    let lost = 0
    let kills = 0
    const argv = ['run', input, '-o', output, '--base-url', simulator.url, '--rpm', '1000000', '--tpm', '100000000']
    for (let code: number | null = null; code !== 0;) {
      expect(kills).toBeLessThan(LINES)
      const before = (await linesIn(output)).length
      sentByChild = 0
      killAt = 1 + Math.floor(random() * 25)
      const child = spawn(process.execPath, [main, ...argv, '--concurrency', String(CONCURRENCY), '--quiet'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      kill = () => void child.kill('SIGKILL')
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
      expect(said).toBe('')
      expect(exitCode === 0 || signal === 'SIGKILL', `exit code ${exitCode}`).toBe(true)
      code = exitCode
      await arrivals()
      const inFlight = sentByChild - ((await linesIn(output)).length - before)
      expect(inFlight).toBeGreaterThanOrEqual(0)
      expect(inFlight).toBeLessThanOrEqual(code === 0 ? 0 : CONCURRENCY)
      lost += inFlight
      if (code !== 0) kills++
    }
    const lines = await linesIn(output)
    return {
      customIds: lines.map(({ custom_id }) => custom_id).sort(),
      isAllAnswered: lines.every(({ response, error }) => response.status_code === 200 && error === null),
      sent: simulator.ledger().entries.length,
      lost,
    }
  } finally {
    await simulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the process had sent when it died is in the system's hands: each turn, the server takes what there is of it. */
async function arrivals(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function lineOf(i: number): string {
  const body = { model: 'qwen-plus', messages: [{ role: 'user', content: `Line ${i}` }], max_tokens: 40 }
  return `${JSON.stringify({ custom_id: `id-${i}`, method: 'POST', url: '/v1/chat/completions', body })}\n`
}

/** Those that are whole. */
async function linesIn(path: string): Promise<Line[]> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0))
  const text = (path.endsWith('.gz') ? wholeMembers(bytes) : bytes).toString()
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** As any tool reads it, once what a kill tore off is gone: by the lengths that members tell. */
function wholeMembers(bytes: Buffer): Buffer {
  let end = 0
  while (end + 20 <= bytes.length && end + bytes.readUInt32LE(end + 16) <= bytes.length) {
    end += bytes.readUInt32LE(end + 16)
  }
  return end === 0 ? Buffer.alloc(0) : gunzipSync(bytes.subarray(0, end))
}
