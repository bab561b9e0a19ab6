import { abortableSleep, orAborted } from '../../abort-signals.js'
import type { Clock } from '../../clock.js'
import { isJsonObject } from '../../json.js'
import { backoffMs } from '../../throttling/backoff.js'
import { AttemptTimeout } from '../../transport/attempt-timeout.js'
import {
  type ControlPlaneAnswer,
  described,
  MalformedAnswer,
  readAnswer,
  AnswerTooLong,
} from './control-plane-answer.js'
import { ConnectionFailed, ModelStudioError, ServiceUnavailable, TimedOut, UnexpectedAnswer } from '../errors.js'
import { CallPacing } from './call-pacing.js'
import { idOf, type ControlPlaneRefusal, refusalOf } from './control-plane-refusal.js'
import type { Secret } from './secret.js'

/**
 * Maximum `Retry-After` that the client waits for, in ms. Chosen. A larger value blocks callers longer. A smaller value
 * fails calls early.
 */
const MAX_ADVICE_MS = 60_000

export interface CallsOptions {
  /** Without a slash at the end. */
  readonly base: string
  readonly secret: Secret
  readonly workspace: string | undefined
  readonly maxRetries: number
  readonly timeoutMs: number
  readonly minIntervalMs: number
  readonly fetch: typeof globalThis.fetch | undefined
  readonly clock: Clock
  readonly random: () => number
}

export interface ControlPlaneCall<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** After the base, with its slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: object
  readonly signal?: AbortSignal | undefined
  /** What the answer's `output` says. May throw `Misshapen`. */
  readonly read: (output: Readonly<Record<string, unknown>>) => T
  /** Reads an answer without `output`, where it may be so. */
  readonly readEmpty?: () => T
  /** What a message says where it is not known whether the call was done. */
  readonly ifUnknown?: string
  /** Is called where an attempt ended without telling whether it was done. */
  readonly onUnknown?: () => void
}

interface Success<T> {
  readonly value: T
}

/** Sends paced calls, and retries transient failures of calls that are safe to repeat. */
export class ControlPlaneCalls {
  readonly clock: Clock
  readonly #options: CallsOptions
  readonly #pacing: CallPacing

  constructor(options: CallsOptions) {
    this.clock = options.clock
    this.#options = options
    this.#pacing = new CallPacing(options.clock, options.minIntervalMs)
  }

  /** @throws ModelStudioError; the signal's reason */
  async send<T>(call: ControlPlaneCall<T>): Promise<T> {
    const { random, clock } = this.#options
    // A second POST could make a second deployment.
    const maxRetries = call.method === 'POST' ? 0 : this.#options.maxRetries
    for (let retry = 0; ; retry++) {
      await this.#pacing.turn(call.signal)
      const outcome = await this.#attempt(call)
      if ('value' in outcome) return outcome.value
      const { error, isTransient, retryAfterMs = 0 } = outcome
      if (isTransient && error.status !== 429) call.onUnknown?.()
      if (!isTransient || retry >= maxRetries || retryAfterMs > MAX_ADVICE_MS) throw error
      const waitMs = backoffMs(retry, outcome.retryAfterMs, random)
      if (error.status === 429) this.#pacing.hold(waitMs)
      await abortableSleep(clock, waitMs, call.signal)
    }
  }

