import { OUR_SHARE } from './change.js'
import { START_MS } from './clock.js'
import type { OutputForesight } from './output-foresight.js'
import type { Goal, Row } from './row.js'
import type { Admitted, Refused, Server } from './server.js'
import { durationMs, type Job } from './workloads.js'

/**
 * The shortest time between the first and the last admission for which a share is computed, in ms.
 *
 * Chosen: a client whose jobs are all admitted in one burst has no rate. Larger: short runs have no share.
 */
const MIN_SPAN_MS = 1000

/** The result of one client in one row. Shares are fractions of 1. */
export interface Outcome {
  readonly row: string
  readonly client: string
  readonly seed: number
  readonly jobs: number
  readonly done: number
  /** How many jobs the client gave up, by the error's name or the 429's code. */
  readonly givenUp: Readonly<Record<string, number>>
  /** The number of 429s that the server sent. */
  readonly refusals: number
  /**
   * How often the client ran into the limits. All requests that it sent before it received a refusal belong to one
   * episode.
   */
  readonly episodes: number
  /**
   * The episodes before the first minute without one. After that minute the client has found the limits; later episodes
   * come from probing for higher ones.
   */
  readonly episodesToFind: number
  /** The 429s after the episodes that the goal allows for learning. */
  readonly refusalsAfterLearning: number
  /**
   * Admitted work ÷ (rate of the limits × time from the first to the last admission). NaN if all was admitted within a
   * second.
   */
  readonly share: number
  readonly ceiling: number
  /** Undefined if the output was known, or if the client does not predict it. */
  readonly foresight: OutputForesight | undefined
  readonly waitP50Ms: number
  readonly waitP95Ms: number
  /** The missed goals, in words. Empty if all were met. */
  readonly missed: readonly string[]
}

export interface Ran {
  readonly client: string
  readonly seed: number
  readonly jobs: readonly Job[]
  readonly done: number
  readonly givenUp: Readonly<Record<string, number>>
  readonly server: Server
  /** The arrival time of each job, by its id. */
  readonly arrivedAtMs: readonly number[]
  readonly foresight: OutputForesight | undefined
}

export function outcomeOf(row: Row, ran: Ran): Outcome {
  const { client, seed, jobs, done, givenUp, server, arrivedAtMs, foresight } = ran
  const episodes = episodesOf(server.refused)
  const allowed = row.goal.episodesToLearn ?? 0
  const measured = {
    jobs: jobs.length,
    done,
    episodes: episodes.length,
    episodesToFind: episodesToFind(episodes),
    refusalsAfterLearning: episodes.slice(allowed).reduce((sum, { refusals }) => sum + refusals, 0),
    share: shareOf(row, server.admitted),
    ceiling: ceilingOf(row, jobs),
  }
  const waits = server.admitted.map(({ job, atMs }) => atMs - arrivedAtMs[job.id]!).sort((a, b) => a - b)
  return {
    row: row.name,
    client,
    seed,
    givenUp,
    refusals: server.refused.length,
    ...measured,
    foresight,
    waitP50Ms: quantile(waits, 0.5),
    waitP95Ms: quantile(waits, 0.95),
    missed: missedOf(row.goal, measured),
  }
}

/**
 * The refusals, grouped into episodes. A new episode begins with a request that was sent after the last episode's first
 * refusal was received.
 */
function episodesOf(refused: readonly Refused[]): Episode[] {
  const episodes: Episode[] = []
  let receivedAtMs = -Infinity
  for (const { sentAtMs, answeredAtMs } of refused) {
    if (sentAtMs > receivedAtMs) {
      episodes.push({ refusals: 0, beganAtMs: answeredAtMs })
      receivedAtMs = answeredAtMs
    }
    episodes.at(-1)!.refusals++
  }
  return episodes
}

interface Episode {
  refusals: number
  /** When its first refusal was received. */
  readonly beganAtMs: number
}

/** A client has found the limits after this time without an episode, in ms: one minute window. */
const QUIET_MS = 60_000

function episodesToFind(episodes: readonly Episode[]): number {
  const next = episodes.findIndex(({ beganAtMs }, at) => at > 0 && beganAtMs - episodes[at - 1]!.beganAtMs >= QUIET_MS)
  return next === -1 ? episodes.length : next
}

