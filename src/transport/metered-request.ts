import type { Hints } from '../dispatch/hints.js'
import { InvalidRequest } from '../errors.js'
import type { Route } from '../types.js'
import { dropHintHeaders, headerHints, hintsOf, withoutOurKeys, type HintedInit } from './hints.js'
import { meteredTarget, withDeployment } from './metered-target.js'

/** In this header the `openai` client tells the service how often it has retried. The limiter retries in its place. */
const RETRY_COUNT = 'x-stainless-retry-count'

/** An HTTP request whose cost counts against a model's limits. */
export interface MeteredRequest {
  readonly url: URL
  readonly route: Route
  readonly model: string
  readonly body: Readonly<Record<string, unknown>>
  readonly hints: Hints
  readonly signal: AbortSignal | undefined
  /** Whether it comes from an SDK that counts its own attempts, and so retries by itself. */
  readonly isFromSdk: boolean
  /** Whether the limiter, not the caller, asks for the usage at the end of the stream: the caller must not see it. */
  readonly hidesUsage: boolean
  /** The arguments of `fetch` that send the request to `model`, after this number of retries. */
  sendTo(model: string, signal: AbortSignal | undefined, retries?: number): [url: string, init: RequestInit]
}

/**
 * Reads a call of `fetch`; undefined if the call is not metered.
 *
 * @throws InvalidRequest if its body is not a JSON object, or names no model
 */
export async function readRequest(
  input: RequestInfo | URL,
  init: HintedInit = {},
): Promise<MeteredRequest | undefined> {
  const given = input instanceof Request ? input : undefined
  const method = init.method ?? given?.method ?? 'GET'
  if (method.toUpperCase() !== 'POST') return undefined
  const target = meteredTarget(given?.url ?? String(input))
  if (target === undefined) return undefined
  const { url, route, deployment } = target

  // Copied before anything is awaited: the caller may go on to use its own.
  const headers = new Headers(init.headers ?? given?.headers)
  const fromHeaders = headerHints(headers)
  if (fromHeaders !== undefined) dropHintHeaders(headers)
  const hints = hintsOf(init, fromHeaders)
  // `fetch` sets it anew: the body may be another one.
  headers.delete('content-length')
  const { text, type } = await readBody(given, init)
  const body = parseBody(text, url)
  // Azure's clients send an empty model, or none: the path names the deployment.
  const model = body['model'] || deployment
  if (typeof model !== 'string' || model === '') {
    throw new InvalidRequest(`The body of POST ${url.pathname} names no model: set its field model to a model's name`)
  }
  if (!headers.has('content-type')) headers.set('content-type', type)
  const options = body['stream_options'] as { include_usage?: unknown } | null | undefined
  const hidesUsage =
    (route === 'chat' || route === 'completions') && body['stream'] === true && options?.include_usage !== true
  return {
    url,
    route,
    model,
    body,
    hints,
    signal: init.signal ?? given?.signal,
    isFromSdk: headers.has(RETRY_COUNT),
    hidesUsage,
    sendTo(to, signal, retries = 0) {
      // Each attempt has its own: a `fetch` of the caller's may change what it is given.
      const ours = new Headers(headers)
      if (retries > 0 && ours.has(RETRY_COUNT)) ours.set(RETRY_COUNT, String(retries))
      const sent =
        hidesUsage || to !== model
          ? JSON.stringify({
              ...body,
              ...('model' in body && { model: to }),
              ...(hidesUsage && { stream_options: { ...options, include_usage: true } }),
            })
          : text
      const address = to === model ? url.href : withDeployment(url, to)
      const inherited = given && settingsOfRequest(given)
      return [
        address,
        { ...inherited, ...withoutOurKeys(init), method, headers: ours, body: sent, signal: signal ?? null },
      ]
    },
  }
}

/** The text of the body, and the content type that `fetch` would send if the headers name none. */
async function readBody(given: Request | undefined, init: RequestInit): Promise<{ text: string; type: string }> {
  if (typeof init.body === 'string') return { text: init.body, type: 'text/plain;charset=UTF-8' }
  let source = given?.clone()
  if (init.body !== undefined && init.body !== null) {
    const reader: RequestInit & { duplex?: 'half' } = { method: 'POST', body: init.body, duplex: 'half' }
    source = new Request('http://localhost', reader)
  }
  const type = source?.headers.get('content-type')
  return { text: (await source?.text()) ?? '', type: type ?? 'application/json' }
}

function parseBody(text: string, url: URL): Readonly<Record<string, unknown>> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    // The engine's own message quotes the body, and a prompt must not get into an error or a log.
    const at = /position \d+/.exec((cause as Error).message)?.[0]
    throw new InvalidRequest(`The body of POST ${url.pathname} is not JSON${at === undefined ? '' : `, at ${at}`}`)
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new InvalidRequest(`The body of POST ${url.pathname} is no JSON object: send { "model": …, … }`)
}

/** The settings of a `Request` that `fetch` would not see otherwise: only its URL, headers and body are sent on. */
function settingsOfRequest(request: Request): RequestInit {
  const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy } = request
  return { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy }
}
