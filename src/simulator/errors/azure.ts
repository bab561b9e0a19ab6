import type { Dialect } from './dialect.js'

const FAILED = 'The server had an error processing your request. Sorry about that! You can retry your request.'
const OVERLOADED = 'The service is temporarily unable to process your request. Please try again later.'
const RATE = 'Requests to the Azure OpenAI API have exceeded'

/** Error bodies of Azure OpenAI. They have a code and a message only. */
export const azure: Dialect = {
  throttled: (refused) => {
    const seconds = Number.isFinite(refused.waitMs) ? Math.ceil(refused.waitMs / 1000) : 60
    return tooMany(refused.class === 'tokens' ? 'token' : 'call', seconds)
  },
  badKey: () =>
    errorOf(
      '401',
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
    ),
  modelNotFound: () =>
    errorOf(
      'DeploymentNotFound',
      'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
    ),
  badRequest: (message) => errorOf('BadRequest', message),
  tooLarge: (maxBytes) => errorOf('RequestTooLarge', `Request body exceeds ${maxBytes} bytes.`),
  notFound: () => errorOf('404', 'Resource not found'),
  noSuch: (kind, id) => errorOf('notFound', `No such ${kind} object: ${id}`),
  conflict: (message) => errorOf('conflict', message),
  methodNotAllowed: (method) => errorOf('405', `The method ${method} is not allowed for this resource.`),
  internal: (message) => errorOf('InternalServerError', message),
  ofStatus: (status, _form, requestId) => {
    if (status === 401) return azure.badKey(undefined, requestId)
    if (status === 403) return errorOf('403', 'Access denied due to Virtual Network/Firewall rules.')
    if (status === 404) return azure.notFound('', requestId)
    if (status === 429) return tooMany('call', 1)
    if (status === 503) return errorOf('ServiceUnavailable', OVERLOADED)
    if (status >= 500) return errorOf('InternalServerError', FAILED)
    return errorOf('BadRequest', `Scripted answer with status ${status}.`)
  },
  serverErrors: () => [
    { status: 500, body: errorOf('InternalServerError', FAILED) },
    { status: 503, body: errorOf('ServiceUnavailable', OVERLOADED) },
  ],
  streamErrors: () => [{ error: { code: 'InternalServerError', message: FAILED } }],
}

function errorOf(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } })
}

function tooMany(unit: 'token' | 'call', seconds: number): string {
  const wait = `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
  const message = `${RATE} ${unit} rate limit of your current OpenAI S0 pricing tier. Please retry after ${wait}.`
  return errorOf('429', message)
}
