import type { Timeline } from './clock.js'
import type { ServerLimit } from './limit.js'

/** What becomes of the limits, `afterMs` from the beginning. */
export interface LimitChange {
  readonly kind: 'told' | 'halved' | 'doubled' | 'restored' | 'shared'
  readonly afterMs: number
  /** `'restored'`: when limits that were halved are again what was told. */
  readonly backAfterMs?: number
}

/** What foreign traffic takes of shared limits. */
const FOREIGN_SHARE = 0.4

/** The part of the told limits that is the client's, before and after the change. */
export const OUR_SHARE: Readonly<Record<LimitChange['kind'], number>> = {
  told: 1,
  halved: 0.5,
  doubled: 2,
  restored: 1,
  shared: 1 - FOREIGN_SHARE,
}

export function scaleAt(
  { kind, afterMs, backAfterMs }: LimitChange,
  timeline: Timeline,
  limits: readonly ServerLimit[],
): void {
  if (kind === 'told' || kind === 'shared') return
  const scale = (factor: number, delayMs: number) =>
    timeline.setTimeout(() => {
      for (const limit of limits) limit.scale(factor, timeline.now())
    }, delayMs)
  if (kind === 'restored') scale(OUR_SHARE.halved, afterMs)
  scale(OUR_SHARE[kind], backAfterMs ?? afterMs)
}

/**
 * Another process of the same account: its requests come evenly, give or take half their distance, and each has the tokens
 * of an average one at full quota. `request` is called for each.
 */
export function startForeign(
  { rpm, tpm, change }: { readonly rpm: number; readonly tpm: number; readonly change: LimitChange },
  timeline: Timeline,
  random: () => number,
  request: (tokens: number) => void,
): void {
  if (change.kind !== 'shared') return
  const distanceMs = 60_000 / (FOREIGN_SHARE * rpm)
  const next = (delayMs: number) =>
    timeline.setTimeout(() => {
      request(tpm / rpm)
      next(distanceMs * (0.5 + random()))
    }, delayMs)
  next(change.afterMs)
}

/** What finds no room is not repeated. */
export function foreignRequest(limits: readonly ServerLimit[], tokens: number, atMs: number): void {
  if (limits.every((limit) => limit.takes(limit.counts === 'requests' ? 1 : tokens, atMs))) {
    for (const limit of limits) limit.admit(limit.counts === 'requests' ? 1 : tokens, atMs)
  }
}
