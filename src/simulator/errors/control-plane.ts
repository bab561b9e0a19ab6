import { flatBody } from './bodies.js'
import type { Dialect } from './dialect.js'

/**
 * Error codes for the statuses that a script may ask for. The documents list 400, 401, 403, 404, 409, 429, 500 and 503.
 */
const CODES: Readonly<Record<number, readonly [code: string, message: string]>> = {
  401: ['InvalidApiKey', 'Invalid API-key provided.'],
  403: ['AccessDenied', 'Access denied.'],
  404: ['NotFound', 'Not found.'],
  409: ['Conflict', 'The resource is being changed.'],
  429: ['Throttling', 'Requests throttling triggered.'],
  503: ['ServiceUnavailable', 'The service is unavailable, please try again later.'],
}
const INTERNAL = 'An internal error has occurred, please try again later.'

/** Error bodies of Model Studio's control plane, all in the flat form. The codes for 405 and 413 are guesses. */
export const controlPlane: Dialect = {
  throttled: ({ requestId }) => controlPlane.ofStatus(429, { shape: 'flat', wording: 0 }, requestId),
  badKey: (apiKey, requestId) =>
    flatBody('InvalidApiKey', apiKey === undefined ? 'No API-key provided.' : 'Invalid API-key provided.', requestId),
  modelNotFound: (model, requestId) => flatBody('NotFound', `Model: ${model} not found!`, requestId),
  badRequest: (message, requestId) => flatBody('InvalidParameter', message, requestId),
  tooLarge: (maxBytes, requestId) => flatBody('RequestTooLarge', `Request body exceeds ${maxBytes} bytes.`, requestId),
  notFound: (path, requestId) => flatBody('NotFound', `Invalid URL (${path})`, requestId),
  noSuch: (kind, id, requestId) => flatBody('NotFound', `${kind}: ${id} not found!`, requestId),
  conflict: (message, requestId) => flatBody('Conflict', message, requestId),
  methodNotAllowed: (method, path, requestId) =>
    flatBody('MethodNotAllowed', `Not allowed to ${method} on ${path}`, requestId),
  internal: (message, requestId) => flatBody('InternalError', message, requestId),
  ofStatus: (status, _form, requestId) => {
    const known = CODES[status]
    if (known !== undefined) return flatBody(...known, requestId)
    if (status >= 500) return flatBody('InternalError', INTERNAL, requestId)
    return flatBody('InvalidParameter', `Scripted answer with status ${status}.`, requestId)
  },
  serverErrors: (requestId) => [{ status: 500, body: flatBody('InternalError', INTERNAL, requestId) }],
  streamErrors: () => [],
}
