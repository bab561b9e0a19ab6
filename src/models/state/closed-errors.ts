import { InvalidRequest, RequestTooLarge } from '../../errors.js'
import type { ResolvedLimits } from '../../limits/resolve-limits.js'
import type { Never } from '../../quota/admission-result.js'

/** What a caller gets whose model is retired. */
export function retiredError(model: string, { source }: ResolvedLimits): InvalidRequest {
  return new InvalidRequest(`Model '${model}' is retired (${source}): choose another, or give its limits in overrides`)
}

/** What a caller gets whose request is larger than a limit of its model ever allows. */
export function tooLargeError(
  model: string,
  { source }: ResolvedLimits,
  { limit, effective, amount }: Never,
): RequestTooLarge {
  const what = limit === 'rpm' || limit === 'rps' ? 'requests' : 'tokens'
  return new RequestTooLarge(
    `The request counts ${amount} ${what}, but ${limit} of '${model}' is ${effective} (${source}): ` +
      'it can never pass. Make it smaller, or choose a model with a higher limit',
  )
}
