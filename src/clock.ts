/** The handle of a timer, as the clock's `setTimeout` returned it. */
export type TimerHandle = unknown

/**
 * The source of time. The limiter reads the time and sets its timers through this interface alone, so a test can
 * replace both.
 */
export interface Clock {
  /** The time in monotonic milliseconds, with fractions. Only differences matter: the zero point is arbitrary. */
  now(): number
  /**
   * Calls `callback` once after `delayMs`. The timer may fire up to a millisecond early, and any time late. Callers
   * therefore check the time when it fires.
   */
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  clearTimeout(handle: TimerHandle): void
}

/**
 * The longest delay of a timer, in ms. Documented: browsers and Node keep the delay in a signed 32-bit integer, and a
 * longer one fires at once. A caller with a longer delay sets the timer again.
 */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** Lets the process exit before the timer fires, in runtimes whose timers keep it alive. */
export function unref(handle: TimerHandle): void {
  ;(handle as { unref?: () => void } | undefined)?.unref?.()
}

/** The machine's monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS)),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
}

/**
 * A clock like `clock` whose time never runs backward. If `clock` jumps back, the time continues from the last value,
 * so no wait grows by the jump. A value that is not a number counts as no time passed.
 */
export function monotonicClock(clock: Clock): Clock {
  // Meters begin at 0. A clock with a lower time is moved up to it.
  let last = 0
  let ahead = 0
  return {
    now() {
      const now = clock.now() + ahead
      if (now >= last) last = now
      else if (now < last) ahead += last - now
      return last
    },
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle),
  }
}
