import { checkRequest, hintedRequest, type ScheduleRequest } from '../dispatch/schedule-request.js'
import { InvalidRequest } from '../errors.js'
import type { Limiter } from './limiter.js'

/** A function like `fn` whose calls go through `schedule`; see {@link Limiter.wrap}. */
export function wrappedFunction<A extends unknown[], T>(
  schedule: Limiter['schedule'],
  request: ScheduleRequest | ((...args: A) => ScheduleRequest),
  fn: (...args: A) => T | PromiseLike<T>,
): (...args: A) => Promise<T> {
  if (typeof request !== 'function' && (typeof request !== 'object' || request === null))
    throw new InvalidRequest(
      'wrap(request, fn): give request as an object with a model, or a function that returns one',
    )
  if (typeof fn !== 'function') throw new InvalidRequest('wrap(request, fn): give fn as a function')
  if (typeof request !== 'function') checkRequest(request, fn)
  return async function wrapped(this: unknown, ...args: A): Promise<T> {
    const asked = typeof request === 'function' ? request.apply(this, args) : request
    // `fn` does not learn the backup's name. It would use its own model, while the backup is charged.
    return schedule(hintedRequest(asked, { fallback: false }), () => fn.apply(this, args))
  }
}
