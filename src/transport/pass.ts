import { timeoutError } from './leash.js'
import { withoutHints } from './request.js'
import type { SendOptions } from './send.js'

/** Sends a call that is not metered as it is, but for our hints, within the time that the wrapped client allows. */
export async function pass(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  options: SendOptions,
): Promise<Response> {
  const { clock, fetch, timeoutMs } = options
  const sent = withoutHints(input, init)
  if (timeoutMs === undefined) return fetch(input, sent)
  const controller = new AbortController()
  const caller = sent.signal ?? (input instanceof Request ? input.signal : undefined)
  const timer = clock.setTimeout(() => controller.abort(timeoutError(timeoutMs)), timeoutMs)
  try {
    // The caller's goes on to hold for the body.
    const signal = caller ? AbortSignal.any([caller, controller.signal]) : controller.signal
    return await fetch(input, { ...sent, signal })
  } finally {
    clock.clearTimeout(timer)
  }
}
