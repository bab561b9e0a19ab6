import type { Limits } from '../types.js'
import type { Resolution, ResolvedLimits } from './resolve-limits.js'

/**
 * The limits in force where the service itself has told some a minute: they come in place of a table's, which may be out of
 * date or another account's; of a user's they may only be lower. What was derived for a second follows.
 */
export function withReportedLimits(
  resolved: ResolvedLimits,
  origin: Resolution['origin'],
  reported: Limits,
): ResolvedLimits {
  const rpm = preferred(resolved.rpm, reported.rpm, origin)
  const tpm = preferred(resolved.tpm, reported.tpm, origin)
  if (rpm === resolved.rpm && tpm === resolved.tpm) return resolved
  return {
    ...resolved,
    rpm,
    tpm,
    rps: perSecond(resolved.rps, resolved.rpm, rpm),
    tps: perSecond(resolved.tps, resolved.tpm, tpm),
    source: `the service's headers, in place of ${resolved.source}`,
  }
}

function preferred(
  known: number | undefined,
  reported: number | undefined,
  origin: Resolution['origin'],
): number | undefined {
  if (reported === undefined) return known
  return origin === 'user' ? Math.min(known ?? Infinity, reported) : reported
}

function perSecond(
  second: number | undefined,
  before: number | undefined,
  now: number | undefined,
): number | undefined {
  const isDerived = second !== undefined && before !== undefined && Math.abs(second * 60 - before) < 1e-6 * before
  return isDerived && now !== undefined ? now / 60 : second
}
