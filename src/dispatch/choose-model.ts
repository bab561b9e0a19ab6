import { DeadlineImpossible } from '../errors.js'
import type { FallbackReason } from '../metrics/events.js'
import type { ModelState } from '../models/model-state.js'
import { modelAfterWait } from '../throttling/fallback.js'
import type { Cost } from '../types.js'
import { candidates, type ModelCandidate } from './candidates.js'
import type { Job } from './job.js'
import type { OutputExpectation } from './settlement.js'

export interface ChoiceOptions {
  readonly output: OutputExpectation
  readonly fallbackAfterWaitMs: number | undefined
  /** When a job of this cost could start at a model, after what waits there, in the clock's ms; Infinity: not known. */
  readonly predict: (modelState: ModelState, cost: Cost) => number
}

/** Where a new request goes. */
export interface ModelChoice {
  readonly modelState: ModelState
  /** Why not to the model that was asked for, if it is another one. */
  readonly reason: FallbackReason
  /** In the clock's ms; Infinity: not known. */
  startsAt(): number
}

/**
 * The first model of the job's chain that can serve it, serve it by its deadline, and with `fallbackAfterWaitMs` soon.
 *
 * @throws why the model asked for cannot serve it, where none can; DeadlineImpossible where none can in time
 */
export function chooseModel(job: Job, now: number, options: ChoiceOptions): ModelChoice {
  const { output, fallbackAfterWaitMs, predict } = options
  const asked = job.modelState
  const open = candidates(job, output, now, predict).filter(({ closed }) => !closed)
  if (open.length === 0) throw asked.closedError(job.cost, now)
  const inTime = job.startBy === Infinity ? open : open.filter((candidate) => !isLate(candidate, job))
  if (inTime.length === 0) throw impossible(open, now, job)
  const chosen = (fallbackAfterWaitMs === undefined ? inTime[0] : modelAfterWait(inTime, now, fallbackAfterWaitMs))!
  const isAskedInTime = inTime.some(({ modelState }) => modelState === asked)
  return {
    modelState: chosen.modelState,
    reason: asked.whyClosed(job.cost, now) ?? (isAskedInTime ? 'wait' : 'deadline'),
    startsAt: () => chosen.startsAt(),
  }
}

/** What is not known is not late: it may still come in time. */
function isLate(candidate: ModelCandidate, { startBy }: Job): boolean {
  const at = candidate.startsAt()
  return at > startBy && at < Infinity
}

function impossible(open: readonly ModelCandidate[], now: number, { request }: Job): DeadlineImpossible {
  const predictedWaitMs = Math.min(...open.map((candidate) => candidate.startsAt())) - now
  return new DeadlineImpossible(
    `The request could start in ${Math.ceil(predictedWaitMs)} ms, but its deadline is in ${request.deadlineMs} ms: give it ` +
      'more time, a higher priority or a backup',
    { predictedWaitMs },
  )
}
