import { toUs } from './microseconds.js'

/**
 * When the service counts a request, by its own clock. The service counts a request that was sent at t (the limiter's clock)
 * between t + fromMs and t + toMs.
 */
export interface ClockPhase {
  readonly fromMs: number
  readonly toMs: number
  /** The phase holds for requests sent before this time, in the limiter's clock's ms. Later the clocks may have drifted apart. */
  readonly untilMs: number
}

/**
 * The same in whole microseconds. The service's fixed windows begin at whole seconds and minutes of its clock. So the phase
 * tells which window counts a request: one of them, or, near the end of a window, either of two.
 */
export interface PhaseUs {
  /** The service counts a request sent at t (our clock, µs) at t + fromUs (its clock) at the earliest. */
  readonly fromUs: number
  /** At t + toUs at the latest. */
  readonly toUs: number
  /** The phase holds for requests sent before this time of our clock. */
  readonly untilUs: number
}

/** A phase in whole microseconds, never narrower than it was. */
export function phaseInUs(phase: ClockPhase | undefined): PhaseUs | undefined {
  if (phase === undefined) return undefined
  const { fromMs, toMs, untilMs } = phase
  return { fromUs: Math.floor(fromMs * 1000), toUs: Math.ceil(toMs * 1000), untilUs: toUs(untilMs) }
}
