/**
 * The limits against which the starts of jobs are checked. They are implemented apart from the library's gates, so that
 * a fault cannot hide in both. Times are in ms.
 */
export interface Envelope {
  /** The most starts in any window of a second. */
  readonly rate: number
  /** The time that the limiter keeps free after each window, in ms. */
  readonly networkJitterMs: number
  /** Since when a bucket has been filling from empty. Undefined: no bucket limits the starts, only the window. */
  readonly emptySince: number | undefined
}

/**
 * The time from which each start was allowed, given the starts before it. The window and the bucket (GCRA) both apply.
 */
export function allowedSince(starts: Float64Array, { rate, networkJitterMs, emptySince }: Envelope): Float64Array {
  const eachMs = 1000 / rate
  const depthMs = 1000 - networkJitterMs
  let arrival = emptySince === undefined ? -Infinity : emptySince + depthMs
  return starts.map((start, i) => {
    const byWindow = i < rate ? -Infinity : starts[i - rate]! + 1000 + networkJitterMs
    const byBucket = emptySince === undefined ? -Infinity : arrival - depthMs + eachMs
    arrival = Math.max(arrival, start) + eachMs
    return Math.max(byWindow, byBucket)
  })
}

/** The largest number of `times` in any interval (t, t + span]. */
export function mostWithin(times: Float64Array, span: number): number {
  let [first, most] = [0, 0]
  for (let last = 0; last < times.length; last++) {
    while (times[first]! <= times[last]! - span) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