  async #attempt<T>(call: ControlPlaneCall<T>): Promise<Success<T> | ControlPlaneRefusal> {
    const { secret, timeoutMs, clock } = this.#options
    const { signal } = call
    const timeout = new AttemptTimeout(signal, clock, timeoutMs)
    const callText = `${call.method} ${this.#pathOf(call)}`
    const note = noteOf(call)
    try {
      return this.#judge(await orAborted(this.#fetch(call, timeout.signal), timeout.signal), call, callText)
    } catch (cause) {
      if (cause instanceof ModelStudioError) return { error: cause, isTransient: false, retryAfterMs: undefined }
      if (signal?.aborted === true) throw signal.reason
      if (cause instanceof AnswerTooLong) {
        const error = new UnexpectedAnswer(`${callText} was answered with ${cause.message}${note}`)
        return { error, isTransient: false, retryAfterMs: undefined }
      }
      const error =
        timeout.signal?.aborted === true
          ? new TimedOut(`${callText} had no whole answer after ${timeoutMs} ms${note}`)
          : new ConnectionFailed(`${callText} had no whole answer: ${reasonOf(cause, secret)}${note}`, {
              cause: secret.hideIn(cause),
            })
      return { error, isTransient: true, retryAfterMs: undefined }
    } finally {
      timeout.release()
    }
  }

  async #fetch(call: ControlPlaneCall<unknown>, signal: AbortSignal | undefined): Promise<ControlPlaneAnswer> {
    const { base, secret, workspace, fetch = globalThis.fetch } = this.#options
    const url = new URL(base + call.path)
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const response = await fetch(url.href, {
      method: call.method,
      headers: {
        accept: 'application/json',
        authorization: secret.bearer,
        ...(workspace !== undefined && { 'x-dashscope-workspace': workspace }),
        ...(call.body && { 'content-type': 'application/json' }),
      },
      ...(call.body && { body: JSON.stringify(call.body) }),
      // Following a redirect would send the key to another host.
      redirect: 'manual',
      ...(signal && { signal }),
    })
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel().catch(() => undefined)
      throw this.#redirected(call, response)
    }
    return readAnswer(response, signal)
  }

  #judge<T>(answer: ControlPlaneAnswer, call: ControlPlaneCall<T>, callText: string): Success<T> | ControlPlaneRefusal {
    const { secret } = this.#options
    const { status, json } = answer
    if (status < 200 || status >= 300) return refusalOf(answer, callText, secret, call.ifUnknown)
    const requestId = idOf(answer, secret)
    const unexpected = (what: string): UnexpectedAnswer => {
      const id = requestId === undefined ? '' : ` (request ${requestId})`
      const said = `${callText} was answered ${status} ${secret.hide(what)}${id}${noteOf(call)}`
      return new UnexpectedAnswer(said, { status, requestId })
    }
    const { read, readEmpty } = call
    if (answer.text.trim() === '' && readEmpty !== undefined) return { value: readEmpty() }
    if (json === undefined) throw unexpected(described(answer, (text) => secret.hide(text)))
    if (!isJsonObject(json)) throw unexpected('with JSON that is no object')
    if (isJsonObject(json['output'])) {
      try {
        return { value: read(json['output']) }
      } catch (error) {
        throw error instanceof MalformedAnswer ? unexpected(error.message) : error
      }
    }
    // Some gateways refuse with status 200.
    if (typeof json['code'] === 'string' && json['code'] !== '') return refusalOf(answer, callText, secret)
    if (readEmpty !== undefined && (json['output'] ?? undefined) === undefined) return { value: readEmpty() }
    throw unexpected("without 'output'")
  }

  #redirected(call: ControlPlaneCall<unknown>, { status, headers }: Response): ModelStudioError {
    const { secret } = this.#options
    // Without its query, which may say who asks.
    const target = headers.get('location')?.split('?')[0]
    const id = headers.get('x-request-id')
    const to = target === undefined ? '' : ` to ${secret.hide(target)}`
    return new UnexpectedAnswer(
      `${call.method} ${this.#pathOf(call)} was redirected${to}: it is not followed, lest the key go elsewhere; check baseURL${noteOf(call)}`,
      { status, requestId: id === null ? undefined : secret.hide(id) },
    )
  }

  #pathOf({ path }: ControlPlaneCall<unknown>): string {
    return this.#options.base + path
  }
}

function noteOf({ ifUnknown }: ControlPlaneCall<unknown>): string {
  return ifUnknown === undefined ? '' : `; ${ifUnknown}`
}

/** Returns the message of the innermost cause. `fetch failed` alone explains nothing. */
function reasonOf(error: unknown, secret: Secret): string {
  let innermost = error
  for (let depth = 0; depth < 6 && isJsonObject(innermost) && isJsonObject(innermost['cause']); depth++) {
    innermost = innermost['cause']
  }
  const { message, code, errors } = (isJsonObject(innermost) ? innermost : { message: String(innermost) }) as {
    readonly message?: unknown
    readonly code?: unknown
    readonly errors?: unknown
  }
  const several = Array.isArray(errors) ? (errors[0] as Error | undefined)?.message : undefined
  const said = [message, several, code].find((words) => typeof words === 'string' && words !== '')
  return secret.hide(typeof said === 'string' ? said : 'an error without a message')
}

/** Whether the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ConnectionFailed ||
    error instanceof ServiceUnavailable ||
    error instanceof TimedOut ||
    (error instanceof ModelStudioError && error.code === 'throttled')
  )
}
