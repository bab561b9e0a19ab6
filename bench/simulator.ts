/**
 * Measures how many requests per second the simulator answers on one core. It must be faster than anything measured
 * with it.
 *
 * The simulator runs in this process. Another process drives it over raw keep-alive sockets. Start it with `npm run
 * bench:simulator`.
 */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { startSimulator, type SimulatorOptions } from '../src/simulator/index.js'
import { machine } from './measure.js'
import type { Load, LoadResult } from './simulator-load.js'

const RUNS = 5
/** The goal, in requests per second without limits. Chosen: well above the rates at which the other benchmarks send. */
const GOAL = 5000
const CONNECTIONS = 64
const RUN_MS = 2000

interface Case {
  readonly name: string
  readonly options: SimulatorOptions
  readonly body: unknown
}

const messages = [{ role: 'user', content: 'How deep is the water at the gate, and how much of it may pass?' }]
const immediate = { firstTokenMs: 0, perTokenMs: 0, jitter: 0 }
/** Limits that are counted but never reached. */
const wide = { 'qwen-plus': { rpm: 1e9, tpm: 1e12 } }

const cases: readonly Case[] = [
  { name: 'chat, limits off', options: {}, body: { model: 'qwen-plus', messages } },
  { name: 'chat streamed, limits off', options: {}, body: { model: 'qwen-plus', messages, stream: true } },
  { name: 'chat, four limits', options: { limits: wide }, body: { model: 'qwen-plus', messages } },
]

/** Binds a process and all its threads to one core. False if the system cannot do it. */
function pin(pid: number, core: number): boolean {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function requestsPerSecond({ options, body }: Case): Promise<{ rates: number[]; cpu: number }> {
  const rates: number[] = []
  const simulator = await startSimulator({ latency: immediate, ...options })
  const driver = fork(new URL('simulator-load.js', import.meta.url))
  if (availableParallelism() > 1 && driver.pid !== undefined) pin(driver.pid, 1)
  const load: Load = { port: simulator.port, body: JSON.stringify(body), connections: CONNECTIONS, runMs: RUN_MS }
  let cpuMs = 0
  let wallMs = 0
  for (let run = 0; run <= RUNS; run += 1) {
    const [cpu, start] = [process.cpuUsage(), performance.now()]
    driver.send(load)
    const [result] = (await once(driver, 'message')) as [LoadResult]
    if (result.failed > 0) throw new Error(`${result.failed} requests failed`)
    // The first run warms up.
    if (run === 0) continue
    rates.push(result.answered / (result.tookMs / 1000))
    const used = process.cpuUsage(cpu)
    cpuMs += (used.user + used.system) / 1000
    wallMs += performance.now() - start
  }
  driver.kill()
  await simulator.close()
  return { rates: rates.sort((a, b) => a - b), cpu: cpuMs / wallMs }
}

const isPinned = pin(process.pid, 0)
console.log(machine())
console.log(
  `${CONNECTIONS} keep-alive sockets, median of ${RUNS} runs of ${RUN_MS / 1000} s; ${isPinned ? 'bound to one core' : 'not bound to one core'}\n`,
)
console.log(`  ${'requests/s, median'.padStart(46)} ${'min – max'.padStart(18)} ${'cores used'.padStart(11)}`)
for (const one of cases) {
  const { rates, cpu } = await requestsPerSecond(one)
  const [least, median, most] = [rates[0]!, rates[Math.floor(rates.length / 2)]!, rates.at(-1)!].map(Math.round)
  const range = `${least!.toLocaleString('en')} – ${most!.toLocaleString('en')}`
  const goal = one === cases[0] ? `   goal ≥ ${GOAL.toLocaleString('en')}: ${median! >= GOAL ? 'met' : 'MISSED'}` : ''
  console.log(
    `  ${one.name.padEnd(27)} ${median!.toLocaleString('en').padStart(18)} ${range.padStart(18)} ${cpu.toFixed(2).padStart(11)}${goal}`,
  )
}
