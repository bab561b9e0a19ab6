import { HeadgateError } from '../errors.js'
import type { Deployment } from './types.js'

export interface FailureDetails extends ErrorOptions {
  readonly status?: number | undefined
  readonly serviceCode?: string | undefined
  readonly requestId?: string | undefined
}

/** The base of what goes wrong with a call to Model Studio. None of it has the key in it. */
export abstract class ModelStudioError extends HeadgateError {
  /** The HTTP status; undefined where no answer came. */
  readonly status: number | undefined
  /** The service's own code, such as `InvalidParameter`. */
  readonly serviceCode: string | undefined
  /** What the service calls the request, for its support; undefined where no answer came that says so. */
  readonly requestId: string | undefined

  constructor(message: string, { status, serviceCode, requestId, ...options }: FailureDetails = {}) {
    super(message, options)
    this.status = status
    this.serviceCode = serviceCode
    this.requestId = requestId
  }
}

/** There is no such deployment, or no such model to deploy. */
export class NotFound extends ModelStudioError {
  readonly code = 'not_found'
}

/** There is a deployment of that name already, or it is in a state in which it cannot be changed so. */
export class Conflict extends ModelStudioError {
  readonly code = 'conflict'
}

/** The service refused an argument. What can be told without asking it is refused as `InvalidRequest`. */
export class InvalidParameter extends ModelStudioError {
  readonly code = 'invalid_parameter'
}

/** The key is not known, or may not do this, or the account may not. */
export class PermissionDenied extends ModelStudioError {
  readonly code = 'permission_denied'
}

/** Too many calls to the control plane (429), also after it was repeated. */
export class Throttled extends ModelStudioError {
  readonly code = 'throttled'
  /** When the service says to come back, in ms from the answer. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, details: FailureDetails & { retryAfterMs?: number | undefined } = {}) {
    const { retryAfterMs, ...rest } = details
    super(message, rest)
    this.retryAfterMs = retryAfterMs
  }
}

/** The service failed (5xx), also after the call was repeated. */
export class ServiceUnavailable extends ModelStudioError {
  readonly code = 'service_unavailable'
}

/** No answer came, or it broke off. */
export class ConnectionFailed extends ModelStudioError {
  readonly code = 'connection_failed'
}

/** An answer, or the status that was waited for, did not come in time. */
export class TimedOut extends ModelStudioError {
  readonly code = 'timed_out'
}

/** The answer is not of the form that it must have: no JSON, a redirect, a list without end. */
export class UnexpectedAnswer extends ModelStudioError {
  readonly code = 'unexpected_answer'
}

/** The deployment will not come into the status that was waited for. */
export class DeploymentFailed extends ModelStudioError {
  readonly code = 'deployment_failed'
  /** As it was seen last. */
  readonly deployment: Deployment

  constructor(message: string, deployment: Deployment) {
    super(message)
    this.deployment = deployment
  }
}
