import { measureOf } from '../metering/limits.js'
import type { LimitName } from '../metering/limits.js'

/** What a refusal for the rate is about. */
export type RefusalClass = 'requests' | 'tokens' | 'surge' | 'capacity'

/**
 * The forms that the body of a 429 was seen in: OpenAI's; the same with `error` encoded twice; the vendor's flat one; a flat
 * one with another body in its message; none at all.
 */
export const errorShapes = ['openai', 'encoded-twice', 'flat', 'nested', 'empty'] as const

export type ErrorShape = (typeof errorShapes)[number]

/** What an error says of itself in the OpenAI-compatible form. */
export interface ErrorFields {
  readonly code: string | null
  readonly message: string
  readonly type: string | null
  readonly param: string | null
}

const DOCS = 'https://help.aliyun.com/zh/model-studio/error-code'
const SURGE =
  'Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.'
const CAPACITY =
  'Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later.'

const compatible: Record<RefusalClass, ErrorFields> = {
  requests: {
    message: `You have exceeded your current request limit. For details, see: ${DOCS}#rate-limit`,
    type: 'limit_requests',
    param: null,
    code: 'limit_requests',
  },
  tokens: {
    code: 'insufficient_quota',
    message: `You exceeded your current quota, please check your plan and billing details. For details, see: ${DOCS}#token-limit`,
    param: null,
    type: 'insufficient_quota',
  },
  surge: { message: SURGE, type: 'limit_burst_rate', param: '', code: 'limit_burst_rate' },
  capacity: {
    message: CAPACITY,
    type: 'Throttling.AllocationQuota',
    param: null,
    code: 'Throttling.AllocationQuota',
  },
}

const native: Record<RefusalClass, { readonly code: string; readonly message: string }> = {
  requests: { code: 'Throttling.RateQuota', message: 'Requests rate limit exceeded' },
  tokens: {
    code: 'Throttling.AllocationQuota',
    message: 'Allocated quota exceeded, please increase your quota limit.',
  },
  surge: { code: 'Throttling.BurstRate', message: SURGE },
  capacity: { code: 'Throttling.AllocationQuota', message: CAPACITY },
}

const overloaded = {
  message: 'The engine is currently overloaded, please try again later',
  type: 'EngineOverloadedError',
  param: null,
  code: 'EngineOverloadedError',
}

export function refusalClass(limit: LimitName | 'surge'): RefusalClass {
  if (limit === 'surge') return 'surge'
  const measure = measureOf(limit)
  return measure === 'requests' || measure === 'in flight' ? 'requests' : 'tokens'
}

/** The body of a 429 of this class, as text. */
export function throttleBody(refusal: RefusalClass, shape: ErrorShape, requestId: string): string {
  const error = compatible[refusal]
  if (shape === 'nested') {
    const inner = refusal === 'requests' ? overloaded : error
    return JSON.stringify({ code: native[refusal].code, message: JSON.stringify({ error: inner }) })
  }
  if (shape === 'openai') return JSON.stringify(refusal === 'tokens' ? { error, request_id: requestId } : { error })
  return shapedBody(error, native[refusal], shape, requestId)
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
    `id:1\nevent:error\n:HTTP_STATUS/429\ndata:${JSON.stringify({ request_id: requestId, ...native[refusal] })}`,
  /** An OpenAI error in a `data:` line. */
  openai: (refusal: RefusalClass): unknown => ({ error: compatible[refusal] }),
  /** A failure of the serving system that was itself refused. */
  serving: (): unknown => ({
    type: 'error',
    error: {
      type: 'server_error',
      message: '<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]',
    },
  }),
}
