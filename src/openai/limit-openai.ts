import { InvalidRequest } from '../errors.js'
import type { Limiter } from '../limiter.js'
import { callOf, withCall, withSettings, type ClientSettings } from '../transport/hints.js'

/** The largest delay that a timer takes: the wait in the queue must not run into the clone's timeout. */
const NO_TIMEOUT_MS = 2 ** 31 - 1
/** The `openai` client's own defaults. */
const DEFAULT_TIMEOUT_MS = 600_000
const DEFAULT_RETRIES = 2

/** What is needed of a client: `OpenAI` and `AzureOpenAI` of the `openai` package have it. */
export interface WrappableClient {
  timeout: number
  maxRetries: number
  withOptions(options: {
    fetch?: typeof globalThis.fetch
    maxRetries?: number
    timeout?: number
    apiVersion?: string
    deployment?: string
  }): unknown
}

/**
 * A client like `client` whose calls wait for the limits of their model. `client` itself is not changed.
 *
 * Its `timeout` counts from the moment when a request is sent, not while it waits; a `timeout` given with a single call
 * is a total deadline. Its `maxRetries` is the limiter's, which repeats in place of the client.
 *
 * @throws InvalidRequest if `client` is no client of the `openai` package (5, 6 or 7)
 */
export function limitOpenAI<C extends WrappableClient>(client: C, limiter: Limiter): C {
  if (typeof client?.withOptions !== 'function') {
    throw new InvalidRequest('limitOpenAI(client, limiter): give a client of the openai package, version 5 or later')
  }
  if (typeof limiter?.fetch !== 'function') {
    throw new InvalidRequest('limitOpenAI(client, limiter): give what createLimiter() returned as limiter')
  }
  const settings: ClientSettings = {
    fetch: ownFetch(client),
    timeoutMs: client.timeout ?? DEFAULT_TIMEOUT_MS,
    maxRetries: client.maxRetries ?? DEFAULT_RETRIES,
    coversBody: coversBody(client),
  }
  const { apiVersion, deploymentName } = client as { apiVersion?: string; deploymentName?: string }
  // Clones lose these: those of AzureOpenAI the version, before openai 7.11.
  const lost = {
    ...(apiVersion && { apiVersion }),
    ...(deploymentName && { deployment: deploymentName }),
    // And clones of 5.x and 6.0 a key that is a function.
    ...functionKeyOf(client),
  }
  const wrapped = clone(client, {
    ...lost,
    fetch(input, init) {
      const call = callOf(init)
      return limiter.fetch(input, withSettings(init, call === undefined ? settings : { ...settings, call }))
    },
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
  }) as C
  tellOfCalls(wrapped)
  // A clone made of this one is wrapped as `client`'s would be, so that its own timeout, retries and fetch hold.
  const withOptions = (options: object): C => limitOpenAI(client.withOptions({ ...lost, ...options }) as C, limiter)
  ownWithOptions.set(wrapped, wrapped.withOptions)
  Object.defineProperty(wrapped, 'withOptions', { value: withOptions, configurable: true, writable: true })
  return wrapped
}

interface CallOptions {
  readonly maxRetries?: unknown
  readonly timeout?: unknown
  fetchOptions?: object
}

/** By the hook that the client calls with the options of each call, each time before it builds the request. */
function tellOfCalls(wrapped: object): void {
  const { prepareOptions } = wrapped as { prepareOptions?: (options: CallOptions) => Promise<void> }
  if (typeof prepareOptions !== 'function') return
  const prepare = async (options: CallOptions): Promise<void> => {
    await prepareOptions.call(wrapped, options)
    const maxRetries = countOf(options.maxRetries)
    const timeoutMs = countOf(options.timeout)
    if (maxRetries === undefined && timeoutMs === undefined) return
    options.fetchOptions = withCall(options.fetchOptions, { maxRetries, timeoutMs })
  }
  Object.defineProperty(wrapped, 'prepareOptions', { value: prepare, configurable: true, writable: true })
}

function countOf(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

/** Since 7.5 the client's timeout covers the bodies of answers of JSON; its user agent tells the version. */
function coversBody(client: object): boolean {
  const { getUserAgent } = client as { getUserAgent?: () => unknown }
  const found = typeof getUserAgent === 'function' ? /(\d+)\.(\d+)/.exec(String(getUserAgent.call(client))) : null
  const [major, minor] = [Number(found?.[1]), Number(found?.[2])]
  return major > 7 || (major === 7 && minor >= 5)
}

/** The `withOptions` that wrapped clients had of their own. */
const ownWithOptions = new WeakMap<WrappableClient, WrappableClient['withOptions']>()

/** A clone that is not wrapped anew by the limiter that wraps `client`: its fetch is below ours already. */
function clone(client: WrappableClient, options: Parameters<WrappableClient['withOptions']>[0]): unknown {
  return (ownWithOptions.get(client) ?? client.withOptions).call(client, options)
}

function functionKeyOf(client: object): { apiKey?: unknown } {
  const { _options: options } = client as { _options?: { apiKey?: unknown } }
  return typeof options?.apiKey === 'function' ? { apiKey: options.apiKey } : {}
}

/** The `fetch` that the client was made with; a private property of it in all versions. */
function ownFetch(client: WrappableClient): typeof globalThis.fetch {
  const { fetch } = client as { fetch?: unknown }
  return typeof fetch === 'function' ? (fetch as typeof globalThis.fetch) : globalThis.fetch
}
