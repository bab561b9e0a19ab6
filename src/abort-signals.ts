/** The listeners of a signal that many requests share, and the one of ours that it calls. */
interface Shared {
  readonly listeners: Set<() => void>
  readonly call: () => void
}

const sharedBySignal = new WeakMap<AbortSignal, Shared>()

/**
 * Calls `listener` when `signal` aborts, until the returned function is called. However many requests wait for one signal,
 * it carries one listener: adding and removing are O(1), and Node warns of no leak. A signal that has aborted already
 * calls nothing.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const shared = sharedBySignal.get(signal) ?? share(signal)
  // Wrapped, so that the same function may be there twice.
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
