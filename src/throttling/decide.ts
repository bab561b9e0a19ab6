import type { Verdict } from './classify.js'
import { anotherModel, nextModel, soonestModel, type Candidate } from './fallback.js'
import { backoffMs } from './backoff.js'

/** The next step for a request whose attempt failed. */
export type Decision<C extends Candidate> =
  /** Reject the request with its error. */
  | { readonly do: 'reject' }
  /** Send it to another model at once. This is no retry. */
  | { readonly do: 'move'; readonly to: C }
  /** Return it to the head of a queue and start its chain again. This is one retry. */
  | { readonly do: 'requeue'; readonly to: C }
  /** Repeat it at the same model, at the earliest `delayMs` from now. This is one retry. */
  | { readonly do: 'back-off'; readonly delayMs: number }

export interface Attempted<C extends Candidate> {
  /** The retries that the request has used. */
  readonly retries: number
  readonly maxRetries: number
  /** The models that may serve the request, the requested one first. The failed one is marked as tried. */
  readonly chain: readonly C[]
  readonly random: () => number
}

/**
 * Decides the next step from the verdict and the present state of the chain.
 *
 * After a throttled attempt, the request goes to the next model that it has not tried and that is not held. If none is left, it
 * returns to the queue of the model that can start it first. After an exhausted quota, it goes to any model that can still
 * serve it.
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
