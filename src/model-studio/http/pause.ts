import { onAbort } from '../../abort-signals.js'
import type { Clock } from '../../clock.js'

/** Resolves after `ms`; rejects with the signal's reason where that comes first. Leaves no timer and no listener behind. */
export function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    const timer = clock.setTimeout(() => {
      forget?.()
      resolve()
    }, ms)
    const forget =
      signal &&
      onAbort(signal, () => {
        clock.clearTimeout(timer)
        reject(signal.reason)
      })
  })
}

/** What `work` gives, or the signal's reason where that comes first, whatever `work` makes of the signal. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let forget: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) return reject(signal.reason)
    forget = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    forget?.()
  }
}
