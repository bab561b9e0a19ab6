/** An error of the OpenAI-compatible form, as text. */
export function errorBody(code: string, type: string, message: string, requestId?: string): string {
  const error = { message, type, param: null, code }
  return JSON.stringify(requestId === undefined ? { error } : { error, request_id: requestId })
}

/** An error of the vendor's own form, as its control plane answers with. */
export function flatBody(code: string, message: string, requestId: string): string {
  return JSON.stringify({ request_id: requestId, message, code })
}

/** Bodies of Model Studio that are not about the rate; for the simulator itself and for fault scripts. */
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
  /** Status 500 or 503. */
  unavailable: (requestId: string): string =>
    errorBody(
      'ModelServingError',
      'ModelServingError',
      'Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.',
      requestId,
    ),
  /** Status 503. */
  modelUnavailable: (requestId: string): string =>
    errorBody('ModelUnavailable', 'ModelUnavailable', 'Model is unavailable, please try again later.', requestId),
  /** Status 500, after 300 s. */
  timedOut: (requestId: string): string =>
    errorBody('RequestTimeOut', 'RequestTimeOut', 'Request timed out, please try again later.', requestId),
  /** Status 403, and permanent. */
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
  /** Status 400, and permanent. */
  arrearage: (requestId: string): string => {
    const message = 'Access denied, please make sure your account is in good standing.'
    return JSON.stringify({
      error: { code: 'Arrearage', param: null, message, type: 'Arrearage' },
      id: `chatcmpl-${requestId}`,
      request_id: requestId,
    })
  },
}
