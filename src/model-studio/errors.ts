import { HeadgateError } from '../errors.js'
import type { Deployment } from './types.js'

export interface FailureDetails extends ErrorOptions {
  readonly status?: number | undefined
  readonly serviceCode?: string | undefined
  readonly requestId?: string | undefined
}

/** The base class of errors of Model Studio calls. No error contains the API key. */
export abstract class ModelStudioError extends HeadgateError {
  /** The HTTP status. Undefined if no answer came. */
  readonly status: number | undefined
  /** The service's own code, such as `InvalidParameter`. */
  readonly serviceCode: string | undefined
  /** The service's request id, for its support. Undefined if no answer contained one. */
  readonly requestId: string | undefined

  constructor(message: string, { status, serviceCode, requestId, ...options }: FailureDetails = {}) {
    super(message, options)
    this.status = status
    this.serviceCode = serviceCode
    this.requestId = requestId
  }
}

/** The deployment, or the model to deploy, does not exist. */
export class NotFound extends ModelStudioError {
  readonly code = 'not_found'
}

/** A deployment of that name exists already, or its status does not allow the change. */
export class Conflict extends ModelStudioError {
  readonly code = 'conflict'
}

/** The service refused an argument. Arguments that the client can check itself throw `InvalidRequest` instead. */
export class InvalidParameter extends ModelStudioError {
  readonly code = 'invalid_parameter'
}

/** The API key is invalid, or the key or the account lacks the permission. */
export class PermissionDenied extends ModelStudioError {
  readonly code = 'permission_denied'
}

/** The control plane answered 429, also after all retries. */
export class Throttled extends ModelStudioError {
  readonly code = 'throttled'
  /** The service's `Retry-After`, in ms from the answer. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, details: FailureDetails & { retryAfterMs?: number | undefined } = {}) {
    const { retryAfterMs, ...rest } = details
    super(message, rest)
    this.retryAfterMs = retryAfterMs
  }
}

/** The service failed (5xx), also after all retries. */
export class ServiceUnavailable extends ModelStudioError {
  readonly code = 'service_unavailable'
}

/** No answer came, or the answer was interrupted. */
export class ConnectionFailed extends ModelStudioError {
  readonly code = 'connection_failed'
}

/** An answer, or the awaited status, did not arrive in time. */
export class TimedOut extends ModelStudioError {
  readonly code = 'timed_out'
}

/** The answer has an unexpected form: not JSON, a redirect, or a list without an end. */
export class UnexpectedAnswer extends ModelStudioError {
  readonly code = 'unexpected_answer'
}

/** The deployment cannot reach the awaited status. */
export class DeploymentFailed extends ModelStudioError {
  readonly code = 'deployment_failed'
  /** The last known state of the deployment. */
  readonly deployment: Deployment

  constructor(message: string, deployment: Deployment) {
    super(message)
    this.deployment = deployment
  }
}
