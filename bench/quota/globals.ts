import FakeTimers from '@sinonjs/fake-timers'
import { START_MS, type Timeline } from './clock.js'

/**
 * The timeline of a client that reads the process's own clocks: `Date`, `performance`, the timers and `Math.random` are
 * replaced until {@link Timeline.end}. Its times are whole milliseconds, as are those of Node's timers.
 */
export function globalTimeline(random: () => number): Timeline {
  const clock = FakeTimers.install({
    now: START_MS,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  const { setTimeout } = globalThis
  // As Node has it, and the fake ones have not: at least a millisecond, or who waits a fraction of one waits for ever.
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
