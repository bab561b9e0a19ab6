import type { LimitName } from './throttle.js'

/** What a refusal for the rate is about. */
export type RefusalClass = 'requests' | 'tokens' | 'surge'

/**
 * The forms that the body of a 429 was seen in: OpenAI's; the same with `error` encoded twice; the vendor's flat one; a flat
 * one with another body in its message; none at all.
 */
export const errorShapes = ['openai', 'encoded-twice', 'flat', 'nested', 'empty'] as const

export type ErrorShape = (typeof errorShapes)[number]

const DOCS = 'https://help.aliyun.com/zh/model-studio/error-code'
const SURGE =
  'Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.'

const compatible = {
  requests: {
    message: `You have exceeded your current request limit. For details, see: ${DOCS}#rate-limit`,
    type: 'limit_requests',
    param: null,
    code: 'limit_requests',
  },
  tokens: {
    code: 'insufficient_quota',
    message: `You exceeded your current quota, please check your plan and billing details. For details, see: ${DOCS}#token-limit`,
    param: null,
    type: 'insufficient_quota',
  },
  surge: { message: SURGE, type: 'limit_burst_rate', param: '', code: 'limit_burst_rate' },
} as const

const native = {
  requests: { code: 'Throttling.RateQuota', message: 'Requests rate limit exceeded' },
  tokens: {
    code: 'Throttling.AllocationQuota',
    message: 'Allocated quota exceeded, please increase your quota limit.',
  },
  surge: { code: 'Throttling.BurstRate', message: SURGE },
} as const

const overloaded = {
  message: 'The engine is currently overloaded, please try again later',
  type: 'EngineOverloadedError',
  param: null,
  code: 'EngineOverloadedError',
}

export function refusalClass(limit: LimitName): RefusalClass {
  return limit === 'tpm' || limit === 'tps' ? 'tokens' : 'requests'
}

/** The body of a 429 of this class, as text. */
export function throttleBody(refusal: RefusalClass, shape: ErrorShape, requestId: string): string {
  const error = compatible[refusal]
  if (shape === 'empty') return ''
  if (shape === 'encoded-twice') return JSON.stringify({ error: JSON.stringify(error), request_id: requestId })
  if (shape === 'flat') return JSON.stringify({ ...native[refusal], request_id: requestId })
  if (shape === 'nested') {
    const inner = refusal === 'requests' ? overloaded : error
    return JSON.stringify({ code: native[refusal].code, message: JSON.stringify({ error: inner }) })
  }
  return JSON.stringify(refusal === 'tokens' ? { error, request_id: requestId } : { error })
}

/** What an error inside a stream looks like, to be used as a `streamError` of a fault. */
export const streamErrors = {
  /** The vendor's event, with the class in its own code. */
  native: (refusal: RefusalClass, requestId: string): string =>
    `id:1\nevent:error\n:HTTP_STATUS/429\ndata:${JSON.stringify({ request_id: requestId, ...native[refusal] })}`,
  /** An OpenAI error in a `data:` line. */
  openai: (refusal: RefusalClass): unknown => ({ error: compatible[refusal] }),
  /** A failure of the serving system that was itself refused. */
  serving: (): unknown => ({
    type: 'error',
    error: {
      type: 'server_error',
      message: '<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]',
    },
  }),
}

/** An error of the OpenAI-compatible form, as text. */
export function errorBody(code: string, type: string, message: string, requestId?: string): string {
  const error = { message, type, param: null, code }
  return JSON.stringify(requestId === undefined ? { error } : { error, request_id: requestId })
}

/** Bodies of answers that are not about the rate; for the simulator itself and for fault scripts. */
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
  wrongMethod: (method: string, path: string, requestId: string): string =>
    errorBody('method_not_allowed', 'invalid_request_error', `Not allowed to ${method} on ${path}`, requestId),
  internal: (message: string, requestId: string): string =>
    errorBody('InternalError', 'server_error', message, requestId),
  unavailable: (requestId: string): string =>
    errorBody(
      'ModelServingError',
      'ModelServingError',
      'Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.',
      requestId,
    ),
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

/** The body of a scripted status that brings none of its own. */
export function bodyOfStatus(status: number, shape: ErrorShape, requestId: string): string {
  if (status === 401) return errorBodies.badKey()
  if (status === 403) return errorBodies.freeTierOnly(requestId)
  if (status === 429) return throttleBody('requests', shape, requestId)
  if (status === 503) return errorBodies.unavailable(requestId)
  if (status >= 500) return errorBodies.internal('An internal error has occurred, please try again later.', requestId)
  return errorBodies.badRequest(`Scripted answer with status ${status}.`, requestId)
}
