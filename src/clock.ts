/** What a timer is called by; whatever `setTimeout` of the clock returned. */
export type TimerHandle = unknown

/**
 * Where time comes from. Everything that waits or reads the time goes through one of these, so that a test can put a
 * virtual one in its place.
 */
export interface Clock {
  /** Monotonic milliseconds, with fractions. The zero point is the clock's own; only differences mean something. */
  now(): number
  /** Calls `callback` once, no sooner than asked for give or take a millisecond. A timer is a wake-up, never permission. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  clearTimeout(handle: TimerHandle): void
}

/** The longest delay that timers take: a larger one would fire at once. Callers re-arm. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** Lets the process end before a timer fires, where the runtime's timers keep it alive. */
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
 * `clock` with a time that never runs backward: where it jumps back (a clock of the caller's own may), time goes on from
 * where it was, so that nothing waits for the jump to be made up for. What is not a number counts as no time passed.
 */
export function monotonicClock(clock: Clock): Clock {
  // Meters begin at 0: a clock that begins below goes on from there.
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
