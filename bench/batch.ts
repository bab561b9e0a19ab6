/**
 * Measures how many lines per second the batch runner sends when no limit binds, and how much memory it takes.
 *
 * It is compared with a plain `openai` client under p-queue at the same concurrency. They take turns. The simulator
 * runs in its own process. Start it with `npm run bench:batch [-- --lines 100000 --rounds 5 --only-headgate]`.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { SenderProcess, senders, type Sender } from './batch-process.js'
import { machine, versionOf } from './measure.js'
import { forkSimulator } from './simulator-process.js'

/** The requests in flight of each sender. Chosen: enough to keep both processes busy on loopback. */
const CONCURRENCY = 64
/**
 * The goal: at least this share of the plain client's lines per second. Chosen, so that pacing costs at most a tenth.
 */
const GOAL = 0.9
/** The goal for the peak resident memory, in bytes. Chosen: a file of any length must be sent in this memory. */
const MAX_RSS = 200e6

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    'only-headgate': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const perRound = Math.ceil(Number(values.lines) / rounds)
const subjects: readonly Sender[] = values['only-headgate'] ? ['headgate'] : senders

const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'))
const input = join(folder, 'in.jsonl')
await writeInput(input, perRound)
const simulator = await forkSimulator({ latency: { firstTokenMs: 0, perTokenMs: 0, jitter: 0 }, ledgerSize: 1 })
const processes = new Map(subjects.map((sender) => [sender, new SenderProcess()]))
const rates = new Map<Sender, number[]>(subjects.map((sender) => [sender, []]))
const peaks = new Map<Sender, number>()

console.log(machine())
console.log(
  `${(perRound * rounds).toLocaleString('en')} lines each in ${rounds} rounds, taking turns; ${CONCURRENCY} in flight; ${versionOf('openai')}, ${versionOf('p-queue')}\n`,
)
for (let round = 0; round < rounds; round++) {
  for (const sender of subjects) {
    const order = {
      sender,
      input,
      output: join(folder, `out-${round}-${sender}`),
      url: simulator.url,
      concurrency: CONCURRENCY,
    }
    const { succeeded, ms, peakRss } = await processes.get(sender)!.run(order)
    if (succeeded !== perRound) throw new Error(`${sender}: ${succeeded} of ${perRound} lines succeeded`)
    rates.get(sender)!.push(perRound / (ms / 1000))
    peaks.set(sender, peakRss)
  }
}
for (const process of processes.values()) process.stop()
simulator.stop()
await rm(folder, { recursive: true })

const medianOf = (sender: Sender): number => rates.get(sender)!.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
console.log(`  ${'lines/s, median'.padStart(40)} ${'min – max'.padStart(16)} ${'peak RSS'.padStart(10)}`)
for (const sender of subjects) {
  const sorted = rates.get(sender)!.toSorted((a, b) => a - b)
  const range = `${Math.round(sorted[0]!)} – ${Math.round(sorted.at(-1)!)}`
  const peak = `${(peaks.get(sender)! / 1e6).toFixed(0)} MB`
  console.log(
    `  ${sender.padEnd(22)} ${String(Math.round(medianOf(sender))).padStart(17)} ${range.padStart(16)} ${peak.padStart(10)}`,
  )
}
const verdict = (isMet: boolean): string => (isMet ? 'met' : 'MISSED')
if (subjects.length === 2) {
  const share = medianOf('headgate') / medianOf('openai under p-queue')
  console.log(`\nheadgate ÷ openai: ${share.toFixed(2)}, goal ≥ ${GOAL}: ${verdict(share >= GOAL)}`)
}
console.log(`peak RSS of headgate, goal ≤ ${MAX_RSS / 1e6} MB: ${verdict(peaks.get('headgate')! <= MAX_RSS)}`)

async function writeInput(path: string, count: number): Promise<void> {
  const file = createWriteStream(path)
  for (let i = 0; i < count; i++) {
    const body = {
      model: 'qwen-plus',
      messages: [{ role: 'user', content: `How deep is the water at gate ${i}?` }],
      max_tokens: 40,
    }
    const line = `${JSON.stringify({ custom_id: `request-${i}`, method: 'POST', url: '/v1/chat/completions', body })}\n`
    if (!file.write(line)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
}
