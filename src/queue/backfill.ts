import type { Cost } from '../types.js'

/** As many of those behind the head are looked at: what a pump costs must not grow with the queue. */
export const MAX_CANDIDATES = 64

/**
 * What overtakes may put the head off by so many times what its own work takes at full quota. A request takes W + J of a window
 * of W, so what fits gaplessly is somewhat above 1. More than that is time in which neither starts: measured, it is worth a point
 * of the quota where seconds are enforced, from no J to one of 100 ms; at 200 ms it costs up to one.
 */
const MAX_DELAY_FOR_WORK = 1.15

/** What packing asks of a gate. Times are the clock's ms. */
export interface Room {
  /** When `cost` may start if nothing else does before; Infinity if more than time decides, or never. */
  earliest(cost: Cost): number
  /** When the head may start if `cost` starts now. */
  headAfter(cost: Cost): number
  /** How long `cost` takes at full quota, in ms: its share of the scarcest limit's minute. */
  workMs(cost: Cost): number
  /** Whether something larger than the head may fit where that does not: it goes alone, and what the head waits for does not concern it. */
  readonly mayTakeLarger?: boolean
}

/** When the head may start, in the clock's ms: `at` if nothing goes before it, and by when at the latest if something does. */
export interface HeadTimes {
  readonly at: number
  readonly by: number
}

export interface Backfilled<J> {
  /** Who starts now, before the head; undefined: nobody. */
  readonly start: J | undefined
  /** When one of them may be able to, before the head is; Infinity if none. */
  readonly wakeAt: number
}

/**
 * Whom to start while the head of a queue has to wait: of those behind it that may start at `now` and that the head
 * {@link mayWaitFor}, the largest, in tokens; the first of equal ones. What is left over of a second is lost, so the largest
 * that fits loses least (best fit).
 *
 * That bound is one for all that overtake one head: each is measured against the same time. So nobody starves.
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
    // Where the head does not fit nothing larger does; and of smaller ones than the best the gate need not be asked.
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
 * Whether `cost` may start now, before the head: that leaves it able to start by its time, and does not put it off by more than
 * the work is worth. With no bound on its time the head may starve anyway, and whatever fits goes first.
 */
export function mayWaitFor(cost: Cost, room: Room, { at, by }: HeadTimes): boolean {
  const after = room.headAfter(cost)
  if (after <= at || by === Infinity) return true
  return after <= by && after - at <= MAX_DELAY_FOR_WORK * room.workMs(cost)
}

/** Whether `a` is no smaller than `b` in anything: where `b` does not fit, `a` does not. */
export function isAtLeast(a: Cost, b: Cost): boolean {
  return (
    a.requests >= b.requests &&
    a.inputTokens >= b.inputTokens &&
    a.outputTokens >= b.outputTokens &&
    a.thinkingTokens >= b.thinkingTokens
  )
}
