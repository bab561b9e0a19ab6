import { InvalidRequest } from '../errors.js'
import type { Limiter } from '../limiter.js'
import { callOf, withCall, withSettings, type ClientSettings } from '../transport/hints.js'

/**
 * The timeout of the wrapped client, in ms: the longest delay that a timer accepts.
 *
 * Derived: `setTimeout` stores the delay as a signed 32-bit integer. Larger: the timer fires at once. Smaller: the time
 * that a request waits in the queue could exceed it, because the client's timer also runs then.
 */
const NO_TIMEOUT_MS = 2 ** 31 - 1
/** The defaults of the `openai` client, documented by it: a timeout in ms, and a number of retries. */
const DEFAULT_TIMEOUT_MS = 600_000
const DEFAULT_RETRIES = 2

/** The parts of a client that `limitOpenAI` needs. `OpenAI` and `AzureOpenAI` of the `openai` package have them. */
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
 * A client of the same type whose requests wait for the limits of their model. `client` itself does not change.
 *
 * The client's `timeout` starts when the request is sent, not while it waits. A `timeout` of a single call is a
 * deadline for the whole call, the wait included. The limiter does the retries in place of the client, up to the
 * client's `maxRetries`.
 *
 * @throws InvalidRequest if `client` is not a client of the `openai` package (version 5, 6 or 7), or `limiter` not a limiter
 */
export function limitOpenAI<C extends WrappableClient>(client: C, limiter: Limiter): C {
  if (typeof client?.withOptions !== 'function') {
    throw new InvalidRequest(
      'limitOpenAI(client, limiter): client must be a client of the openai package, version 5 or later',
    )
  }
  if (typeof limiter?.fetch !== 'function') {
    throw new InvalidRequest('limitOpenAI(client, limiter): limiter must be the result of createLimiter()')
  }
  const settings: ClientSettings = {
    fetch: ownFetch(client),
    timeoutMs: client.timeout ?? DEFAULT_TIMEOUT_MS,
    maxRetries: client.maxRetries ?? DEFAULT_RETRIES,
    coversBody: coversBody(client),
  }
  const { apiVersion, deploymentName } = client as { apiVersion?: string; deploymentName?: string }
  // `withOptions` loses these options in some versions. Before openai 7.11, that of `AzureOpenAI` loses the version.
  const lost = {
    ...(apiVersion && { apiVersion }),
    ...(deploymentName && { deployment: deploymentName }),
    // In openai 5.x and 6.0, `withOptions` loses a key that is a function.
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
  passCallOptions(wrapped)
  // A clone of this client is made from `client` and wrapped again, so its own timeout, retries and fetch apply.
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

/**
 * Passes the options of each call to the limiter. The client calls `prepareOptions` with them each time before it
 * builds the request.
 */
function passCallOptions(wrapped: object): void {
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

/**
 * Whether the client's timeout also covers reading a JSON body. It does since openai 7.5. The user agent contains the
 * version.
 */
function coversBody(client: object): boolean {
  const { getUserAgent } = client as { getUserAgent?: () => unknown }
  const found = typeof getUserAgent === 'function' ? /(\d+)\.(\d+)/.exec(String(getUserAgent.call(client))) : null
  const [major, minor] = [Number(found?.[1]), Number(found?.[2])]
  return major > 7 || (major === 7 && minor >= 5)
}

/** The original `withOptions` of each wrapped client. */
const ownWithOptions = new WeakMap<WrappableClient, WrappableClient['withOptions']>()

/**
 * A clone that the client's original `withOptions` makes, so an earlier limiter does not wrap it again. The client's
 * own fetch already calls that limiter.
 */
function clone(client: WrappableClient, options: Parameters<WrappableClient['withOptions']>[0]): unknown {
  return (ownWithOptions.get(client) ?? client.withOptions).call(client, options)
}

function functionKeyOf(client: object): { apiKey?: unknown } {
  const { _options: options } = client as { _options?: { apiKey?: unknown } }
  return typeof options?.apiKey === 'function' ? { apiKey: options.apiKey } : {}
}

/** The `fetch` that the client was created with. It is a private property in all versions. */
function ownFetch(client: WrappableClient): typeof globalThis.fetch {
  const { fetch } = client as { fetch?: unknown }
  return typeof fetch === 'function' ? (fetch as typeof globalThis.fetch) : globalThis.fetch
}
