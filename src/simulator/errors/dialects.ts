import { measureOf } from '../metering/limits.js'
import type { LimitName } from '../metering/limits.js'
import { errorBodies, errorBody } from './bodies.js'
import { throttleBody } from './throttling.js'
import type { ErrorShape, RefusalClass } from './throttling.js'

/** Whose words an answer is in. */
export const services = ['model-studio', 'openai', 'azure'] as const

export type ServiceName = (typeof services)[number]

/** A refusal for the rate, with what the services say of it. */
export interface Refused {
  readonly class: RefusalClass
  readonly limit: LimitName | 'surge'
  readonly model: string
  readonly requestId: string
  readonly shape: ErrorShape
  readonly limitValue: number
  readonly used: number
  readonly requested: number
  /** Until there is room again, in milliseconds; Infinity where nobody knows. */
  readonly waitMs: number
}

/** The error bodies of one service. */
export interface Dialect {
  throttled(refused: Refused): string
  badKey(apiKey: string | undefined, requestId: string): string
  modelNotFound(model: string, requestId: string): string
  badRequest(message: string, requestId: string): string
  tooLarge(maxBytes: number, requestId: string): string
  notFound(path: string, requestId: string): string
  wrongMethod(method: string, path: string, requestId: string): string
  internal(message: string, requestId: string): string
}

const modelStudio: Dialect = {
  ...errorBodies,
  throttled: (refused) => throttleBody(refused.class, refused.shape, refused.requestId),
}

const REQUESTS = 'invalid_request_error'

const openai: Dialect = {
  throttled: (refused) => {
    const isTokens = refused.class === 'tokens'
    const per = refused.limit === 'rps' || refused.limit === 'tps' ? 'sec' : 'min'
    const unit = `${isTokens ? 'tokens' : 'requests'} per ${per} (${isTokens ? 'T' : 'R'}P${per === 'sec' ? 'S' : 'M'})`
    const retry = Number.isFinite(refused.waitMs) ? ` Please try again in ${shortDuration(refused.waitMs)}.` : ''
    const { limitValue, used, requested } = refused
    return errorBody(
      'rate_limit_exceeded',
      isTokens ? 'tokens' : 'requests',
      `Rate limit reached for ${refused.model} in organization org-simulated on ${unit}: Limit ${limitValue}, Used ${used}, Requested ${requested}.${retry} Visit https://platform.openai.com/account/rate-limits to learn more.`,
    )
  },
  badKey: (apiKey) =>
    apiKey === undefined
      ? JSON.stringify({
          error: { message: "You didn't provide an API key.", type: REQUESTS, param: null, code: null },
        })
      : errorBody(
          'invalid_api_key',
          REQUESTS,
          `Incorrect API key provided: ${apiKey}. You can find your API key at https://platform.openai.com/account/api-keys.`,
        ),
  modelNotFound: (model) =>
    errorBody('model_not_found', REQUESTS, `The model \`${model}\` does not exist or you do not have access to it.`),
  badRequest: (message) => JSON.stringify({ error: { message, type: REQUESTS, param: null, code: null } }),
  tooLarge: (maxBytes) => errorBody('request_too_large', REQUESTS, `Request body exceeds ${maxBytes} bytes.`),
  notFound: (path) =>
    JSON.stringify({ error: { message: `Invalid URL (${path})`, type: REQUESTS, param: null, code: null } }),
  wrongMethod: (method, path) =>
    JSON.stringify({
      error: {
        message: `Not allowed to ${method} on ${path}`,
        type: REQUESTS,
        param: null,
        code: 'method_not_supported',
      },
    }),
  internal: (message) => JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } }),
}

const azureError = (code: string, message: string): string => JSON.stringify({ error: { code, message } })

const azure: Dialect = {
  throttled: (refused) => {
    const isTokens = refused.limit !== 'surge' && measureOf(refused.limit) !== 'requests' && refused.class === 'tokens'
    const seconds = Number.isFinite(refused.waitMs) ? Math.max(1, Math.ceil(refused.waitMs / 1000)) : 60
    return azureError(
      '429',
      `Requests to the Azure OpenAI API have exceeded ${isTokens ? 'token' : 'call'} rate limit of your current OpenAI S0 pricing tier. Please retry after ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
    )
  },
  badKey: () =>
    azureError(
      '401',
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
    ),
  modelNotFound: () =>
    azureError(
      'DeploymentNotFound',
      'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
    ),
  badRequest: (message) => azureError('BadRequest', message),
  tooLarge: (maxBytes) => azureError('RequestTooLarge', `Request body exceeds ${maxBytes} bytes.`),
  notFound: () => azureError('404', 'Resource not found'),
  wrongMethod: (method) => azureError('405', `The method ${method} is not allowed for this resource.`),
  internal: (message) => azureError('InternalServerError', message),
}

export const dialects: Readonly<Record<ServiceName, Dialect>> = { 'model-studio': modelStudio, openai, azure }

/** As OpenAI writes durations: `120ms`, `1.5s`, `6m0s`. */
export function shortDuration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole < 1000) return `${whole}ms`
  if (whole < 60_000) return `${whole / 1000}s`
  const seconds = Math.ceil(whole / 1000)
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
