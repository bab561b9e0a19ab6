import type { LimitName } from '../metering/enforced-limits.js'
import type { ErrorShape, RefusalClass } from './throttling.js'

/** Whose words an answer is in. */
export const services = ['model-studio', 'openai', 'azure'] as const

export type ServiceName = (typeof services)[number]

/** Which of its forms and wordings a body of Model Studio has. */
export interface ErrorForm {
  readonly shape: ErrorShape
  /** The number of the wording; those that there are follow each other round. */
  readonly wording: number
}

/** A refusal for the rate, with what the services say of it. */
export interface RefusedRequest {
  readonly class: RefusalClass
  readonly limit: LimitName | 'surge'
  readonly model: string
  readonly requestId: string
  readonly form: ErrorForm
  readonly limitValue: number
  readonly used: number
  readonly requested: number
  /** Until there is room again, in milliseconds, above 0; Infinity where nobody knows. */
  readonly waitMs: number
}

/** A failure of the service itself. */
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
  /** A file or a batch that is not there. */
  noSuch(kind: 'File' | 'Batch', id: string, requestId: string): string
  /** What cannot be done in the state that a thing is in. */
  conflict(message: string, requestId: string): string
  methodNotAllowed(method: string, path: string, requestId: string): string
  internal(message: string, requestId: string): string
  /** What goes with a status that a script asks for without a body. */
  ofStatus(status: number, form: ErrorForm, requestId: string): string
  /** The transient 5xx that the service is known to answer with. */
  serverErrors(requestId: string): readonly [ServerError, ...ServerError[]]
  /** The errors that its streams are known to carry, each as the `streamError` of a fault. */
  streamErrors(refusal: RefusalClass, requestId: string): readonly unknown[]
}

/** As OpenAI writes durations: `120ms`, `1.5s`, `6m0s`. */
export function shortDuration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole < 1000) return `${whole}ms`
  if (whole < 60_000) return `${whole / 1000}s`
  const seconds = Math.ceil(whole / 1000)
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
