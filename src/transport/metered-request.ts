import type { Hints } from '../dispatch/hints.js'
import { InvalidRequest } from '../errors.js'
import type { Route } from '../types.js'
import { dropHintHeaders, headerHints, hintsOf, settingsOf, withoutOurKeys, type HintedInit } from './hints.js'

const ROUTES: Readonly<Record<string, Route>> = {
  'chat/completions': 'chat',
  completions: 'completions',
  embeddings: 'embeddings',
  responses: 'responses',
}
const METERED_PATH = /\/(chat\/completions|completions|embeddings|responses)\/?$/
/** The `openai` client tells the service how often it has tried; we try in its place. */
const RETRY_COUNT = 'x-stainless-retry-count'
/** It changes nothing that it is given, and leaves nothing on it that would disturb another request. */
export const NATIVE_FETCH = globalThis.fetch
const AZURE_DEPLOYMENT = /(\/deployments\/)([^/]+)(\/)/

/** An HTTP request whose cost counts against a model's limits. */
export interface MeteredRequest {
  readonly url: URL
  readonly route: Route
  readonly model: string
  readonly body: Readonly<Record<string, unknown>>
  readonly hints: Hints
  readonly signal: AbortSignal | undefined
  /** Whether it comes from an SDK that counts its own attempts: it repeats what fails. */
  readonly isFromSdk: boolean
  /** Whether the usage at the end of the stream was asked for by us, so that the caller must not see it. */
  readonly hidesUsage: boolean
  /** The arguments for `fetch` that send it to `model`, after so many attempts. */
  sendTo(model: string, signal: AbortSignal | undefined, retries?: number): [url: string, init: RequestInit]
}

/**
 * Reads a call of `fetch`; undefined if it is none that is metered, and passes as it is.
 *
 * @throws InvalidRequest if its body is no JSON object or names no model, so that nothing could be charged
 */
export async function readRequest(
  input: RequestInfo | URL,
  init: HintedInit = {},
): Promise<MeteredRequest | undefined> {
  const given = input instanceof Request ? input : undefined
  const method = init.method ?? given?.method ?? 'GET'
  if (method.toUpperCase() !== 'POST') return undefined
  const target = targetOf(given?.url ?? String(input))
  if (target === undefined) return undefined
  const { url, route } = target

  // Before anything is waited for: the caller may go on to use its headers. An SDK's own are new for each call.
  const asGiven = init.headers ?? given?.headers
  const settings = settingsOf(init)
  const theirs = asGiven instanceof Headers && settings !== undefined ? asGiven : new Headers(asGiven)
  // A fetch of the caller's own may change what it is given: then each attempt has its own.
  const isNative = settings?.fetch === NATIVE_FETCH
  const fromHeaders = headerHints(theirs)
  const hints = hintsOf(init, fromHeaders)
  const { text, type } = await readBody(given, init)
  const body = parseBody(text, url)
  // Azure's clients of one deployment send an empty model, or none: the path names it.
  const model = body['model'] || target.deployment
  if (typeof model !== 'string' || model === '') {
    throw new InvalidRequest(`The body of POST ${url.pathname} names no model: set its field model to a model's name`)
  }
  const headers = sendable(theirs, type, fromHeaders !== undefined)
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
      const isCounted = retries > 0 && headers.has(RETRY_COUNT)
      const ours = isNative && !isCounted ? headers : new Headers(headers)
      if (isCounted) ours.set(RETRY_COUNT, String(retries))
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

/** The call without our hints, for `fetch` to send as it is. */
export function withoutHints(input: RequestInfo | URL, init: HintedInit | undefined): RequestInit {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  const hasOurs = dropHintHeaders(headers)
  return { ...withoutOurKeys(init ?? {}), ...(hasOurs && { headers }) }
}

/** The headers as they are to be sent: the same object where nothing is to be changed, which is the rule. */
function sendable(theirs: Headers, type: string, hasHints: boolean): Headers {
  if (theirs.has('content-type') && !theirs.has('content-length') && !hasHints) return theirs
  const headers = new Headers(theirs)
  dropHintHeaders(headers)
  headers.delete('content-length')
  if (!headers.has('content-type')) headers.set('content-type', type)
  return headers
}

/** Where a metered call goes: the same few addresses again and again. */
interface Target {
  readonly url: URL
  readonly route: Route
  /** The deployment that an Azure URL names; empty if none. */
  readonly deployment: string
}

const MAX_TARGETS = 100
const targets = new Map<string, Target>()

/** Undefined if calls to it are not metered. */
function targetOf(text: string): Target | undefined {
  const known = targets.get(text)
  if (known !== undefined) return known
  const url = parseUrl(text)
  const path = url && METERED_PATH.exec(url.pathname)?.[1]
  if (!url || !path) return undefined
  const target = { url, route: ROUTES[path]!, deployment: deploymentOf(url) }
  if (targets.size < MAX_TARGETS) targets.set(text, target)
  return target
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text, globalThis.location?.href)
  } catch {
    return undefined
  }
}

/** The body's text, and the type that `fetch` would send it with if the headers name none. */
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
    // The engine's own words quote the body: a prompt has no place in an error, nor in the log that it goes to.
    const at = /position \d+/.exec((cause as Error).message)?.[0]
    throw new InvalidRequest(`The body of POST ${url.pathname} is not JSON${at === undefined ? '' : `, at ${at}`}`)
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new InvalidRequest(`The body of POST ${url.pathname} is no JSON object: send { "model": …, … }`)
}

/** What a `Request` says beside its body: lost where it is taken apart. */
function settingsOfRequest(request: Request): RequestInit {
  const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy } = request
  return { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy }
}

function deploymentOf(url: URL): string {
  const name = AZURE_DEPLOYMENT.exec(url.pathname)?.[2] ?? ''
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function withDeployment(url: URL, model: string): string {
  const rewritten = new URL(url)
  rewritten.pathname = url.pathname.replace(
    AZURE_DEPLOYMENT,
    (_, before: string, __, after: string) => before + encodeURIComponent(model) + after,
  )
  return rewritten.href
}
