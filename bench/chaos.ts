/**
 * Checks that 10,000 disturbed calls leave nothing behind.
 *
 * A third is aborted. A third is streams, most of which are left early. The simulator refuses, fails and drops
 * connections. After a warm-up round, each round must end with nothing in flight, every call settled once, and the heap
 * at its old size.
 */
import { getEventListeners } from 'node:events'
import OpenAI from 'openai'
import { createLimiter, type Limiter } from '../src/index.js'
import { limitOpenAI } from '../src/openai/index.js'
import { machine } from './measure.js'
import { forkSimulator } from './simulator-process.js'

/**
 * The calls of a round, how many are in flight at once, and the measured rounds. Chosen: with this many calls, a leak
 * per call shows in the heap.
 */
const CALLS = 10_000
const AT_ONCE = 200
const ROUNDS = 3

const gc = globalThis.gc
if (gc === undefined) throw new Error('start it with node --expose-gc, as `npm run bench:chaos` does')

const simulator = await forkSimulator({
  latency: { firstTokenMs: 5, perTokenMs: 0.2 },
  meanOutputTokens: 20,
  chunkTokens: 1,
  faultRates: { drop: 0.02, dropAfterHeaders: 0.01, cut: 0.02, noUsage: 0.05, streamError: 0.004, serverError: 0.01 },
  seed: 7,
})
const limiter = createLimiter({
  limits: { a: { rpm: 1e7, tpm: 1e10 }, b: { rpm: 1e7, tpm: 1e10 } },
  fallback: { a: ['b'], b: ['a'] },
  startFull: true,
})
const counts = { admitted: 0, settled: 0, throttled: 0 }
limiter.on('admit', () => counts.admitted++)
limiter.on('settle', () => counts.settled++)
limiter.on('throttled', () => counts.throttled++)

/** The abort signals of the calls. They are held weakly. */
const signals = new Set<WeakRef<AbortSignal>>()
const watched: Limiter = {
  ...limiter,
  fetch(input, init) {
    if (init?.signal) signals.add(new WeakRef(init.signal))
    return limiter.fetch(input, init)
  },
}
const client = limitOpenAI(new OpenAI({ apiKey: 'any', baseURL: simulator.url, maxRetries: 1 }), watched)
const messages = [{ role: 'user' as const, content: 'Say something short, please.' }]

async function call(index: number, ended: Record<string, number>): Promise<void> {
  const model = index % 2 === 0 ? 'a' : 'b'
  const controller = new AbortController()
  const timer = index % 3 === 1 ? setTimeout(() => controller.abort(), Math.random() * 20) : undefined
  let how = 'answered'
  try {
    if (index % 3 === 2) {
      const wanted = Math.floor(Math.random() * 10)
      let read = 0
      how = 'read in full'
      for await (const _ of await client.chat.completions.create({ model, messages, stream: true })) {
        if (++read <= wanted) continue
        how = 'broken off'
        break
      }
    } else await client.chat.completions.create({ model, messages }, { signal: controller.signal })
  } catch (error) {
    how = (error as Error).constructor.name
  } finally {
    clearTimeout(timer)
  }
  ended[how] = (ended[how] ?? 0) + 1
}

async function round(): Promise<Record<string, number>> {
  const ended: Record<string, number> = {}
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CALLS) await call(next++, ended)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await limiter.drain()
  return ended
}

/** The heap in use, in MiB, when nothing more can be collected. Finalizers need several turns to release memory. */
async function heapMB(): Promise<number> {
  let least = Infinity
  for (let turns = 0; turns < 12; turns++) {
    gc!()
    await new Promise((resolve) => setTimeout(resolve, 250))
    for (const ref of signals) if (ref.deref() === undefined) signals.delete(ref)
    least = Math.min(least, process.memoryUsage().heapUsed)
  }
  return least / 2 ** 20
}

console.log(
  `${machine()}\n${CALLS.toLocaleString('en')} calls per round, ${AT_ONCE} in flight; one warm-up round first\n`,
)
await round()
const before = await heapMB()
let isClean = true
const growths: number[] = []
for (let number = 1; number <= ROUNDS; number++) {
  const ended = await round()
  const after = await heapMB()
  const { waiting, inFlight, doubleSettles } = limiter.stats()
  const listening = [...signals].filter((ref) => {
    const signal = ref.deref()
    return signal !== undefined && getEventListeners(signal, 'abort').length > 0
  }).length
  const growth = (after / before - 1) * 100
  const left = { waiting, inFlight, doubleSettles, unsettled: counts.admitted - counts.settled, listening }
  isClean &&= Object.values(left).every((count) => count === 0)
  growths.push(growth)
  console.log(
    `  round ${number}: heap ${after.toFixed(1)} MB, ${growth >= 0 ? '+' : ''}${growth.toFixed(1)} % (goal ≤ 5)`,
  )
  console.log(`    left: ${JSON.stringify(left)}`)
  console.log(`    calls: ${JSON.stringify(ended)}, attempts so far ${counts.admitted}, 429s ${counts.throttled}`)
}
const median = growths.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
console.log(`\n  heap growth, median: ${median >= 0 ? '+' : ''}${median.toFixed(1)} % (goal ≤ 5)`)
simulator.stop()
process.exit(isClean && median <= 5 ? 0 : 1)
