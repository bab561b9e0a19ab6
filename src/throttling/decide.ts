import type { Verdict } from './classify.js'
import { anotherModel, nextModel, soonestModel, type Candidate } from './fallback.js'
import { backoffMs } from './backoff.js'

/** What to do with a request whose attempt failed. */
export type Decision<C extends Candidate> =
  /** It has failed: tell its caller. */
  | { readonly do: 'reject' }
  /** Go to another model at once. This is no retry. */
  | { readonly do: 'move'; readonly to: C }
  /** Go back to the head of a queue, its chain anew. One retry. */
  | { readonly do: 'requeue'; readonly to: C }
  /** Repeat it at the same model, not before `delayMs` from now. One retry. */
  | { readonly do: 'back-off'; readonly delayMs: number }

export interface Attempted<C extends Candidate> {
  /** Retries used so far. */
  readonly retries: number
  readonly maxRetries: number
  /** The models that may serve the request, the one asked for first; the one that failed is marked as tried. */
  readonly chain: readonly C[]
  readonly random: () => number
}

/**
 * Decides, given what an answer means and how the models of the chain stand now.
 *
 * A limit sends the request to the next model that it has not tried and that is not held; with none left it goes back to
 * the queue of the model that can start it first. A quota that is used up sends it to any model that can still serve.
 */
export function decide<C extends Candidate>(verdict: Verdict, attempted: Attempted<C>): Decision<C> {
  const { retries, maxRetries, chain, random } = attempted
  const hasRetry = retries < maxRetries
  switch (verdict.kind) {
    case 'final':
      return { do: 'reject' }
    case 'transient':
      return hasRetry ? { do: 'back-off', delayMs: backoffMs(retries, verdict.retryAfterMs, random) } : { do: 'reject' }
    case 'throttled': {
      const next = nextModel(chain)
      if (next !== undefined) return { do: 'move', to: next }
      const soonest = hasRetry ? soonestModel(chain) : undefined
      return soonest === undefined ? { do: 'reject' } : { do: 'requeue', to: soonest }
    }
    case 'exhausted': {
      const next = anotherModel(chain)
      return next === undefined ? { do: 'reject' } : { do: 'move', to: next }
    }
  }
}
