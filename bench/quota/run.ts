import type { ClientKind } from './clients/client.js'
import { drive, EventTimeline, START_MS } from './clock.js'
import { globalTimeline } from './globals.js'
import { outcomeOf, type Outcome } from './outcome.js'
import { seeded } from './random.js'
import { isRefusal } from './refusal.js'
import type { Row } from './row.js'
import { Server } from './server.js'
import type { Job } from './workloads.js'

/**
 * How long a run may take, as a multiple of the time at full quota. Jobs that are not done by then count as lost.
 *
 * Chosen: far above the slowest client that finishes. Larger: clients that never finish take longer to measure.
 */
const PATIENCE = 10
/**
 * The shortest time that a run may take, in ms. Chosen: a few back-offs of a minute do not lose the jobs of a short
 * row.
 */
const MIN_PATIENCE_MS = 30 * 60_000

/** Runs the jobs of a row through a client in virtual time. The same seed always gives the same result. */
export async function runRow(row: Row, kind: ClientKind, jobs: readonly Job[], seed: number): Promise<Outcome> {
  const timeline = kind.usesGlobals ? globalTimeline(seeded(seed, 'client')) : new EventTimeline()
  try {
    const { rpm, tpm, second, networkJitterMs } = row.server
    const server = new Server(row.server, timeline, seeded(seed, 'server'))
    const arrivedAtMs: number[] = []
    let done = 0
    let ended = 0
    const givenUp: Record<string, number> = {}
    const submit = (job: Job) => {
      arrivedAtMs[job.id] = timeline.now()
      client.submit(job).then(
        () => (done++, ended++),
        (error: unknown) => {
          ended++
          const name = nameOf(error)
          givenUp[name] = (givenUp[name] ?? 0) + 1
        },
      )
    }
    const client = kind.create({
      timeline,
      random: seeded(seed, 'client'),
      rpm,
      tpm,
      perSecond: second !== 'none',
      networkJitterMs,
      knowsOutput: row.knowsOutput,
      triesForMore: row.triesForMore ?? false,
      profile: row.profile,
      send(job) {
        if (row.arrivals === 'queue-of-one') submitAfter(job)
        return server.send(job)
      },
    })
    const submitAfter = (job: Job) => {
      const next = jobs[job.id + 1]
      if (next === undefined || arrivedAtMs[next.id] !== undefined) return
      arrivedAtMs[next.id] = timeline.now()
      timeline.setTimeout(() => submit(next), 0)
    }
    if (row.arrivals === 'queue-of-one') submit(jobs[0]!)
    else if (row.arrivals === 'backlog') for (const job of jobs) submit(job)
    else for (const job of jobs) timeline.setTimeout(() => submit(job), job.arrivesMs)
    const endMs = START_MS + patienceMs(row, jobs)
    await drive(timeline, () => ended === jobs.length || timeline.now() > endMs)
    const foresight = client.foresight?.()
    client.close?.()
    return outcomeOf(row, { client: kind.name, seed, jobs, done, givenUp, server, arrivedAtMs, foresight })
  } finally {
    timeline.end()
  }
}

function patienceMs({ server: { rpm, tpm } }: Row, jobs: readonly Job[]): number {
  const tokens = jobs.reduce((sum, job) => sum + job.inputTokens + job.outputTokens, 0)
  const fluidMs = 60_000 * Math.max(jobs.length / rpm, tokens / tpm)
  return Math.max(MIN_PATIENCE_MS, PATIENCE * fluidMs, PATIENCE * (jobs.at(-1)?.arrivesMs ?? 0))
}

function nameOf(error: unknown): string {
  if (isRefusal(error)) return error.error.code
  return error instanceof Error ? error.name : String(error)
}
