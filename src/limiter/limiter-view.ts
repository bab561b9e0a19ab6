import { checkHintNames, checkHintValues, type Hints, mergedHints } from '../dispatch/hints.js'
import { hintedRequest } from '../dispatch/schedule-request.js'
import type { Limiter } from './limiter.js'
import { wrappedFunction } from './wrapped-function.js'

/**
 * A view of `limiter` that adds `hints` to each request; see {@link Limiter.with}. `fetchWith` creates a `fetch` of the limiter
 * with hints.
 *
 * @throws InvalidRequest
 */
export function limiterView(limiter: Limiter, hints: Hints, fetchWith: (hints: Hints) => typeof fetch): Limiter {
  checkHintNames('with', hints)
  checkHintValues(hints)
  const own = { ...hints }
  // Asynchronous, so that an invalid request rejects here too.
  const schedule: Limiter['schedule'] = async (request, run) => limiter.schedule(hintedRequest(request, own), run)
  return {
    ...limiter,
    schedule,
    fetch: fetchWith(own),
    predict: (request) => limiter.predict(hintedRequest(request, own)),
    wrap: (request, fn) => wrappedFunction(schedule, request, fn),
    with: (more) => {
      checkHintNames('with', more)
      return limiterView(limiter, mergedHints(own, more), fetchWith)
    },
  }
}
