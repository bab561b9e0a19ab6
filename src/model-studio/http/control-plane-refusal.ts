import { classify } from '../../throttling/classify.js'
import { parseError } from '../../throttling/parse-error.js'
import { profiles } from '../../throttling/profiles.js'
import { described, requestIdOf, type ControlPlaneAnswer } from './control-plane-answer.js'
import {
  Conflict,
  type FailureDetails,
  InvalidParameter,
  type ModelStudioError,
  NotFound,
  PermissionDenied,
  ServiceUnavailable,
  Throttled,
  UnexpectedAnswer,
} from '../errors.js'
import type { Secret } from './secret.js'

/** A message is not longer than this, of characters. */
const MAX_WORDS = 1000

/** An answer that is no success. */
export interface ControlPlaneRefusal {
  readonly error: ModelStudioError
  /** Whether the same call may succeed later. */
  readonly isTransient: boolean
  /** When the service says to come back, in ms. */
  readonly retryAfterMs: number | undefined
}

/**
 * A refusal as an error. `call`: what was called, and `ifUnknown`: what to say where the service may have done it all the same,
 * for the message.
 */
export function refusalOf(
  answer: ControlPlaneAnswer,
  call: string,
  secret: Secret,
  ifUnknown?: string,
): ControlPlaneRefusal {
  const { code, message } = answer.json === undefined ? { code: '', message: '' } : parseError(answer.json)
  const hide = (text: string): string => secret.hide(text)
  const noWords = answer.json === undefined ? described(answer, hide) : 'without a message'
  const words = message === '' ? noWords : hide(message).slice(0, MAX_WORDS)
  const requestId = idOf(answer, secret)
  const serviceCode = code === '' ? undefined : hide(code).slice(0, MAX_WORDS)
  const verdict = classify(
    { status: answer.status, headers: answer.headers, body: answer.json },
    profiles['model-studio'],
  )
  const retryAfterMs = verdict.kind === 'transient' || verdict.kind === 'throttled' ? verdict.retryAfterMs : undefined
  const named = serviceCode === undefined ? '' : ` ${serviceCode}:`
  const id = requestId === undefined ? '' : ` (request ${requestId})`
  const note = ifUnknown === undefined || answer.status < 500 ? '' : `; ${ifUnknown}`
  const text = `${call} was answered ${answer.status}${named} ${words}${id}${note}`
  const error = errorOf(text, { status: answer.status, serviceCode, requestId, retryAfterMs }, message)
  const mayPass = verdict.kind === 'transient' || verdict.kind === 'throttled'
  return { error, isTransient: mayPass && (isFault(error) || answer.status === 408), retryAfterMs }
}

export function idOf(answer: ControlPlaneAnswer, secret: Secret): string | undefined {
  const id = requestIdOf(answer)
  return id === undefined ? undefined : secret.hide(id).slice(0, MAX_WORDS)
}

function isFault(error: ModelStudioError): boolean {
  return error instanceof Throttled || error instanceof ServiceUnavailable
}

/** By the kind of status that tells for sure, then by the code: the documents name codes, and no status beside them. */
function errorOf(
  text: string,
  details: FailureDetails & { retryAfterMs: number | undefined },
  message: string,
): ModelStudioError {
  const { status = 0, serviceCode = '' } = details
  const { retryAfterMs: _, ...plain } = details
  if (status === 429) return new Throttled(text, details)
  if (status >= 500) return new ServiceUnavailable(text, plain)
  if (/^(model_?)?not_?found/i.test(serviceCode)) return new NotFound(text, plain)
  if (/^conflict/i.test(serviceCode)) return new Conflict(text, plain)
  if (/^invalid_?parameter/i.test(serviceCode)) return new InvalidParameter(text, plain)
  if (/^throttling/i.test(serviceCode)) return new Throttled(text, details)
  if (isDenied(serviceCode, message)) return new PermissionDenied(text, plain)
  if (status === 401 || status === 403) return new PermissionDenied(text, plain)
  if (status === 404) return new NotFound(text, plain)
  if (status === 409) return new Conflict(text, plain)
  if (status === 408) return new ServiceUnavailable(text, plain)
  if (status >= 400) return new InvalidParameter(text, plain)
  return new UnexpectedAnswer(text, plain)
}

/** The words are those that the guide to deployments names. */
function isDenied(code: string, message: string): boolean {
  if (/^(access_?denied|invalid_?api_?key|unauthorized|forbidden|arrearage|no_?permission)/i.test(code)) return true
  return /does not have deployment privilege|do not have permissions/i.test(message)
}
