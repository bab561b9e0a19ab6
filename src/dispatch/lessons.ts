import type { Clock } from '../clock.js'
import { QuotaExhausted } from '../errors.js'
import type { Events } from '../metrics/events.js'
import type { Verdict } from '../route/classify.js'
import { readResetTime } from '../route/fault.js'
import type { Group } from './group.js'

/** How long a quota that is used up is left alone where the server does not say until when. */
const PROBE_AFTER_MS = 600_000
/** Quotas come back within a month or so. */
const LONGEST_QUOTA_MS = 35 * 24 * 3_600_000
/** No longer than this is a model given up on by a `Retry-After`. */
const LONGEST_CLOSED_MS = 24 * 3_600_000

export type Refusal = Extract<Verdict, { kind: 'throttled' | 'exhausted' }>

/**
 * Draws the consequence of a refusal of a request that was sent at `sentAt` (the clock's ms) for its group: holds it until
 * its window can have room, or closes it if its quota is used up. True if it is closed.
 */
export function heed(group: Group, sentAt: number, refusal: Refusal, clock: Clock, events: Events): boolean {
  const now = clock.now()
  const event = { model: group.model, class: refusal.class, code: refusal.code, message: refusal.message }
  group.activity.throttled(refusal.class, now)
  if (refusal.kind === 'exhausted') {
    const told = readResetTime(refusal.resetText, Date.now())
    // A year that was misread, or never meant: no time at all is more honest.
    const resetAt = told && told.getTime() - Date.now() < LONGEST_QUOTA_MS ? told : undefined
    const closedMs = resetAt === undefined ? PROBE_AFTER_MS : Math.max(resetAt.getTime() - Date.now(), 1000)
    close(group, refusal.message, now + closedMs, resetAt)
    events.emit('throttled', { ...event, holdMs: closedMs })
    return true
  }
  const { holdUntil, empties, exhausted } = group.episodes.refused({
    class: refusal.class,
    retryAfterMs: refusal.retryAfterMs,
    sentAt,
    now,
    minuteFreesAt: group.gate.minuteFreesAt(now),
  })
  if (exhausted) {
    const closedMs = Math.min(Math.max(refusal.retryAfterMs ?? 0, PROBE_AFTER_MS), LONGEST_CLOSED_MS)
    const resetAt = closedMs === refusal.retryAfterMs ? new Date(Date.now() + closedMs) : undefined
    close(group, refusal.message, now + closedMs, resetAt)
    events.emit('throttled', { ...event, holdMs: closedMs })
  } else {
    if (holdUntil !== undefined) group.gate.hold(holdUntil, empties, now)
    events.emit('throttled', { ...event, holdMs: (holdUntil ?? now) - now })
  }
  return exhausted
}

function close(group: Group, message: string, until: number, resetAt: Date | undefined): void {
  const when = resetAt === undefined ? '' : ` It comes back at ${resetAt.toISOString()}.`
  group.exhausted = {
    until,
    error: new QuotaExhausted(
      `The quota of '${group.model}' is used up, and waiting a minute does not help.${when} The server: ${message}`,
      { resetAt },
    ),
  }
}
