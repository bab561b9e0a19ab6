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

/** Whether `error` is one of ours, and of this `code` if one is given. Works across copies of the package. */
export function isHeadgateError(error: unknown, code?: HeadgateErrorCode): error is HeadgateError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [BRAND]?: unknown })[BRAND] === true &&
    (code === undefined || (error as HeadgateError).code === code)
  )
}
