import type { LimitName } from '../metering/enforced-limits.js'
import type { ErrorShape, RefusalClass } from './throttling.js'

/** The services that the simulator can stand for. */
export const services = ['model-studio', 'openai', 'azure'] as const

export type ServiceName = (typeof services)[number]

/** The form and the wording of an error body of Model Studio. */
export interface ErrorForm {
  readonly shape: ErrorShape
  /** The number of the wording, from 0. A number beyond the last begins again at the first. */
  readonly wording: number
}

/** A refusal by a limit, with the numbers that error bodies contain. */
export interface RefusedRequest {
  readonly class: RefusalClass
  readonly limit: LimitName | 'surge'
  readonly model: string
  readonly requestId: string
  readonly form: ErrorForm
  /** The value of the limit, how much of it is used, and how much the request asks for. */
  readonly limitValue: number
  readonly used: number
  readonly requested: number
  /** How long until the limits have room, in milliseconds, above 0. Infinity if that is unknown. */
  readonly waitMs: number
}

/** A failure inside the service: a status of 500 or 503 with its body. */
export interface ServerError {
  readonly status: number
  readonly body: string
}

/** The error bodies of one service. */
export interface Dialect {
  throttled(refused: RefusedRequest): string
  badKey(apiKey: string | undefined, requestId: string): string
  modelNotFound(model: string, requestId: string): string
  badRequest(message: string, requestId: string): string
  tooLarge(maxBytes: number, requestId: string): string
  notFound(path: string, requestId: string): string
  /** A file or a batch does not exist. */
  noSuch(kind: 'File' | 'Batch', id: string, requestId: string): string
  /** The state of an object does not allow the operation. */
  conflict(message: string, requestId: string): string
  methodNotAllowed(method: string, path: string, requestId: string): string
  internal(message: string, requestId: string): string
  /** The body for a status that a script asks for without a body. */
  ofStatus(status: number, form: ErrorForm, requestId: string): string
  /** The transient 5xx responses that the service is known to send. */
  serverErrors(requestId: string): readonly [ServerError, ...ServerError[]]
  /** The errors that the service's streams are known to contain, each in the form of a `streamError` fault. */
  streamErrors(refusal: RefusalClass, requestId: string): readonly unknown[]
}

/** A duration in OpenAI's form: `120ms`, `1.5s`, `6m0s`. It is rounded up. */
export function shortDuration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole < 1000) return `${whole}ms`
  if (whole < 60_000) return `${whole / 1000}s`
  const seconds = Math.ceil(whole / 1000)
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
