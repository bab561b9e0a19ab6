import FakeTimers from '@sinonjs/fake-timers'
import { START_MS, type Timeline } from './clock.js'

/**
 * The timeline of a client that reads the process's own clocks.
 *
 * `Date`, `performance`, the timers and `Math.random` are replaced until {@link Timeline.end}. Times are whole
 * milliseconds, as those of Node's timers.
 */
export function globalTimeline(random: () => number): Timeline {
  const clock = FakeTimers.install({
    now: START_MS,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  const { setTimeout } = globalThis
  // Node's timers wait at least 1 ms; the fake ones do not. Without this, a client that waits a fraction of a
  // millisecond waits forever.
  const atLeastOne = (callback: () => void, delayMs?: number) => setTimeout(callback, Math.max(1, delayMs ?? 1))
  globalThis.setTimeout = atLeastOne as typeof setTimeout
  const { random: machineRandom } = Math
  Math.random = random
  return {
    now: () => clock.now,
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, Math.ceil(delayMs)),
    clearTimeout: (handle) => clock.clearTimeout(handle as never),
    step() {
      if (clock.countTimers() === 0) return false
      clock.next()
      return true
    },
    end() {
      Math.random = machineRandom
      clock.uninstall()
    },
  }
}
