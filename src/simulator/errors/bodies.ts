/** The JSON of an error in the OpenAI-compatible form. */
export function errorBody(code: string, type: string, message: string, requestId?: string): string {
  const error = { message, type, param: null, code }
  return JSON.stringify(requestId === undefined ? { error } : { error, request_id: requestId })
}

/** The JSON of an error in the flat form of Model Studio, which its control plane uses. */
export function flatBody(code: string, message: string, requestId: string): string {
  return JSON.stringify({ request_id: requestId, message, code })
}

/**
 * Error bodies of Model Studio that have nothing to do with rate limits. The simulator sends them, and fault scripts
 * may.
 */
export const errorBodies = {
  badKey: (): string => errorBody('invalid_api_key', 'invalid_request_error', 'Incorrect API key provided. '),
  modelNotFound: (model: string, requestId: string): string =>
    errorBody(
      'model_not_found',
      'invalid_request_error',
      `The model \`${model}\` does not exist or you do not have access to it.`,
      requestId,
    ),
  badRequest: (message: string, requestId: string): string =>
    errorBody('invalid_parameter_error', 'invalid_request_error', message, requestId),
  tooLarge: (maxBytes: number, requestId: string): string =>
    errorBody('request_too_large', 'invalid_request_error', `Request body exceeds ${maxBytes} bytes.`, requestId),
  notFound: (path: string, requestId: string): string =>
    errorBody('not_found', 'invalid_request_error', `Invalid URL (${path})`, requestId),
  methodNotAllowed: (method: string, path: string, requestId: string): string =>
    errorBody('method_not_allowed', 'invalid_request_error', `Not allowed to ${method} on ${path}`, requestId),
  internal: (message: string, requestId: string): string =>
    errorBody('InternalError', 'server_error', message, requestId),
  /** Sent with status 500 or 503. */
  unavailable: (requestId: string): string =>
    errorBody(
      'ModelServingError',
      'ModelServingError',
      'Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.',
      requestId,
    ),
  /** Sent with status 503. */
  modelUnavailable: (requestId: string): string =>
    errorBody('ModelUnavailable', 'ModelUnavailable', 'Model is unavailable, please try again later.', requestId),
  /** Sent with status 500. The service sends it after 300 s (documented). */
  timedOut: (requestId: string): string =>
    errorBody('RequestTimeOut', 'RequestTimeOut', 'Request timed out, please try again later.', requestId),
  /** Sent with status 403. The state is permanent. */
  freeTierOnly: (requestId: string): string => {
    const code = 'AllocationQuota.FreeTierOnly'
    const message =
      'The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the "use free tier only" mode in the management console.'
    return JSON.stringify({
      error: { message, type: code, param: null, code },
      id: `chatcmpl-${requestId}`,
      request_id: requestId,
    })
  },
  /** Sent with status 400. The state is permanent. */
  arrearage: (requestId: string): string => {
    const message = 'Access denied, please make sure your account is in good standing.'
    return JSON.stringify({
      error: { code: 'Arrearage', param: null, message, type: 'Arrearage' },
      id: `chatcmpl-${requestId}`,
      request_id: requestId,
    })
  },
}
