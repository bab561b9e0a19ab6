import { type Clock, unref } from '../../clock.js'
import type { LimitsHost } from '../../types.js'

/** Reports a condition that the user should know of. */
export type Warn = (message: string, cause?: unknown) => void

/** Returns the host of a source of limits: a clock, and the way to warn. */
export function limitsHost(clock: Clock, warn: Warn): LimitsHost {
  return {
    now: () => clock.now(),
    wakeIn(delayMs, callback) {
      const timer = clock.setTimeout(callback, delayMs)
      unref(timer)
      return () => clock.clearTimeout(timer)
    },
    warn,
  }
}
