import { NO_COST } from '../quota/reservation.js'
import { profiles } from '../throttling/profiles.js'
import { Attempt } from './attempt.js'
import type { ModelState } from '../models/model-state.js'
import { Job } from './job.js'

const ignore = (): void => {}
const GROUP = { model: '', recorderOf: (): undefined => undefined } as unknown as ModelState

/**
 * A job and an attempt that nobody runs. So long as there is one of each, the engine keeps what it has learned and compiled
 * for them. Else it all goes at the first garbage collection in a pause, and every job after it takes half as long again.
 */
export const keptAttempt: Attempt = new Attempt(
  new Job({ model: '' }, ignore, [GROUP], profiles['model-studio'], NO_COST, 0),
  { cost: NO_COST, at: 0, seq: 0, settled: true, raised: undefined },
  undefined,
  {
    settled: ignore,
    grew: ignore,
    refusedLate: ignore,
    settledTwice: ignore,
    arrived: ignore,
    overflowed: ignore,
    onMetadata: ignore,
  },
)
