import type { Clock } from '../clock.js'
import { QuotaExhausted } from '../errors.js'
import type { Reservation } from '../meter/gate.js'
import type { Verdict } from '../route/classify.js'
import { readResetTime } from '../route/fault.js'
import { learnFromRefusal, restore } from './found-limits.js'
import type { Group } from './group.js'
import type { Job } from './job.js'
import { mostOutput } from './request.js'

const MINUTE_MS = 60_000
/** How long a quota that is used up is left alone where the server does not say until when. */
const PROBE_AFTER_MS = 600_000
/** Quotas come back within a month or so. */
const LONGEST_QUOTA_MS = 35 * 24 * 3_600_000
/** No longer than this is a model given up on by a `Retry-After`. */
const LONGEST_CLOSED_MS = 24 * 3_600_000

export type Refusal = Extract<Verdict, { kind: 'throttled' | 'exhausted' }>

/**
 * Draws the consequence of a refusal of a request that was sent with this reservation for its group: holds it until
 * its window can have room, or closes it if its quota is used up. True if it is closed.
 */
export function heed(
  { group, tenant, request }: Job,
  reservation: Reservation,
  refusal: Refusal,
  clock: Clock,
): boolean {
  const { cost, at, seq } = reservation
  const { events } = group.workspace
  const now = clock.now()
  const told = { model: group.model, class: refusal.class, code: refusal.code, message: refusal.message }
  group.recorderOf(tenant).throttled(refusal.class, now)
  group.refused(at)
  const closeFor = (closedMs: number, resetAt: Date | undefined): true => {
    group.exhausted = { until: now + closedMs, error: exhaustedError(group.model, refusal.message, resetAt) }
    events.emit('throttled', { ...told, holdMs: closedMs })
    return true
  }
  if (refusal.kind === 'exhausted') {
    const wallMs = Date.now()
    const resetAt = readResetTime(refusal.resetText, wallMs)
    const leftMs = resetAt === undefined ? Infinity : resetAt.getTime() - wallMs
    // A year that was misread, or never meant: no time at all is more honest.
    return leftMs < LONGEST_QUOTA_MS ? closeFor(Math.max(leftMs, 1000), resetAt) : closeFor(PROBE_AFTER_MS, undefined)
  }
  const { retryAfterMs } = refusal
  const { holdUntil, empties, exhausted } = group.episodes.refused({
    class: refusal.class,
    retryAfterMs,
    sentAt: at,
    seq,
    now,
    isAccounted: refusal.class === 'tokens' && group.gate.accountsFor(reservation, now),
    minuteFreesAt: group.gate.minuteFreesAt(now),
  })
  if (exhausted) {
    // So no limit a minute was to blame.
    if (group.limits !== group.holding.limits) restore(group, now)
    const closedMs = Math.min(Math.max(retryAfterMs ?? 0, PROBE_AFTER_MS), LONGEST_CLOSED_MS)
    return closeFor(closedMs, closedMs === retryAfterMs ? new Date(Date.now() + closedMs) : undefined)
  }
  const until = holdUntil === undefined ? now : slowDown(group, refusal, holdUntil, now)
  if (holdUntil !== undefined) {
    group.gate.hold(until, empties, now)
    // A longer wait than a minute is not for a limit a minute.
    const isOfMinute = empties !== 'none' && (retryAfterMs ?? 0) <= MINUTE_MS
    // What was sent under other limits teaches nothing of those that hold now.
    if (isOfMinute && at >= group.limitsSince) learnFromRefusal(group, empties, cost, now)
  }
  if (refusal.class === 'tokens') group.refusedTokens(reservation, mostOutput(request), now)
  events.emit('throttled', { ...told, holdMs: until - now })
  return false
}

/** After a refusal of how fast it went, a group goes on at a pace. Says until when it is held. */
function slowDown({ gate, holding, ramp }: Group, refusal: Refusal, holdUntil: number, now: number): number {
  if (refusal.class !== 'surge' && refusal.class !== 'capacity') return holdUntil
  const { rpm = Infinity, rps = Infinity } = holding.limits
  const limitPerSecond = Math.min(rpm / 60, rps)
  const until = ramp.cut({ class: refusal.class, holdUntil, limitPerSecond, now })
  gate.pace(ramp.spacing(now), now)
  return refusal.retryAfterMs ? holdUntil : until
}

function exhaustedError(model: string, message: string, resetAt: Date | undefined): QuotaExhausted {
  const when = resetAt === undefined ? '' : ` It comes back at ${resetAt.toISOString()}.`
  return new QuotaExhausted(
    `The quota of '${model}' is used up, and waiting a minute does not help.${when} The server: ${message}`,
    { resetAt },
  )
}
