import type { Limiter } from '../../limiter.js'
import type { Limits } from '../../types.js'

/** At the beginning of a run, a model has this part of its requests, for so long. */
export interface RampSettings {
  readonly share: number
  readonly ms: number
}

/** Surges are refused by what comes in a few seconds: what so many are a minute is none. */
const NO_SURGE_RPM = 60

/**
 * Model Studio refuses requests whose rate rises too quickly, and for longer than a slow start costs. How it measures that is
 * not documented; with this, a run stays below what a detector that compares 5 s with the minute before would refuse.
 */
export const SURGE_SAFE_SHARE = 0.45
/** After so long, such a detector takes the whole rate. */
export const SURGE_SAFE_MS = 45_000

/** What limits are lowered to while a model begins slowly; undefined where they are no surge. */
export function rampedLimits({ rpm, rps }: Limits, { share }: RampSettings): Pick<Limits, 'rpm' | 'rps'> | undefined {
  if (rpm === undefined || rpm === Infinity || rpm * share < NO_SURGE_RPM) return undefined
  return { rpm: Math.floor(rpm * share), ...(rps !== undefined && { rps: rps * share }) }
}

/** A slow start that goes on, or is over. */
export interface RampUp {
  /** Whether the limits are what they were. */
  readonly isOver: boolean
  /** Leaves the limits as they are. */
  stop(): void
}

/** Lets a model that was idle begin slowly; its limits are what they were after that. */
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

/** How long what takes `minutes` takes if it begins at the pace of what takes `slowMinutes`, for `ramp.ms`. */
export function rampedMinutes(minutes: number, slowMinutes: number, ramp: RampSettings): number {
  const slow = ramp.ms / 60_000
  return slow >= slowMinutes ? slowMinutes : slow + minutes * (1 - slow / slowMinutes)
}
