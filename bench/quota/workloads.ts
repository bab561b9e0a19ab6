import { existsSync, readFileSync } from 'node:fs'
import { normal, seeded } from './random.js'

/** One request to be made. */
export interface Job {
  readonly id: number
  /** When it comes, in ms from the beginning. */
  readonly arrivesMs: number
  readonly inputTokens: number
  /** What the answer turns out to have; at most `maxTokens`. */
  readonly outputTokens: number
  readonly maxTokens: number
  readonly firstTokenMs: number
  readonly tokensPerSecond: number
}

/** How jobs come: all at once; each when the one before it was sent; at their own times. */
export type Arrivals = 'backlog' | 'queue-of-one' | 'own'

export type WorkloadName = 'rpm' | 'chat' | 'long' | 'trace'

interface Shape {
  readonly inputMedian: number
  readonly inputSigma: number
  readonly outputMedian: number
  readonly outputSigma: number
  readonly maxTokens: number
}

const SHAPES: Readonly<Record<Exclude<WorkloadName, 'trace'>, Shape>> = {
  /** So small that requests are what runs out. */
  rpm: { inputMedian: 100, inputSigma: 0.5, outputMedian: 20, outputSigma: 0.5, maxTokens: 128 },
  chat: { inputMedian: 600, inputSigma: 0.8, outputMedian: 200, outputSigma: 0.8, maxTokens: 1024 },
  long: { inputMedian: 8000, inputSigma: 0.6, outputMedian: 300, outputSigma: 0.6, maxTokens: 1024 },
}

/** No prompt is longer than this: every request must fit a minute of the smallest limits. */
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

/** The jobs of a trace with the columns TIMESTAMP, ContextTokens, GeneratedTokens; undefined where there is no such file. */
export function traceJobs(file: string, seed: number): Job[] | undefined {
  if (!existsSync(file)) return undefined
  const random = seeded(seed, 'jobs trace')
  const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1)
  const parsed = rows.map((row) => {
    const [time = '', input, output] = row.split(',')
    // Seven digits of a second are more than Date reads.
    const atMs = Date.parse(`${time.slice(0, 19).replace(' ', 'T')}Z`) + 1000 * Number(`0${time.slice(19)}`)
    return { atMs, inputTokens: Number(input), outputTokens: Number(output) }
  })
  const startMs = parsed[0]?.atMs ?? 0
  const most = parsed.reduce((most, { outputTokens }) => Math.max(most, outputTokens), 0)
  // What the callers had allowed is not in the trace: the power of two that no answer exceeds.
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

/** How long the answer takes, in ms from when its request was taken. */
export function durationMs({ firstTokenMs, outputTokens, tokensPerSecond }: Job): number {
  return firstTokenMs + (1000 * outputTokens) / tokensPerSecond
}

function pace(random: () => number): Pick<Job, 'firstTokenMs' | 'tokensPerSecond'> {
  return { firstTokenMs: 200 + 600 * random(), tokensPerSecond: 40 + 40 * random() }
}

function logNormal(median: number, sigma: number, most: number, random: () => number): number {
  return Math.max(1, Math.min(most, Math.round(median * Math.exp(sigma * normal(random)))))
}
