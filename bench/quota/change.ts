import type { Timeline } from './clock.js'
import type { ServerLimit } from './limit.js'

/** A change of the server's limits, `afterMs` after the start. */
export interface LimitChange {
  readonly kind: 'unchanged' | 'halved' | 'doubled' | 'restored' | 'shared'
  readonly afterMs: number
  /** `'restored'`: when the halved limits return to the configured ones. */
  readonly backAfterMs?: number
}

/**
 * The share of the limits that foreign traffic takes. Chosen: large enough that a client which ignores it gets many
 * 429s.
 */
const FOREIGN_SHARE = 0.4

/** The client's share of the configured limits after the change. */
export const OUR_SHARE: Readonly<Record<LimitChange['kind'], number>> = {
  unchanged: 1,
  halved: 0.5,
  doubled: 2,
  restored: 1,
  shared: 1 - FOREIGN_SHARE,
}

/** Changes the limits at the times that `change` names. */
export function scaleAt(
  { kind, afterMs, backAfterMs }: LimitChange,
  timeline: Timeline,
  limits: readonly ServerLimit[],
): void {
  if (kind === 'unchanged' || kind === 'shared') return
  const scale = (factor: number, delayMs: number) =>
    timeline.setTimeout(() => {
      for (const limit of limits) limit.scale(factor, timeline.now())
    }, delayMs)
  if (kind === 'restored') scale(OUR_SHARE.halved, afterMs)
  scale(OUR_SHARE[kind], backAfterMs ?? afterMs)
}

/**
 * Simulates another process of the same account.
 *
 * Its requests come evenly, up to half their distance earlier or later. Each has the mean tokens of a request at full
 * quota. `request` is called for each.
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

/** Admits a foreign request if the limits have room for it. A refused one is not retried. */
export function foreignRequest(limits: readonly ServerLimit[], tokens: number, atMs: number): void {
  if (limits.every((limit) => limit.takes(limit.counts === 'requests' ? 1 : tokens, atMs))) {
    for (const limit of limits) limit.admit(limit.counts === 'requests' ? 1 : tokens, atMs)
  }
}
