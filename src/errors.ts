/** Marks our errors across copies of the package: `instanceof` fails where two copies are installed. */
const BRAND: unique symbol = Symbol.for('headgate.error') as never

/** The codes of all errors that this package raises. */
export type HeadgateErrorCode =
  | 'request_too_large'
  | 'queue_full'
  | 'deadline_impossible'
  | 'quota_exhausted'
  | 'limiter_closed'
  | 'invalid_limits'
  | 'invalid_request'
  | ModelStudioErrorCode

/** Those of `headgate/model-studio`, whose classes are there. */
export type ModelStudioErrorCode =
  | 'not_found'
  | 'conflict'
  | 'invalid_parameter'
  | 'permission_denied'
  | 'throttled'
  | 'service_unavailable'
  | 'connection_failed'
  | 'timed_out'
  | 'unexpected_answer'
  | 'deployment_failed'

/** The base of all errors of this package. `code` is the class's name in snake_case. */
export abstract class HeadgateError extends Error {
  abstract readonly code: HeadgateErrorCode
  readonly [BRAND] = true

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The request can never pass: it is larger than a limit allows in its whole window. */
export class RequestTooLarge extends HeadgateError {
  readonly code = 'request_too_large'
}

/** `maxQueue` jobs already wait. */
export class QueueFull extends HeadgateError {
  readonly code = 'queue_full'
}

/** The request could not start before its deadline, or did not. */
export class DeadlineImpossible extends HeadgateError {
  readonly code = 'deadline_impossible'
  /** How long it would have to wait, in ms; undefined where it waited in vain. */
  readonly predictedWaitMs: number | undefined

  constructor(message: string, options?: ErrorOptions & { predictedWaitMs?: number | undefined }) {
    super(message, options)
    this.predictedWaitMs = options?.predictedWaitMs
  }
}

/** The account's quota is used up, and waiting a minute does not help. */
export class QuotaExhausted extends HeadgateError {
  readonly code = 'quota_exhausted'
  /** When the quota comes back, where the server said so. */
  readonly resetAt: Date | undefined

  constructor(message: string, options?: ErrorOptions & { resetAt?: Date | undefined }) {
    super(message, options)
    this.resetAt = options?.resetAt
  }
}

/** The limiter was closed before this request was taken, or while it waited and was abandoned. */
export class LimiterClosed extends HeadgateError {
  readonly code = 'limiter_closed'
}

/** A limit is negative, zero, NaN, too large, or not a number. */
export class InvalidLimits extends HeadgateError {
  readonly code = 'invalid_limits'
}

/** The request or an option is not of the form that it must have. */
export class InvalidRequest extends HeadgateError {
  readonly code = 'invalid_request'
}

/** Whether this package made `error`, in any of its copies. Unlike {@link isHeadgateError}, false for errors of a client. */
export function isOwnError(error: unknown, code?: HeadgateErrorCode): error is HeadgateError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [BRAND]?: unknown })[BRAND] === true &&
    (code === undefined || (error as HeadgateError).code === code)
  )
}

/** What {@link isHeadgateError} narrows to: one of ours, or the error of a client that stands for it. */
export interface HeadgateErrorLike extends Error {
  /** Undefined at a client's connection error after `close()`, whose `cause` is our `LimiterClosed`. */
  readonly code?: HeadgateErrorCode | undefined
}

/**
 * Whether `error` is one of ours, and of this `code` if one is given. Also true for an error that a client made of our
 * refusal: openai's `RateLimitError` and `BadRequestError` with our code, its `APIConnectionError` after `close()`, and an
 * `APICallError` of Vercel's AI SDK. Works across copies of the package. {@link headgateErrorOf} returns the error itself.
 */
export function isHeadgateError(error: unknown, code?: HeadgateErrorCode): error is HeadgateErrorLike {
  return headgateErrorOf(error, code) !== undefined
}

