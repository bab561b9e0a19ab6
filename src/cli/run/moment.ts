import { InvalidArgumentError } from 'commander'

/** Returns the next time that matches an option, after the given date. */
export type Moment = (after: Date) => Date

const OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
const DATED = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/

/**
 * Reads an option's value as a moment: `22:30` is the next time that the clock here shows that, `2026-09-19T22:30` a time here,
 * `2026-09-19T22:30Z` one in UTC.
 */
export function moment(text: string): Moment {
  const ofDay = OF_DAY.exec(text)
  if (ofDay !== null) {
    const [hour, minute, second] = ofDay.slice(1).map((part) => Number(part ?? 0))
    return (after) => {
      const at = new Date(after)
      at.setHours(hour!, minute, second, 0)
      if (at <= after) at.setDate(at.getDate() + 1)
      return at
    }
  }
  const at = DATED.test(text) ? new Date(text.replace(' ', 'T')) : new Date(Number.NaN)
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('It must be a time, such as 22:30 or 2026-09-19T22:30.')
  return () => at
}

/**
 * Maximum delay of one timer, in ms. Chosen. After a machine's sleep, the wall clock is checked again within this time.
 * A larger value is late after a sleep. A smaller value wakes the process more often.
 */
const MAX_TIMER_MS = 60_000

/** Calls `then` at that time by the wall clock. Returns a function that cancels it. */
export function callAt(at: Date, then: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const leftMs = at.getTime() - Date.now()
    if (leftMs <= 0) then()
    else timer = setTimeout(wait, Math.min(leftMs, MAX_TIMER_MS))
  }
  wait()
  return () => clearTimeout(timer)
}

/** Resolves at that time by the wall clock, or never once `forgotten` has resolved. */
export function waitUntil(at: Date, forgotten: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const forget = callAt(at, resolve)
    void forgotten.then(forget)
  })
}
