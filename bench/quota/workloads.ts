import { existsSync, readFileSync } from 'node:fs'
import { normal, seeded } from './random.js'

/** One request of a workload. */
export interface Job {
  readonly id: number
  /** When it arrives, in ms after the start. */
  readonly arrivesMs: number
  readonly inputTokens: number
  /** The actual output of the answer, at most `maxTokens`. */
  readonly outputTokens: number
  readonly maxTokens: number
  readonly firstTokenMs: number
  readonly tokensPerSecond: number
}

/** How jobs arrive: all at once; each when the previous one was sent; or at their own times. */
export type Arrivals = 'backlog' | 'queue-of-one' | 'own'

export type WorkloadName = 'rpm' | 'chat' | 'long' | 'trace'

interface Shape {
  readonly inputMedian: number
  readonly inputSigma: number
  readonly outputMedian: number
  readonly outputSigma: number
  readonly maxTokens: number
}

/** The log-normal sizes of each workload, in tokens. Chosen. */
const SHAPES: Readonly<Record<Exclude<WorkloadName, 'trace'>, Shape>> = {
  /** Requests so small that the limit on requests binds. */
  rpm: { inputMedian: 100, inputSigma: 0.5, outputMedian: 20, outputSigma: 0.5, maxTokens: 128 },
  chat: { inputMedian: 600, inputSigma: 0.8, outputMedian: 200, outputSigma: 0.8, maxTokens: 1024 },
  long: { inputMedian: 8000, inputSigma: 0.6, outputMedian: 300, outputSigma: 0.6, maxTokens: 1024 },
}

/**
 * The longest prompt in tokens. Chosen: with its answer, every request fits a minute of the smallest limits, 100,000
 * tokens.
 */
const MAX_INPUT_TOKENS = 60_000

export function jobsOf(workload: Exclude<WorkloadName, 'trace'>, count: number, seed: number): Job[] {
  const random = seeded(seed, `jobs ${workload}`)
  const shape = SHAPES[workload]
  const jobs: Job[] = []
  for (let id = 0; id < count; id++) {
    const inputTokens = logNormal(shape.inputMedian, shape.inputSigma, MAX_INPUT_TOKENS, random)
    const outputTokens = logNormal(shape.outputMedian, shape.outputSigma, shape.maxTokens, random)
    jobs.push({ id, arrivesMs: 0, inputTokens, outputTokens, maxTokens: shape.maxTokens, ...pace(random) })
  }
  return jobs
}

/**
 * The jobs of a trace file with the columns TIMESTAMP, ContextTokens, GeneratedTokens. Undefined if the file does not
 * exist.
 */
export function traceJobs(file: string, seed: number): Job[] | undefined {
  if (!existsSync(file)) return undefined
  const random = seeded(seed, 'jobs trace')
  const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1)
  const parsed = rows.map((row) => {
    const [time = '', input, output] = row.split(',')
    // The times have seven digits after the second, more than Date reads.
    const atMs = Date.parse(`${time.slice(0, 19).replace(' ', 'T')}Z`) + 1000 * Number(`0${time.slice(19)}`)
    return { atMs, inputTokens: Number(input), outputTokens: Number(output) }
  })
  const startMs = parsed[0]?.atMs ?? 0
  const most = parsed.reduce((most, { outputTokens }) => Math.max(most, outputTokens), 0)
  // The trace does not contain `max_tokens`. The smallest power of two that no answer exceeds takes its place.
  const maxTokens = 2 ** Math.ceil(Math.log2(Math.max(1, most)))
  return parsed.map(({ atMs, inputTokens, outputTokens }, id) => ({
    id,
    arrivesMs: atMs - startMs,
    inputTokens,
    outputTokens,
    maxTokens,
    ...pace(random),
  }))
}

/** How long the answer takes, in ms after its request was admitted. */
export function durationMs({ firstTokenMs, outputTokens, tokensPerSecond }: Job): number {
  return firstTokenMs + (1000 * outputTokens) / tokensPerSecond
}

/** The speed of an answer: 0.2 to 0.8 s to the first token, then 40 to 80 tokens per second. Chosen. */
function pace(random: () => number): Pick<Job, 'firstTokenMs' | 'tokensPerSecond'> {
  return { firstTokenMs: 200 + 600 * random(), tokensPerSecond: 40 + 40 * random() }
}

function logNormal(median: number, sigma: number, most: number, random: () => number): number {
  return Math.max(1, Math.min(most, Math.round(median * Math.exp(sigma * normal(random)))))
}
