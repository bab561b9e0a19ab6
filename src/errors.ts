/** Marks Headgate's errors across copies of the package. `instanceof` fails if two copies are installed. */
const BRAND: unique symbol = Symbol.for('headgate.error') as never

/** The codes of all Headgate errors. */
export type HeadgateErrorCode =
  | 'request_too_large'
  | 'queue_full'
  | 'deadline_impossible'
  | 'quota_exhausted'
  | 'limiter_closed'
  | 'invalid_limits'
  | 'invalid_request'
  | ModelStudioErrorCode

/** The codes of `headgate/model-studio`, which exports their classes. */
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

/** The base class of all Headgate errors. `code` is the class's name in snake_case. */
export abstract class HeadgateError extends Error {
  abstract readonly code: HeadgateErrorCode
  readonly [BRAND] = true

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The request can never start: it is larger than a limit permits in a whole window. */
export class RequestTooLarge extends HeadgateError {
  readonly code = 'request_too_large'
}

/** The queue is full: `maxQueue` requests already wait. */
export class QueueFull extends HeadgateError {
  readonly code = 'queue_full'
}

/** The request cannot start before its deadline, or did not start in time. */
export class DeadlineImpossible extends HeadgateError {
  readonly code = 'deadline_impossible'
  /** The predicted wait in ms. Undefined if the request waited and its deadline passed. */
  readonly predictedWaitMs: number | undefined

  constructor(message: string, options?: ErrorOptions & { predictedWaitMs?: number | undefined }) {
    super(message, options)
    this.predictedWaitMs = options?.predictedWaitMs
  }
}

/** The account's quota is exhausted. Waiting a minute does not help. */
export class QuotaExhausted extends HeadgateError {
  readonly code = 'quota_exhausted'
  /** When the quota resets; undefined if the server did not say. */
  readonly resetAt: Date | undefined

  constructor(message: string, options?: ErrorOptions & { resetAt?: Date | undefined }) {
    super(message, options)
    this.resetAt = options?.resetAt
  }
}

/** The limiter was closed before it accepted the request, or `close({ abandon: true })` rejected the waiting request. */
export class LimiterClosed extends HeadgateError {
  readonly code = 'limiter_closed'
}

/** A limit is negative, zero, NaN, too large, or not a number. */
export class InvalidLimits extends HeadgateError {
  readonly code = 'invalid_limits'
}

/** The request or an option is invalid. */
export class InvalidRequest extends HeadgateError {
  readonly code = 'invalid_request'
}

/**
 * Whether `error` is an error of Headgate, from any copy of the package. Unlike {@link isHeadgateError}, false for a client's
 * errors.
 */
export function isOwnError(error: unknown, code?: HeadgateErrorCode): error is HeadgateError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [BRAND]?: unknown })[BRAND] === true &&
    (code === undefined || (error as HeadgateError).code === code)
  )
}

/** The type that {@link isHeadgateError} narrows to: a Headgate error, or a client's error that stands for one. */
export interface HeadgateErrorLike extends Error {
  /** Undefined for a client's connection error after `close()`. Its `cause` is then the `LimiterClosed`. */
  readonly code?: HeadgateErrorCode | undefined
}

/**
 * Whether `error` is a Headgate error, with this `code` if one is given. Works across copies of the package.
 *
 * Also true for a client's error that stands for one: openai's `RateLimitError` and `BadRequestError` with a Headgate code, its
 * `APIConnectionError` after `close()`, and `APICallError` of Vercel's AI SDK. {@link headgateErrorOf} returns the Headgate
 * error itself.
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

/** The class of errors with the code `C`: `DeadlineImpossible` for `'deadline_impossible'`. */
export type HeadgateErrorOf<C extends HeadgateErrorCode> = C extends keyof typeof REFUSALS
  ? InstanceType<(typeof REFUSALS)[C]>
  : HeadgateError

/**
 * The Headgate error that `error` is or stands for, with all its fields. Undefined if there is none, or if its code is not
 * `code`.
 *
 * For a client's error, the result is a new error with the client's error as its `cause`.
 *
 * @example
 * const waitMs = headgateErrorOf(error, 'deadline_impossible')?.predictedWaitMs
 */
export function headgateErrorOf<C extends HeadgateErrorCode>(error: unknown, code?: C): HeadgateErrorOf<C> | undefined {
  try {
    const found = isOwnError(error) ? error : behindClient(error)
    return code === undefined || found?.code === code ? (found as HeadgateErrorOf<C> | undefined) : undefined
  } catch {
    // A getter of the error threw. The error then counts as foreign.
    return undefined
  }
}

/**
 * The longest body that is parsed, in characters. Chosen: Headgate's bodies have a few hundred. Larger spends time on foreign
 * bodies; smaller misses a Headgate error with a long message.
 */
const MAX_BODY = 10_000

function behindClient(error: unknown): HeadgateError | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { cause, error: body, responseBody } = error as { cause?: unknown; error?: unknown; responseBody?: unknown }
  if (isOwnError(cause, 'limiter_closed')) return cause
  if (typeof responseBody !== 'string') return errorOfBody(body, error)
  if (responseBody.length > MAX_BODY) return undefined
  return errorOfBody((JSON.parse(responseBody) as { error?: unknown } | null)?.error, error)
}

/** The fields that {@link errorBody} writes. */
interface ErrorFields {
  readonly message: string
  readonly code: HeadgateErrorCode
  /** Distinguishes a Headgate error from a service's error with the same code. */
  readonly headgate: { readonly predicted_wait_ms?: number; readonly reset_at?: string }
}

/** The times at which the request may succeed, if the error knows them. */
export type RefusalTimes = Partial<Pick<DeadlineImpossible, 'predictedWaitMs'> & Pick<QuotaExhausted, 'resetAt'>>

/** The `error` field of the answer to a request that Headgate refuses, in OpenAI's format. */
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
