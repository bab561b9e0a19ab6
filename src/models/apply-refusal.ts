import type { Clock } from '../clock.js'
import { QuotaExhausted } from '../errors.js'
import type { Reservation } from '../quota/reservation.js'
import type { LimitRefusal } from '../throttling/classify.js'
import { readResetTime } from '../throttling/parse-error.js'
import { learnFromRefusal, restore } from './learned-limits.js'
import type { ModelState } from './model-state.js'
import type { Job } from '../dispatch/job.js'
import { mostOutput } from '../dispatch/schedule-request.js'

const MINUTE_MS = 60_000
/** How long a quota that is used up is left alone where the server does not say until when. */
const PROBE_AFTER_MS = 600_000
/** Quotas come back within a month or so. */
const MAX_QUOTA_MS = 35 * 24 * 3_600_000
/** No longer than this is a model given up on by a `Retry-After`. */
const MAX_CLOSED_MS = 24 * 3_600_000

/**
 * Draws the consequence of a refusal of a request that was sent with this reservation for its group: holds it until
 * its window can have room, or closes it if its quota is used up. True if it is closed.
 */
export function applyRefusal(
  { modelState, tenant, request }: Job,
  reservation: Reservation,
  refusal: LimitRefusal,
  clock: Clock,
): boolean {
  const { cost, at, seq } = reservation
  const { events } = modelState.workspace
  const now = clock.now()
  const told = { model: modelState.model, class: refusal.class, code: refusal.code, message: refusal.message }
  modelState.recorderOf(tenant).throttled(refusal.class, now)
  modelState.refused(at)
  const closeFor = (closedMs: number, resetAt: Date | undefined): true => {
    modelState.exhausted = { until: now + closedMs, error: exhaustedError(modelState.model, refusal.message, resetAt) }
    events.emit('throttled', { ...told, holdMs: closedMs })
    return true
  }
  if (refusal.kind === 'exhausted') {
    const wallMs = Date.now()
    const resetAt = readResetTime(refusal.resetText, wallMs)
    const leftMs = resetAt === undefined ? Infinity : resetAt.getTime() - wallMs
    // A year that was misread, or never meant: no time at all is more honest.
    return leftMs < MAX_QUOTA_MS ? closeFor(Math.max(leftMs, 1000), resetAt) : closeFor(PROBE_AFTER_MS, undefined)
  }
  const { retryAfterMs } = refusal
  const { holdUntil, empties, exhausted } = modelState.episodes.refused({
    class: refusal.class,
    retryAfterMs,
    sentAt: at,
    seq,
    now,
    isAccounted: refusal.class === 'tokens' && modelState.gate.accountsFor(reservation, now),
    minuteFreesAt: modelState.gate.minuteFreesAt(now),
  })
  if (exhausted) {
    // So no limit a minute was to blame.
    if (modelState.limits !== modelState.effectiveLimits.limits) restore(modelState, now)
    const closedMs = Math.min(Math.max(retryAfterMs ?? 0, PROBE_AFTER_MS), MAX_CLOSED_MS)
    return closeFor(closedMs, closedMs === retryAfterMs ? new Date(Date.now() + closedMs) : undefined)
  }
  const until = holdUntil === undefined ? now : slowDown(modelState, refusal, holdUntil, now)
  if (holdUntil !== undefined) {
    modelState.gate.hold(until, empties, now)
    // A longer wait than a minute is not for a limit a minute.
    const isOfMinute = empties !== 'none' && (retryAfterMs ?? 0) <= MINUTE_MS
    // What was sent under other limits teaches nothing of those that hold now.
    if (isOfMinute && at >= modelState.limitsSince) learnFromRefusal(modelState, empties, cost, now)
  }
  if (refusal.class === 'tokens') modelState.refusedTokens(reservation, mostOutput(request), now)
  events.emit('throttled', { ...told, holdMs: until - now })
  return false
}

/** After a refusal of how fast it went, a group goes on at a pace. Says until when it is held. */
function slowDown(
  { gate, effectiveLimits, slowStart }: ModelState,
  refusal: LimitRefusal,
  holdUntil: number,
  now: number,
): number {
  if (refusal.class !== 'surge' && refusal.class !== 'capacity') return holdUntil
  const { rpm = Infinity, rps = Infinity } = effectiveLimits.limits
  const limitPerSecond = Math.min(rpm / 60, rps)
  const until = slowStart.cut({ class: refusal.class, holdUntil, limitPerSecond, now })
  gate.pace(slowStart.spacing(now), now)
  return refusal.retryAfterMs ? holdUntil : until
}

function exhaustedError(model: string, message: string, resetAt: Date | undefined): QuotaExhausted {
  const when = resetAt === undefined ? '' : ` It comes back at ${resetAt.toISOString()}.`
  return new QuotaExhausted(
    `The quota of '${model}' is used up, and waiting a minute does not help.${when} The server: ${message}`,
    { resetAt },
  )
}
