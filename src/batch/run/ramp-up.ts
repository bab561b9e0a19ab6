import type { Limiter } from '../../limiter.js'
import type { Limits } from '../../types.js'

/** A slow start: for the first `ms` of a run, each model gets `share` of its request limits. */
export interface RampSettings {
  /** Share of the request limits, between 0 and 1. */
  readonly share: number
  /** Length of the slow start, in ms. */
  readonly ms: number
}

/**
 * Lowered RPM below which a model starts without a slow start. Chosen: one request a second is no surge.
 * A larger value exposes more models to surge refusals. A smaller value slows models that a surge detector ignores.
 */
const NO_SURGE_RPM = 60

/**
 * Share of the request limits during the slow start. Model Studio refuses a rate that rises too quickly, but does not
 * document how it measures that. Derived for a detector that compares 5 s with the minute before.
 * A larger share risks surge refusals. A smaller share makes the run longer. See docs/decisions/014.
 */
export const SURGE_SAFE_SHARE = 0.45
/**
 * Length of the slow start, in ms. Derived for the same detector: after this time it accepts the full rate.
 * A shorter start risks a surge refusal at its end. A longer start makes the run longer.
 */
export const SURGE_SAFE_MS = 45_000

/** Returns the lowered limits of a slow start, or undefined where the model needs none. */
export function rampedLimits({ rpm, rps }: Limits, { share }: RampSettings): Pick<Limits, 'rpm' | 'rps'> | undefined {
  if (rpm === undefined || rpm === Infinity || rpm * share < NO_SURGE_RPM) return undefined
  return { rpm: Math.floor(rpm * share), ...(rps !== undefined && { rps: rps * share }) }
}

/** A handle on the slow start of one model. */
export interface RampUp {
  /** Whether the full limits are effective again. */
  readonly isOver: boolean
  /** Cancels the timer. The current limits stay in effect. */
  stop(): void
}

/** Lowers the limits of an idle model for `ramp.ms`, then restores them. */
export function rampUp(limiter: Limiter, model: string, ramp: RampSettings): RampUp {
  const { rpm, rps } = limiter.limitsOf(model)
  const whole = { ...(rpm !== undefined && { rpm }), ...(rps !== undefined && { rps }) }
  const lowered = rampedLimits(whole, ramp)
  if (lowered === undefined) return { isOver: true, stop: () => {} }
  limiter.setLimits(model, lowered)
  let isOver = false
  const timer = setTimeout(() => {
    isOver = true
    limiter.setLimits(model, whole)
  }, ramp.ms)
  return {
    get isOver() {
      return isOver
    },
    stop: () => clearTimeout(timer),
  }
}

/**
 * Returns the duration of a run with a slow start, in minutes. `minutes` is the duration at the full limits, `slowMinutes`
 * the duration at the lowered limits.
 */
export function rampedMinutes(minutes: number, slowMinutes: number, ramp: RampSettings): number {
  const slow = ramp.ms / 60_000
  return slow >= slowMinutes ? slowMinutes : slow + minutes * (1 - slow / slowMinutes)
}