function shareOf({ server: { rpm, tpm, change }, measureAfterMs = 0 }: Row, admitted: readonly Admitted[]): number {
  const counted = admitted.filter(({ atMs }) => atMs >= START_MS + measureAfterMs)
  const first = counted[0]?.atMs ?? 0
  const last = counted.at(-1)?.atMs ?? 0
  if (last - first < MIN_SPAN_MS) return Number.NaN
  const tokens = counted.reduce((sum, { job }) => sum + job.inputTokens + job.outputTokens, 0)
  const workMs = 60_000 * Math.max(counted.length / rpm, tokens / tpm)
  const changesAtMs = START_MS + change.afterMs
  const beforeMs = Math.max(0, Math.min(last, changesAtMs) - first)
  return workMs / (beforeMs + OUR_SHARE[change.kind] * (last - first - beforeMs))
}

/**
 * The largest share that a client can reach in the long run if it must be certain of no 429.
 *
 * For a window W of unknown phase it is W ÷ (W + J). If the server reserves `max_tokens`, each request also takes the
 * unused part of its reservation while it runs. For a bucket see {@link bucketCeiling}.
 */
export function ceilingOf(row: Pick<Row, 'server' | 'knowsPhase'>, jobs: readonly Job[]): number {
  const { second, networkJitterMs, charging, minute } = row.server
  const windowMs = second === 'none' ? 60_000 : 1000
  const byPhase = row.knowsPhase ? 1 : windowMs / (windowMs + networkJitterMs)
  if (charging !== 'reserved') return byPhase
  if ((second === 'none' ? minute : second) === 'bucket') return bucketCeiling(row.server, windowMs, jobs)
  let used = 0
  let taken = 0
  for (const job of jobs) {
    const tokens = job.inputTokens + job.outputTokens
    used += tokens
    taken += tokens + (job.maxTokens - job.outputTokens) * Math.min(1, durationMs(job) / windowMs)
  }
  return (byPhase * used) / taken
}

/**
 * The largest share for a bucket that reserves `max_tokens` and refunds the unused part when the answer ends.
 *
 * Between two times at which the bucket is full, its inflow equals charges minus refunds plus overflow. At best every
 * refund fits, so a request takes only the tokens that it uses. J costs depth of the bucket, not rate.
 *
 * The exception is a request whose reservation is above the depth: the bucket admits it alone, when it is full. A
 * client that must be certain assumes that all earlier requests were counted J late, and this one at once. On average
 * it then sends J after the bucket is full, and the inflow of J overflows.
 *
 * This is an upper bound. A refund into a nearly full bucket overflows, and a client that does not know when answers
 * end cannot avoid that.
 */
function bucketCeiling({ rpm, tpm, networkJitterMs }: Row['server'], windowMs: number, jobs: readonly Job[]): number {
  const depth = (tpm * windowMs) / 60_000
  const large = jobs.filter(({ inputTokens, maxTokens }) => inputTokens + maxTokens > depth)
  const used = jobs.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  const tokensMs = (60_000 * used) / tpm
  const workMs = Math.max(tokensMs, (60_000 * jobs.length) / rpm)
  return workMs / Math.max(workMs, tokensMs + large.length * networkJitterMs)
}

/** The goals that a result misses, in words. */
function missedOf(
  goal: Goal,
  { jobs, done, refusalsAfterLearning, episodesToFind, share, ceiling }: Measured,
): string[] {
  const missed: string[] = []
  if (done < jobs) missed.push(`done < 100 %`)
  const allowed = goal.refusedShare
  if (allowed !== undefined && refusalsAfterLearning > allowed * jobs) {
    missed.push(`429s > ${allowed === 0 ? '0' : `${100 * allowed} %`}${goal.episodesToLearn ? ' once learned' : ''}`)
  }
  if (goal.episodes !== undefined && episodesToFind > goal.episodes) missed.push(`episodes > ${goal.episodes}`)
  const least = leastShare(goal, ceiling)
  if (least !== undefined && !(share >= least)) missed.push(`share < ${(100 * least).toFixed(1)} %`)
  return missed
}

type Measured = Pick<Outcome, 'jobs' | 'done' | 'refusalsAfterLearning' | 'episodesToFind' | 'share' | 'ceiling'>

function leastShare({ share, ofCeiling, belowCeiling }: Goal, ceiling: number): number | undefined {
  if (ofCeiling !== undefined) return ofCeiling * ceiling
  return belowCeiling === undefined ? share : ceiling - belowCeiling
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
