import { errorBodies, errorBody } from './bodies.js'
import type { Dialect } from './dialect.js'
import { streamErrors, throttleBody } from './throttling.js'

const INTERNAL = 'An internal error has occurred, please try again later.'

/** Error bodies of Model Studio's OpenAI-compatible endpoints. */
export const modelStudio: Dialect = {
  ...errorBodies,
  noSuch: (kind, id, requestId) =>
    errorBody('not_found', 'invalid_request_error', `No such ${kind} object: ${id}`, requestId),
  conflict: (message, requestId) => errorBody('conflict', 'invalid_request_error', message, requestId),
  throttled: ({ class: refusal, form, requestId }) => throttleBody(refusal, form.shape, requestId, form.wording),
  ofStatus: (status, { shape, wording }, requestId) => {
    if (status === 401) return errorBodies.badKey()
    if (status === 403) return errorBodies.freeTierOnly(requestId)
    if (status === 429) return throttleBody('requests', shape, requestId, wording)
    if (status === 503) return errorBodies.unavailable(requestId)
    if (status >= 500) return errorBodies.internal(INTERNAL, requestId)
    return errorBodies.badRequest(`Scripted answer with status ${status}.`, requestId)
  },
  serverErrors: (requestId) => [
    { status: 500, body: errorBodies.unavailable(requestId) },
    { status: 503, body: errorBodies.unavailable(requestId) },
    { status: 503, body: errorBodies.modelUnavailable(requestId) },
    { status: 500, body: errorBodies.timedOut(requestId) },
    { status: 500, body: errorBodies.internal(INTERNAL, requestId) },
    { status: 500, body: errorBody('InternalError.Algo', 'InternalError.Algo', INTERNAL, requestId) },
  ],
  streamErrors: (refusal, requestId) => [
    streamErrors.native(refusal, requestId),
    streamErrors.openai(refusal),
    streamErrors.serving(),
  ],
}
