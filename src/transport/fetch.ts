import type { Clock } from '../clock.js'
import { estimateBody } from '../tokens/body-estimate.js'
import type { Tokenizer } from '../tokens/text-tokens.js'
import { ConnectionFailed, RefusedByServer } from '../throttling/request-errors.js'
import type { JobRequest } from '../dispatch/schedule-request.js'
import type { Run } from '../dispatch/attempt.js'
import { type Hints, mergedHints } from '../dispatch/hints.js'
import { InvalidRequest, isOwnError } from '../errors.js'
import { shown } from '../limits/limit-values.js'
import { profileOfHost } from '../throttling/profiles.js'
import type { Profile, Route } from '../types.js'
import { settingsOf, type ClientSettings } from './hints.js'
import { passThrough } from './pass-through.js'
import { readRequest, type MeteredRequest } from './metered-request.js'
import { refusalResponse, withoutRetry } from './refusal-response.js'
import { send, type SendOptions } from './send.js'
import type { UnmeteredCalls } from './unmetered-calls.js'

/** What an {@link Estimator} is asked about. */
export interface EstimatorInput {
  readonly route: Route
  readonly model: string
  /** The JSON body of the request. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Says what a request will cost where it knows better than the built-in estimate; what it leaves out stands. */
export type Estimator = (input: EstimatorInput) => {
  readonly inputTokens?: number
  readonly maxOutputTokens?: number
  readonly tokens?: number
}

export interface FetchOptions {
  readonly clock: Clock
  /** Runs a request once its limits allow it, and again where that helps. */
  readonly submit: <T>(request: JobRequest, run: Run<T>) => Promise<T>
  /** Undefined: by the request's host. */
  readonly profile: Profile | undefined
  /** Undefined: the wrapped client's. */
  readonly maxRetries: number | undefined
  readonly estimator: Estimator | undefined
  readonly tokenizer: Tokenizer | undefined
  /** For the waiting times of what is not metered. */
  readonly random: () => number
  /** Looks at what is not metered. */
  readonly unmetered: UnmeteredCalls
  /** For requests that do not say it themselves; undefined: none. */
  readonly hints?: Hints | undefined
}

/**
 * A drop-in `fetch`: calls of metered endpoints go through the dispatcher, everything else passes as it is. What the
 * limiter itself refuses is answered as the service would.
 */
export function createFetch(options: FetchOptions): typeof globalThis.fetch {
  return async (input, init) => {
    const settings = settingsOf(init)
    const call = settings?.call
    const sendOptions: SendOptions = {
      clock: options.clock,
      fetch: settings?.fetch ?? globalThis.fetch,
      timeoutMs: settings?.timeoutMs,
      coversBody: settings?.coversBody === true,
      handOverBy: call?.timeoutMs === undefined ? undefined : options.clock.now() + HAND_OVER_AFTER * call.timeoutMs,
    }
    call?.begin()
    let retries = 0
    try {
      const request = await readRequest(input, init)
      if (request === undefined) {
        options.unmetered.observe(input, init)
        // An SDK that was given `limiter.fetch` still retries unmetered calls by itself.
        const maxRetries = settings === undefined ? 0 : (retriesOf(options, settings) ?? 0)
        const onRetry = () => void retries++
        const callerRetries = call?.retriesLeft !== undefined
        return await passThrough(input, init, {
          ...sendOptions,
          maxRetries,
          random: options.random,
          callerRetries,
          onRetry,
        })
      }
      const job = jobOf(request, options, settings)
      const box = await options.submit(job, async (attempt): Promise<Box> => {
        retries = attempt.job.retries
        return { response: await send(request, attempt, sendOptions) }
      })
      return takeOut(box)
    } catch (error) {
      call?.failed(error instanceof ConnectionFailed ? error.cause : error, retries)
      return lastAnswer(error)
    }
  }
}

/** A stream without content goes to its reader after this share of its call's timeout, which ends with the head. Chosen. */
const HAND_OVER_AFTER = 0.9

/**
 * Carries an answer through the dispatcher. The job keeps the value that it resolved to, and the settlement of a stream keeps
 * the job. With the answer itself as the value, a stream that nobody reads could never be collected.
 */
interface Box {
  response: Response | undefined
}

function takeOut(box: Box): Response {
  const response = box.response!
  box.response = undefined
  return response
}

/** The retries of the single call come first, then the limiter's, then the client's. */
function retriesOf(options: FetchOptions, settings: ClientSettings | undefined): number | undefined {
  return settings?.call?.retriesLeft ?? options.maxRetries ?? settings?.maxRetries
}

function jobOf(request: MeteredRequest, options: FetchOptions, settings: ClientSettings | undefined): JobRequest {
  const { route, model, body, signal } = request
  const hints = options.hints === undefined ? request.hints : mergedHints(options.hints, request.hints)
  const { inputTokens, maxOutputTokens, choices } = estimateBody(route, body, model, options.tokenizer)
  const own = options.estimator && ownEstimate(request, options.estimator)
  return {
    model,
    route,
    choices,
    inputTokens: own?.inputTokens ?? inputTokens,
    maxOutputTokens: own?.maxOutputTokens ?? maxOutputTokens,
    tokens: own?.tokens,
    priority: hints.priority,
    tenant: hints.tenant,
    deadlineMs: hints.deadlineMs,
    fallback: hints.fallback,
    signal,
    maxRetries: retriesOf(options, settings),
    // SDKs retry by themselves where no answer comes. Retries here would multiply theirs.
    callerRetries: settings === undefined ? request.isFromSdk : settings.call?.retriesLeft !== undefined,
    profile: options.profile ?? profileOfHost(request.url.hostname),
  }
}

function ownEstimate({ route, model, body }: MeteredRequest, estimator: Estimator): ReturnType<Estimator> {
  try {
    const estimate: unknown = estimator({ route, model, body })
    if (
      typeof estimate !== 'object' ||
      estimate === null ||
      typeof (estimate as { then?: unknown }).then === 'function'
    )
      throw new TypeError(`it gave ${shown(estimate)}, not { inputTokens, maxOutputTokens, tokens }`)
    // Read here: it may be a getter that throws, too.
    const { inputTokens, maxOutputTokens, tokens } = estimate as ReturnType<Estimator>
    return {
      ...(inputTokens !== undefined && { inputTokens }),
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(tokens !== undefined && { tokens }),
    }
  } catch (cause) {
    throw new InvalidRequest(`The estimator failed for a request to '${model}': ${String(cause)}`, { cause })
  }
}

/** What the caller gets for a failed request: the server's last answer or our refusal. Throws what `fetch` threw. */
function lastAnswer(error: unknown): Response {
  const served = isOwnError(error, 'quota_exhausted') && error.cause instanceof RefusedByServer ? error.cause : error
  if (served instanceof RefusedByServer) return withoutRetry(served.response)
  const refusal = refusalResponse(error)
  if (refusal !== undefined) return refusal
  throw error instanceof ConnectionFailed ? error.cause : error
}
