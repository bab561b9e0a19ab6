import { describe, expect, test } from 'vitest'
import { ServerLimit } from '../../bench/quota/limit.js'
import { ceilingOf } from '../../bench/quota/outcome.js'
import { seeded } from '../../bench/quota/random.js'
import { rows } from '../../bench/quota/rows.js'
import { durationMs, jobsOf, type Job } from '../../bench/quota/workloads.js'

const row = rows.find(({ name }) => name === 'reserved-strict-bucket')!
/** The limit in tokens per minute: 1,000 per second. */
const TPM = 60_000
const DEPTH = 1000
const STEP_MS = 10

function serverOf(networkJitterMs: number) {
  return { ...row, server: { ...row.server, tpm: TPM, rpm: TPM, networkJitterMs } }
}

/** The server's bucket. The test may query it; a client cannot. */
class Seen {
  readonly #limit = new ServerLimit({ counts: 'tokens', limit: DEPTH, windowMs: 1000, rule: 'bucket', phaseMs: 0 })
  readonly #returns: { readonly atMs: number; readonly tokens: number }[] = []

  takes({ inputTokens, maxTokens }: Job, atMs: number): boolean {
    this.#catchUp(atMs)
    return this.#limit.takes(inputTokens + maxTokens, atMs)
  }

  admit(job: Job, atMs: number): void {
    this.#limit.admit(job.inputTokens + job.maxTokens, atMs)
    this.#returns.push({ atMs: atMs + durationMs(job), tokens: job.maxTokens - job.outputTokens })
    this.#returns.sort((a, b) => a.atMs - b.atMs)
  }

  /** The first time after `atMs` at which the bucket is full and all refunds are made. */
  fullAtMs(atMs: number): number {
    let fullMs = Math.max(atMs, this.#returns.at(-1)?.atMs ?? 0)
    this.#catchUp(fullMs)
    while (!this.#limit.takes(DEPTH, fullMs)) fullMs++
    return fullMs
  }

  #catchUp(atMs: number): void {
    while (this.#returns[0] !== undefined && this.#returns[0].atMs <= atMs) {
      const { atMs: endedMs, tokens } = this.#returns.shift()!
      this.#limit.giveBack(tokens, 0, endedMs)
    }
  }
}

type Arrival = readonly [job: Job, atMs: number]

/** Whether all arrivals are admitted, and when the bucket is full again. */
function played(arrivals: readonly Arrival[]): { isAdmitted: boolean; fullAtMs: number } {
  const bucket = new Seen()
  const inOrder = [...arrivals].sort((a, b) => a[1] - b[1])
  for (const [job, atMs] of inOrder) {
    if (!bucket.takes(job, atMs)) return { isAdmitted: false, fullAtMs: Number.NaN }
    bucket.admit(job, atMs)
  }
  return { isAdmitted: true, fullAtMs: bucket.fullAtMs(inOrder.at(-1)![1]) }
}

/** Every combination of a delay of 0 or J for each request. */
function delayed(sent: readonly Arrival[], networkJitterMs: number): Arrival[][] {
  return Array.from({ length: networkJitterMs === 0 ? 1 : 2 ** sent.length }, (_, bits) =>
    sent.map(([job, atMs], index) => [job, atMs + ((bits >> index) & 1) * networkJitterMs]),
  )
}

function orders<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]]
  return all.flatMap((first, index) =>
    orders(all.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  )
}

/**
 * The shortest time that a client needs for all jobs, from a full bucket to a full bucket.
 *
 * The client knows all outputs and durations. It sends a job only if it is admitted under every combination of delays.
 * The time is the mean over the delays. `waits` is by how many steps each job waits longer than necessary.
 */
function leastMs(jobs: readonly Job[], networkJitterMs: number, waits: readonly number[]): number {
  let least = Infinity
  for (const order of orders(jobs)) {
    const sent: Arrival[] = []
    let atMs = 0
    for (const job of order) {
      while (!delayed([...sent, [job, atMs]], networkJitterMs).every((each) => played(each).isAdmitted)) atMs += STEP_MS
      const laterMs = atMs + STEP_MS * waits[job.id]!
      if (delayed([...sent, [job, laterMs]], networkJitterMs).every((each) => played(each).isAdmitted)) atMs = laterMs
      sent.push([job, atMs])
    }
    const all = delayed(sent, networkJitterMs)
    const sum = all.reduce((total, each) => total + played(each).fullAtMs - Math.min(...each.map(([, at]) => at)), 0)
    least = Math.min(least, sum / all.length)
  }
  return least
}

function job(id: number, inputTokens: number, outputTokens: number, tokensPerSecond: number): Job {
  return { id, arrivesMs: 0, inputTokens, outputTokens, maxTokens: 600, firstTokenMs: 10, tokensPerSecond }
}

function workMs(jobs: readonly Job[]): number {
  return jobs.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
}

describe('the ceiling of a bucket that reserves max_tokens', () => {
  test.each([0, 50, 200])(
    'is not exceeded by any order of four jobs with known outputs, J = %d ms',
    (networkJitterMs) => {
      const random = seeded(11, `ceiling ${networkJitterMs}`)
      for (let round = 0; round < 12; round++) {
        const jobs = Array.from({ length: 4 }, (_, id) =>
          job(id, Math.ceil(800 * random()), Math.ceil(600 * random()), 300 + 5000 * random()),
        )
        const waits = jobs.map(() => (random() < 0.5 ? 0 : Math.floor(30 * random())))
        const allowedMs = workMs(jobs) / ceilingOf(serverOf(networkJitterMs), jobs)
        // The first job has no earlier job that could be late.
        expect(leastMs(jobs, networkJitterMs, waits) + networkJitterMs).toBeGreaterThanOrEqual(allowedMs - 1e-6)
      }
    },
  )

  test('is reached when no reservation is refunded and each is above the depth of the bucket', () => {
    const jobs = [job(0, 600, 600, 1e6), job(1, 900, 600, 1e6), job(2, 500, 600, 1e6)]
    const allowedMs = workMs(jobs) / ceilingOf(serverOf(50), jobs)
    expect(leastMs(jobs, 50, [0, 0, 0]) + 50).toBeLessThanOrEqual(allowedMs + jobs.length * STEP_MS)
  })

  test('is 100 percent if J is 0, or if a minute has room for every reservation', () => {
    const jobs = jobsOf('chat', 200, 1)
    expect(ceilingOf(serverOf(0), jobs)).toBe(1)
    const minute = rows.find(({ name }) => name === 'reserved-bucket')!
    expect(ceilingOf(minute, jobs)).toBe(1)
    expect(ceilingOf(row, jobs)).toBeLessThan(0.97)
    expect(ceilingOf(row, jobs)).toBeGreaterThan(0.9)
  })
})
