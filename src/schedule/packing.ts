import type { Cost } from '../types.js'

/** As many of those behind the head are looked at: what a pump costs must not grow with the queue. */
export const MOST_CANDIDATES = 64

/** What packing asks of a gate. Times are the clock's ms. */
export interface Room {
  /** When `cost` may start if nothing else does before; Infinity if more than time decides, or never. */
  earliest(cost: Cost): number
  /** When the head may start if `cost` starts now. */
  headAfter(cost: Cost): number
}

export interface Packed<J> {
  /** Who starts now, before the head; undefined: nobody. */
  readonly start: J | undefined
  /** When one of them may be able to, before the head is; Infinity if none. */
  readonly wakeAt: number
}

/**
 * Whom to start while the head of a queue has to wait: of those behind it that may start at `now` and leave the head able to
 * start by `headBy`, the largest, in tokens; the first of equal ones. What is left over of a second is lost, so the largest
 * that fits loses least (best fit).
 *
 * That bound is one for all that overtake one head: each is measured against the same time. So nobody starves.
 */
export function pack<J extends { readonly cost: Cost }>(
  head: Cost,
  behind: Iterable<J>,
  room: Room,
  now: number,
  headBy: number,
): Packed<J> {
  let start: J | undefined
  let most = -1
  let wakeAt = Infinity
  for (const candidate of behind) {
    const { cost } = candidate
    // Where the head does not fit nothing larger does; and of smaller ones than the best the gate need not be asked.
    if (isAtLeast(cost, head)) continue
    const tokens = cost.inputTokens + cost.outputTokens
    if (start !== undefined && tokens <= most) continue
    const at = room.earliest(cost)
    if (at > now) {
      if (at < wakeAt) wakeAt = at
      continue
    }
    if (room.headAfter(cost) > headBy) continue
    start = candidate
    most = tokens
  }
  return { start, wakeAt }
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
