import type { Cost } from '../types.js'

/**
 * The most jobs behind the head that one search examines. Each examined job costs up to two queries of the gate, so the
 * search must not grow with the queue.
 *
 * Measured on a prototype (600 RPM and 100,000 TPM, limits per second): best fit among 64 used 99 % of the quota,
 * strict order 81 %. Other numbers were not measured. Larger: each search takes longer. Smaller: fewer jobs fit, and
 * quota is lost.
 */
export const MAX_CANDIDATES = 64

/**
 * The longest delay of the head that one job may cause, as a multiple of the job's own work (no unit). A job's work is
 * the time that its cost takes at full quota; see {@link Room.workMs}.
 *
 * Derived: a request occupies W + J of a window of W. So a job that leaves no gap delays the head by slightly more than
 * its work. Larger: the extra delay is time in which neither job starts. Smaller: jobs that leave no gap are rejected
 * too. Measured in the quota bench with limits per second: 1.15 gains about one point of the quota over no such bound,
 * for J from 0 to 100 ms. At J = 200 ms it costs up to one point.
 */
const MAX_DELAY_FOR_WORK = 1.15

/** The questions that backfill asks a gate. Times are the clock's ms. */
export interface Room {
  /**
   * When `cost` may start if nothing else starts before it. Infinity if a change must come first, or if it can never
   * start.
   */
  earliest(cost: Cost): number
  /** When the head may start if `cost` starts now. Infinity as for {@link earliest}. */
  headAfter(cost: Cost): number
  /** How long `cost` takes at full quota, in ms: its share of the scarcest limit per minute, times a minute. */
  workMs(cost: Cost): number
  /**
   * Whether a job larger than the head may fit although the head does not. True while the head waits for answers in
   * flight to end. A job above the limit per second starts alone and does not wait for them. @default false
   */
  readonly mayTakeLarger?: boolean
}

/**
 * The times between which the head may start, in the clock's ms: `at` if no job overtakes it, `by` at the latest. `by`
 * is Infinity if the delay has no bound.
 */
export interface HeadTimes {
  readonly at: number
  readonly by: number
}

/** The result of {@link backfill}. */
export interface Backfilled<J> {
  /** The job that starts now, before the head; undefined if there is none. */
  readonly start: J | undefined
  /** When another candidate may start before the head, in the clock's ms; Infinity if none may. */
  readonly wakeAt: number
}

/**
 * Chooses the job that starts while the head of a queue has to wait. It is the largest job behind the head, in tokens,
 * that has room at `now` and that {@link mayWaitFor} allows. Of equal ones the first starts. Unused quota of a second
 * is lost, so the largest job that fits loses the least (best fit).
 *
 * All jobs that overtake one head share one bound: each is checked against the same time `times.by`. So no head
 * starves.
 */
export function backfill<J extends { readonly cost: Cost }>(
  head: Cost,
  behind: Iterable<J>,
  room: Room,
  now: number,
  times: HeadTimes,
): Backfilled<J> {
  let start: J | undefined
  let most = -1
  let wakeAt = Infinity
  for (const candidate of behind) {
    const { cost } = candidate
    // A job that is no smaller than the head does not fit where the head does not. A job that is no larger than the
    // best one so far cannot win, so the gate need not be asked.
    if (room.mayTakeLarger !== true && isAtLeast(cost, head)) continue
    const tokens = cost.inputTokens + cost.outputTokens
    if (start !== undefined && tokens <= most) continue
    const at = room.earliest(cost)
    if (at > now) {
      if (at < wakeAt) wakeAt = at
      continue
    }
    if (!mayWaitFor(cost, room, times)) continue
    start = candidate
    most = tokens
  }
  return { start, wakeAt }
}

/**
 * Whether `cost` may start now, before the head. It may if the head can still start by its latest time, and if the
 * delay is at most {@link MAX_DELAY_FOR_WORK} times the work of `cost`. Without a latest time (`by` is Infinity) every
 * job may.
 */
export function mayWaitFor(cost: Cost, room: Room, { at, by }: HeadTimes): boolean {
  const after = room.headAfter(cost)
  if (after <= at || by === Infinity) return true
  return after <= by && after - at <= MAX_DELAY_FOR_WORK * room.workMs(cost)
}

/** Whether `a` is at least as large as `b` in every quantity. If `b` does not fit, neither does `a`. */
export function isAtLeast(a: Cost, b: Cost): boolean {
  return (
    a.requests >= b.requests &&
    a.inputTokens >= b.inputTokens &&
    a.outputTokens >= b.outputTokens &&
    a.thinkingTokens >= b.thinkingTokens
  )
}
