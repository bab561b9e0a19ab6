import { measureOf } from '../metering/enforced-limits.js'
import type { LimitName } from '../metering/enforced-limits.js'
import { overloaded, wordingOf } from './wordings.js'
import type { ErrorFields, RefusalClass } from './wordings.js'

export type { RefusalClass } from './wordings.js'

/**
 * The forms in which users saw the body of a 429: OpenAI's form; the same with `error` encoded twice as JSON; Model
 * Studio's flat form; the flat form with another body inside its message; and an empty body.
 */
export const errorShapes = ['openai', 'encoded-twice', 'flat', 'nested', 'empty'] as const

export type ErrorShape = (typeof errorShapes)[number]

/** The class of a refusal, which decides the wording of its 429. */
export function refusalClass(limit: LimitName | 'surge'): RefusalClass {
  if (limit === 'surge') return 'surge'
  const measure = measureOf(limit)
  return measure === 'requests' || measure === 'in flight' ? 'requests' : 'tokens'
}

/**
 * The body of a 429 of this class, as text. `wording` selects one of the wordings that users saw, from 0. A number
 * beyond the last begins again at the first.
 */
export function throttleBody(refusal: RefusalClass, shape: ErrorShape, requestId: string, wording = 0): string {
  const { compatible: error, native } = wordingOf(refusal, wording)
  if (shape === 'nested') {
    const inner = refusal === 'requests' ? overloaded : error
    return JSON.stringify({ code: native.code, message: JSON.stringify({ error: inner }) })
  }
  if (shape === 'openai') return JSON.stringify(refusal === 'tokens' ? { error, request_id: requestId } : { error })
  return shapedBody(error, native, shape, requestId)
}

/** An error body in one of the forms. `flat` has the code and the message of the flat forms. */
export function shapedBody(
  error: ErrorFields,
  flat: { readonly code: string | null; readonly message: string },
  shape: ErrorShape,
  requestId: string,
): string {
  if (shape === 'empty') return ''
  if (shape === 'encoded-twice') return JSON.stringify({ error: JSON.stringify(error), request_id: requestId })
  if (shape === 'flat') return JSON.stringify({ ...flat, request_id: requestId })
  if (shape === 'nested') return JSON.stringify({ code: flat.code, message: JSON.stringify({ error }) })
  return JSON.stringify({ error, request_id: requestId })
}

/** Errors inside a stream. Each can be the `streamError` of a fault. */
export const streamErrors = {
  /** Model Studio's own event, with its own error code. */
  native: (refusal: RefusalClass, requestId: string): string =>
    `id:1\nevent:error\n:HTTP_STATUS/429\ndata:${JSON.stringify({ request_id: requestId, ...wordingOf(refusal).native })}`,
  /** An error in OpenAI's form, in a `data:` line. */
  openai: (refusal: RefusalClass): unknown => ({ error: wordingOf(refusal).compatible }),
  /** An error of the service's own serving system, which was throttled itself. */
  serving: (): unknown => ({
    type: 'error',
    error: {
      type: 'server_error',
      message: '<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]',
    },
  }),
}
