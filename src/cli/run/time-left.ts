/** How far a run is, and what its limits allow. */
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

/** How long the past is that tells the pace. */
const SPAN_MS = 60_000
/** A pace this near to the quota's is the quota's: what is measured of it varies. */
const NEAR_QUOTA = 0.8

interface Sample {
  readonly at: number
  readonly done: number
}

/** How long a run still takes: by the quota where that binds, else by how fast lines ended lately. */
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
