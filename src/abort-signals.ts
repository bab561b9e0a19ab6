import type { Clock } from './clock.js'

/** The listeners of one signal, and the function that the signal calls. */
interface Shared {
  readonly listeners: Set<() => void>
  readonly call: () => void
}

const sharedBySignal = new WeakMap<AbortSignal, Shared>()

/**
 * Calls `listener` once when `signal` aborts. Returns a function that removes the listener.
 *
 * A signal carries one listener of ours, however many requests share it. So adding and removing take O(1), and Node
 * does not warn of a leak. If the signal has aborted already, `listener` is never called.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const shared = sharedBySignal.get(signal) ?? share(signal)
  // A function of its own for each call, so that the same `listener` can be added twice.
  const own = (): void => listener()
  shared.listeners.add(own)
  return () => {
    if (!shared.listeners.delete(own) || shared.listeners.size > 0) return
    signal.removeEventListener('abort', shared.call)
    if (sharedBySignal.get(signal) === shared) sharedBySignal.delete(signal)
  }
}

function share(signal: AbortSignal): Shared {
  const listeners = new Set<() => void>()
  const call = (): void => {
    sharedBySignal.delete(signal)
    for (const listener of listeners) listener()
  }
  const shared = { listeners, call }
  sharedBySignal.set(signal, shared)
  signal.addEventListener('abort', call, { once: true })
  return shared
}

/** Resolves after `ms` of `clock`; rejects with the signal's reason if that comes first. Leaves no timer and no listener behind. */
export function abortableSleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
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

/** The result of `work`, or a rejection with the signal's reason if that comes first, whatever `work` does about the signal. */
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