const REFUSALS = {
  request_too_large: RequestTooLarge,
  queue_full: QueueFull,
  deadline_impossible: DeadlineImpossible,
  quota_exhausted: QuotaExhausted,
  limiter_closed: LimiterClosed,
  invalid_limits: InvalidLimits,
  invalid_request: InvalidRequest,
} as const

/** The class of our errors with the code `C`, such as `DeadlineImpossible` for `'deadline_impossible'`. */
export type HeadgateErrorOf<C extends HeadgateErrorCode> = C extends keyof typeof REFUSALS
  ? InstanceType<(typeof REFUSALS)[C]>
  : HeadgateError

/**
 * Our error that `error` is or stands for, as {@link isHeadgateError} finds it, so that what it knows can be read:
 *
 * ```ts
 * const waitMs = headgateErrorOf(error, 'deadline_impossible')?.predictedWaitMs
 * ```
 *
 * Undefined where `error` is none of ours, or not of this `code`. For an error of a client the result is a new one, with the
 * client's error as its `cause`.
 */
export function headgateErrorOf<C extends HeadgateErrorCode>(error: unknown, code?: C): HeadgateErrorOf<C> | undefined {
  try {
    const found = isOwnError(error) ? error : behindClient(error)
    return code === undefined || found?.code === code ? (found as HeadgateErrorOf<C> | undefined) : undefined
  } catch {
    // A getter of the error threw: it is none of ours.
    return undefined
  }
}

/** The longest body that is parsed, in characters: ours have a few hundred. */
const MAX_BODY = 10_000

function behindClient(error: unknown): HeadgateError | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { cause, error: body, responseBody } = error as { cause?: unknown; error?: unknown; responseBody?: unknown }
  if (isOwnError(cause, 'limiter_closed')) return cause
  if (typeof responseBody !== 'string') return errorOfBody(body, error)
  if (responseBody.length > MAX_BODY) return undefined
  return errorOfBody((JSON.parse(responseBody) as { error?: unknown } | null)?.error, error)
}

/** What {@link errorBody} wrote. */
interface ErrorFields {
  readonly message: string
  readonly code: HeadgateErrorCode
  /** Tells ours from an error of the service with the same code. */
  readonly headgate: { readonly predicted_wait_ms?: number; readonly reset_at?: string }
}

/** When a request may succeed, where the error knows it. */
export type RefusalTimes = Partial<Pick<DeadlineImpossible, 'predictedWaitMs'> & Pick<QuotaExhausted, 'resetAt'>>

/** The `error` of a body that a refusal of ours is answered with, as OpenAI words its own. */
export function errorBody(error: HeadgateError): ErrorFields & { readonly type: string; readonly param: null } {
  const { message, code } = error
  const { predictedWaitMs, resetAt } = error as RefusalTimes
  const headgate = {
    ...(predictedWaitMs !== undefined && Number.isFinite(predictedWaitMs) && { predicted_wait_ms: predictedWaitMs }),
    ...(resetAt !== undefined && !Number.isNaN(resetAt.getTime()) && { reset_at: resetAt.toISOString() }),
  }
  return { message, type: code, param: null, code, headgate }
}

function errorOfBody(body: unknown, cause: unknown): HeadgateError | undefined {
  const { message, code, headgate } = (body ?? {}) as Partial<ErrorFields>
  if (typeof headgate !== 'object' || headgate === null) return undefined
  if (typeof code !== 'string' || !Object.hasOwn(REFUSALS, code)) return undefined
  const { predicted_wait_ms: waitMs, reset_at: reset } = headgate
  const resetAt = new Date(typeof reset === 'string' ? reset : Number.NaN)
  return new REFUSALS[code as keyof typeof REFUSALS](String(message), {
    cause,
    predictedWaitMs: typeof waitMs === 'number' && waitMs >= 0 ? waitMs : undefined,
    resetAt: Number.isNaN(resetAt.getTime()) ? undefined : resetAt,
  })
}
