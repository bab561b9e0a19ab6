/**
 * Measures how much a wrapped call adds to a plain one. Both call the same simulator on loopback, taking turns in one
 * run.
 */
import OpenAI from 'openai'
import { createLimiter } from '../src/index.js'
import { limitOpenAI } from '../src/openai/index.js'
import { machine } from './measure.js'
import { forkSimulator } from './simulator-process.js'

/**
 * The calls and streams per round, the events per stream, the calls before the first round, and the rounds. Chosen:
 * enough for stable medians.
 */
const CALLS = 4000
const WARM_UP = 500
const STREAMS = 60
const EVENTS = 500
const ROUNDS = 5

const simulator = await forkSimulator({
  latency: { firstTokenMs: 0, perTokenMs: 0, jitter: 0 },
  // Drawn answers are so long that `max_tokens` ends each of them.
  meanOutputTokens: 100_000,
  chunkTokens: 1,
})
const limits = { m: { rpm: 1e8, tpm: 1e12 } }
const limiter = createLimiter({ limits, startFull: true })
const raw = new OpenAI({ apiKey: 'any', baseURL: simulator.url })
const wrapped = limitOpenAI(raw, limiter)
const body = {
  model: 'm',
  max_tokens: 20,
  messages: [{ role: 'user' as const, content: 'Say something short, please.' }],
}

interface Timing {
  readonly wallUs: number[]
  cpuUs: number
}

async function calls(client: OpenAI, count: number, into: Timing): Promise<void> {
  for (let i = 0; i < count; i++) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await client.chat.completions.create(body)
    into.wallUs.push((performance.now() - start) * 1000)
    const { user, system } = process.cpuUsage(cpu)
    into.cpuUs += user + system
  }
}

/** Reads one whole stream. Returns its duration and its number of events. */
async function stream(client: OpenAI): Promise<{ us: number; events: number }> {
  const start = performance.now()
  const chunks = await client.chat.completions.create({ ...body, max_tokens: EVENTS, stream: true })
  let events = 0
  for await (const _ of chunks) events++
  if (events < EVENTS) throw new Error(`a stream of ${events} events is too short to measure ${EVENTS}`)
  return { us: (performance.now() - start) * 1000, events }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!
}

async function callOverhead(): Promise<{ medianUs: number; p99Us: number; cpuUs: number }> {
  const plain: Timing = { wallUs: [], cpuUs: 0 }
  const ours: Timing = { wallUs: [], cpuUs: 0 }
  // Short turns, so that other work on the machine slows both clients alike.
  for (let done = 0; done < CALLS; done += 50) {
    await calls(raw, 50, plain)
    await calls(wrapped, 50, ours)
  }
  return {
    medianUs: quantile(ours.wallUs, 0.5) - quantile(plain.wallUs, 0.5),
    p99Us: quantile(ours.wallUs, 0.99) - quantile(plain.wallUs, 0.99),
    cpuUs: (ours.cpuUs - plain.cpuUs) / CALLS,
  }
}

async function eventOverhead(): Promise<number> {
  const plain: number[] = []
  const ours: number[] = []
  for (let i = 0; i < STREAMS; i++) {
    const { us, events } = await stream(raw)
    plain.push(us / events)
    const observed = await stream(wrapped)
    ours.push(observed.us / observed.events)
  }
  return quantile(ours, 0.5) - quantile(plain, 0.5)
}

const scratch: Timing = { wallUs: [], cpuUs: 0 }
await calls(raw, WARM_UP, scratch)
await calls(wrapped, WARM_UP, scratch)

interface Round {
  readonly medianUs: number
  readonly p99Us: number
  readonly cpuUs: number
  readonly eventUs: number
}

const rounds: Round[] = []
for (let round = 0; round < ROUNDS; round++) rounds.push({ ...(await callOverhead()), eventUs: await eventOverhead() })
const median = (pick: (round: Round) => number) => quantile(rounds.map(pick), 0.5)

console.log(
  `${machine()}, openai ${versionOfOpenAI()}\nadded by the wrapped client to the plain one; medians of ${ROUNDS} rounds of ${CALLS} calls and ${STREAMS} streams each\n`,
)
console.log(
  `  median of a call   ${median((r) => r.medianUs)
    .toFixed(1)
    .padStart(7)} µs   (goal ≤ 65)`,
)
console.log(
  `  p99 of a call      ${median((r) => r.p99Us)
    .toFixed(1)
    .padStart(7)} µs`,
)
console.log(
  `  CPU of a call      ${median((r) => r.cpuUs)
    .toFixed(1)
    .padStart(7)} µs   (goal ≤ 80)`,
)
console.log(
  `  an SSE event       ${median((r) => r.eventUs)
    .toFixed(2)
    .padStart(7)} µs   (goal ≤ 4)`,
)
simulator.stop()
process.exit(0)

function versionOfOpenAI(): string {
  return (raw as unknown as { getUserAgent?: () => string }).getUserAgent?.().split(' ').at(-1) ?? ''
}
