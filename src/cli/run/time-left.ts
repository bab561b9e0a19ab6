/** The progress of a run, and the pace that its limits allow. */
export interface RunPace {
  /** Lines that ended. */
  readonly done: number
  /** Lines that there still are. */
  readonly left: number
  /** The mean time between two lines that the limits allow, in ms; 0 where they do not bind. */
  readonly quotaMs: number
  /** A beginning at which they allow less, and how long it still lasts, in ms. */
  readonly slow: { readonly quotaMs: number; readonly leftMs: number } | undefined
}

/** Time over which the pace is measured, in ms. Chosen. A larger value reacts later. A smaller value makes the estimate jump. */
const SPAN_MS = 60_000
/**
 * Share of the quota's pace above which the quota's own pace is used. Chosen. A larger value makes the estimate jump with
 * measurement noise.
 */
const NEAR_QUOTA = 0.8

interface Sample {
  readonly at: number
  readonly done: number
}

/** Estimates the remaining time of a run: from the quota if it binds, otherwise from the recent pace. */
export class TimeLeft {
  #samples: Sample[] = []

  #isSlow = false

  /** In ms; undefined while nothing tells. Times are of any one clock. */
  update({ done, left, quotaMs, slow }: RunPace, now: number): number | undefined {
    if (left === 0) return 0
    // What was measured of the slow beginning says nothing of what follows.
    if (this.#isSlow && slow === undefined) this.#samples = []
    this.#isSlow = slow !== undefined
    // The wait for the first answer is no pace.
    if (done > 0) this.#samples.push({ at: now, done })
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - SPAN_MS) this.#samples.shift()
    const [first] = this.#samples
    const measuredMs = first === undefined || done === first.done ? undefined : (now - first.at) / (done - first.done)
    const allowedMs = slow?.quotaMs ?? quotaMs
    const isByQuota = allowedMs > 0 && (measuredMs === undefined || measuredMs * NEAR_QUOTA <= allowedMs)
    if (!isByQuota) return measuredMs === undefined ? undefined : left * measuredMs
    const soon = slow === undefined ? 0 : Math.min(left, slow.leftMs / slow.quotaMs)
    return soon * allowedMs + (left - soon) * quotaMs
  }
}

/**
 * The mean time between two requests that limits allow, in ms; 0 where none binds. A window of W admits as much in W + J.
 *
 * @param tokens - of a request, input and output
 */
export function quotaMsOf(
  limits: Readonly<Partial<Record<'rpm' | 'tpm' | 'rps' | 'tps', number | undefined>>>,
  tokens: number,
  networkJitterMs: number,
): number {
  const minute = 60_000 + networkJitterMs
  const second = 1000 + networkJitterMs
  const { rpm = Infinity, tpm = Infinity, rps = Infinity, tps = Infinity } = limits
  return Math.max(minute / rpm, second / rps, (tokens * minute) / tpm, (tokens * second) / tps)
}
