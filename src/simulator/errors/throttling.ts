import { measureOf } from '../metering/enforced-limits.js'
import type { LimitName } from '../metering/enforced-limits.js'
import { overloaded, wordingOf } from './wordings.js'
import type { ErrorFields, RefusalClass } from './wordings.js'

export type { RefusalClass } from './wordings.js'

/**
 * The forms that the body of a 429 was seen in: OpenAI's; the same with `error` encoded twice; the vendor's flat one; a flat
 * one with another body in its message; none at all.
 */
export const errorShapes = ['openai', 'encoded-twice', 'flat', 'nested', 'empty'] as const

export type ErrorShape = (typeof errorShapes)[number]

export function refusalClass(limit: LimitName | 'surge'): RefusalClass {
  if (limit === 'surge') return 'surge'
  const measure = measureOf(limit)
  return measure === 'requests' || measure === 'in flight' ? 'requests' : 'tokens'
}

/**
 * The body of a 429 of this class, as text. `wording`: which of the wordings that were seen, from 0; those that there are
 * follow each other round.
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

/** An error in one of the forms; `flat` is what it is called in the vendor's own. */
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

/** What an error inside a stream looks like, to be used as a `streamError` of a fault. */
export const streamErrors = {
  /** The vendor's event, with the class in its own code. */
  native: (refusal: RefusalClass, requestId: string): string =>
    `id:1\nevent:error\n:HTTP_STATUS/429\ndata:${JSON.stringify({ request_id: requestId, ...wordingOf(refusal).native })}`,
  /** An OpenAI error in a `data:` line. */
  openai: (refusal: RefusalClass): unknown => ({ error: wordingOf(refusal).compatible }),
  /** A failure of the serving system that was itself refused. */
  serving: (): unknown => ({
    type: 'error',
    error: {
      type: 'server_error',
      message: '<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]',
    },
  }),
}
