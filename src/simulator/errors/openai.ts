import { errorBody } from './bodies.js'
import { shortDuration } from './dialect.js'
import type { Dialect } from './dialect.js'

const REQUESTS = 'invalid_request_error'
const SERVER = 'server_error'
const FAILED = 'The server had an error while processing your request. Sorry about that!'
const OVERLOADED = 'The engine is currently overloaded, please try again later.'

/** Error bodies of OpenAI. Most of them have no code. */
export const openai: Dialect = {
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
      ? codeless("You didn't provide an API key.", REQUESTS)
      : errorBody(
          'invalid_api_key',
          REQUESTS,
          `Incorrect API key provided: ${apiKey}. You can find your API key at https://platform.openai.com/account/api-keys.`,
        ),
  modelNotFound: (model) =>
    errorBody('model_not_found', REQUESTS, `The model \`${model}\` does not exist or you do not have access to it.`),
  badRequest: (message) => codeless(message, REQUESTS),
  tooLarge: (maxBytes) => errorBody('request_too_large', REQUESTS, `Request body exceeds ${maxBytes} bytes.`),
  notFound: (path) => codeless(`Invalid URL (${path})`, REQUESTS),
  noSuch: (kind, id) =>
    kind === 'File'
      ? codeless(`No such File object: ${id}`, REQUESTS, 'id')
      : codeless(`No batch found with id '${id}'.`, REQUESTS),
  conflict: (message) => codeless(message, REQUESTS),
  methodNotAllowed: (method, path) =>
    errorBody('method_not_supported', REQUESTS, `Not allowed to ${method} on ${path}`),
  internal: (message) => codeless(message, SERVER),
  ofStatus: (status) => {
    if (status === 401) return errorBody('invalid_api_key', REQUESTS, 'Incorrect API key provided.')
    if (status === 403) {
      const message = 'Country, region, or territory not supported'
      return errorBody('unsupported_country_region_territory', 'request_forbidden', message)
    }
    if (status === 429) return errorBody('rate_limit_exceeded', 'requests', 'Rate limit reached for requests')
    if (status === 503) return codeless(OVERLOADED, SERVER)
    return status >= 500 ? codeless(FAILED, SERVER) : codeless(`Scripted answer with status ${status}.`, REQUESTS)
  },
  serverErrors: () => [
    { status: 500, body: codeless(FAILED, SERVER) },
    { status: 503, body: codeless(OVERLOADED, SERVER) },
  ],
  streamErrors: () => [errorOf(FAILED, SERVER)],
}

function errorOf(message: string, type: string, param: string | null = null): unknown {
  return { error: { message, type, param, code: null } }
}

function codeless(message: string, type: string, param?: string): string {
  return JSON.stringify(errorOf(message, type, param))
}
