import { type RampSettings, SURGE_SAFE_MS, SURGE_SAFE_SHARE } from '../../batch/run/ramp-up.js'

/** What `--ramp-up` is without being given, where the service is Model Studio. */
export const RAMP_SECONDS = SURGE_SAFE_MS / 1000

/** The slow start that `--ramp-up` asks for; none for 0. */
export function rampFor(seconds: number): RampSettings | undefined {
  return seconds === 0 ? undefined : { share: SURGE_SAFE_SHARE, ms: seconds * 1000 }
}
