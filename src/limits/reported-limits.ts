import type { Limits } from '../types.js'
import type { Resolution, ResolvedLimits } from './resolve-limits.js'

/**
 * The effective limits after the service itself has reported limits per minute. A reported limit replaces that of a
 * table, which may be out of date or meant for another account. It can only lower a limit of the user. Derived limits
 * per second follow.
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
