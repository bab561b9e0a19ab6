import type { Cost } from '../types.js'
import { amountIn, REQUESTS } from './dimensions.js'
import type { MeteredLimit } from './limit-rules.js'
import type { Meter } from './meter.js'

/** How much of one limit is used. */
export interface MeterUse {
  readonly limit: MeteredLimit
  /** The limit in force. */
  readonly effective: number
  /** The amount that counts against it now. */
  readonly used: number
}

/** The used shares of the configured limits: the largest of the limits a minute, and of the limits a second. */
export interface UsedShares {
  readonly minute: number
  readonly second: number
}

/** The use of each meter. */
export function roomOf(meters: readonly Meter[], nowUs: number): MeterUse[] {
  return meters.map((meter) => ({
    limit: meter.rule.limit,
    effective: meter.rule.effective,
    used: meter.used(nowUs),
  }))
}

/** The shares of the meters of requests, or of tokens; see `Control.usedShares`. */
export function usedSharesOf(
  meters: readonly Meter[],
  kind: 'requests' | 'tokens',
  nowUs: number,
  refused: Cost,
): UsedShares | undefined {
  let minute: number | undefined
  let second: number | undefined
  for (const meter of meters) {
    if ((meter.dimension === REQUESTS) !== (kind === 'requests')) continue
    if (meter.isPerSecond) second = Math.max(second ?? 0, meter.usedShare(nowUs, 0))
    else minute = Math.max(minute ?? 0, meter.usedShare(nowUs, amountIn(refused, meter.dimension)))
  }
  if (minute === undefined && second === undefined) return undefined
  return { minute: minute ?? second!, second: second ?? minute! }
}

/** When the oldest charge of a minute's window leaves it. `nowUs` if there is none. */
export function minuteFreesUs(meters: readonly Meter[], nowUs: number): number {
  let at = nowUs
  for (const meter of meters) if (!meter.isPerSecond) at = Math.max(at, meter.nextExpiryUs(nowUs))
  return at
}
