import { OUR_SHARE } from './change.js'
import { START_MS } from './clock.js'
import type { OutputForesight } from './output-foresight.js'
import type { Goal, Row } from './row.js'
import type { Admitted, Refused, Server } from './server.js'
import { durationMs, type Job } from './workloads.js'

/** Who is served in one burst and never again has no rate. */
const MIN_SPAN_MS = 1000

/** What a client made of a row. Shares are fractions. */
export interface Outcome {
  readonly row: string
  readonly client: string
  readonly seed: number
  readonly jobs: number
  readonly done: number
  /** What the client gave jobs up with, by the error's name or the 429's code. */
  readonly givenUp: Readonly<Record<string, number>>
  /** How many 429s the server sent. */
  readonly refusals: number
  /** How often the client ran into the limits: what was sent before it heard of a refusal is of the same episode. */
  readonly episodes: number
  /** Those from the first one to the first minute without any: after that, limits are found, and others are tries for more. */
  readonly episodesToFind: number
  /** The 429s beyond the episodes that the goal allows for learning. */
  readonly refusalsAfterLearning: number
  /** Work admitted ÷ (fluid rate × time from the first to the last admission). NaN where all was within a second. */
  readonly share: number
  readonly ceiling: number
  /** Undefined where the output was known, and of clients that foresee none. */
  readonly foresight: OutputForesight | undefined
  readonly waitP50Ms: number
  readonly waitP95Ms: number
  /** The goals that were missed, in words. Empty: all met. */
  readonly missed: readonly string[]
}

export interface Ran {
  readonly client: string
  readonly seed: number
  readonly jobs: readonly Job[]
  readonly done: number
  readonly givenUp: Readonly<Record<string, number>>
  readonly server: Server
  /** When each job came, by its id. */
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

/** Refusals by episode. A new one begins with a request that was sent after the last one's first answer had come. */
function episodesOf(refused: readonly Refused[]): Episode[] {
  const episodes: Episode[] = []
  let heardAtMs = -Infinity
  for (const { sentAtMs, answeredAtMs } of refused) {
    if (sentAtMs > heardAtMs) {
      episodes.push({ refusals: 0, beganAtMs: answeredAtMs })
      heardAtMs = answeredAtMs
    }
    episodes.at(-1)!.refusals++
  }
  return episodes
}

interface Episode {
  refusals: number
  /** When its first answer came. */
  readonly beganAtMs: number
}

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
 * What no client can exceed in the long run that is to be sure of no 429: W ÷ (W + J) of a window W whose phase is not known.
 * Where the server reserves `max_tokens`, a request takes in each of its windows, beside what it uses, the rest of its
 * reservation for as long as it runs; in a bucket see {@link bucketCeiling}.
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
 * The ceiling of a bucket that reserves `max_tokens` and gives the rest back when the answer ends. Between two times at which
 * it is full, what flowed in is what was charged less what came back, and what flowed over. At best all comes back while there
 * is room for it, so that a request takes what it uses. What a J costs is depth, not rate, but for a request whose reservation
 * is above the depth: it passes a full bucket alone. To be sure of that its client waits until the bucket would be full had
 * all before it been counted J late, and it not at all; on average that is J after it was, and as much flows over.
 *
 * It is an upper bound: when the rest comes back a bucket that is nearly full cannot take it all, and who does not know when
 * answers end cannot avoid that.
 */
function bucketCeiling({ rpm, tpm, networkJitterMs }: Row['server'], windowMs: number, jobs: readonly Job[]): number {
  const depth = (tpm * windowMs) / 60_000
  const large = jobs.filter(({ inputTokens, maxTokens }) => inputTokens + maxTokens > depth)
  const used = jobs.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  const tokensMs = (60_000 * used) / tpm
  const workMs = Math.max(tokensMs, (60_000 * jobs.length) / rpm)
  return workMs / Math.max(workMs, tokensMs + large.length * networkJitterMs)
}

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
