/** What the starts of jobs are held against, in ms: written down apart from the meters, so that no fault hides in both. */
export interface Envelope {
  /** As many may start in any window of a second. */
  readonly rate: number
  /** What is kept clear after each window. */
  readonly networkJitterMs: number
  /** Since when a bucket that paces them has been filling from nothing; undefined: only the window binds. */
  readonly emptySince: number | undefined
}

/** Since when each start was allowed, by those before it: a window, and a bucket as theoretical times of arrival (GCRA). */
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

/** The most of these times in any (t, t + span]. */
export function mostWithin(times: Float64Array, span: number): number {
  let [first, most] = [0, 0]
  for (let last = 0; last < times.length; last++) {
    while (times[first]! <= times[last]! - span) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
