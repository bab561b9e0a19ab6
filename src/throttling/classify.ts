import type { Profile, ThrottleClass } from '../types.js'
import { durationMs } from './duration.js'
import { parseError, type ParsedError } from './parse-error.js'

/** The classes of a 429 after which waiting helps. */
export type RetryableClass = Exclude<ThrottleClass, 'exhausted' | 'billing'>

/** An HTTP answer without success, as far as it is known. */
export interface ErrorResponse {
  /** The HTTP status. For an error inside a stream, the status that the error names, if any. */
  readonly status: number | undefined
  readonly headers: { get(name: string): string | null } | undefined
  /** The body as text, or already parsed. */
  readonly body: unknown
}

/** The meaning of an answer without success. */
export type Verdict =
  /** A limit. The limiter holds the model, and the request goes to a backup or waits. */
  | {
      readonly kind: 'throttled'
      readonly class: RetryableClass
      readonly code: string
      readonly message: string
      /** The wait that the server asks for, in ms from now. */
      readonly retryAfterMs: number | undefined
    }
  /** A quota or a bill that waiting a minute does not restore. */
  | {
      readonly kind: 'exhausted'
      readonly class: 'exhausted' | 'billing'
      readonly code: string
      readonly message: string
      /** The reset time in the server's words; see {@link readResetTime}. */
      readonly resetText: string | undefined
    }
  /** A fault of the server or the network. A retry may succeed. */
  | { readonly kind: 'transient'; readonly retryAfterMs: number | undefined }
  /** An error that only the caller can handle. */
  | { readonly kind: 'final' }

/** A server's refusal because of a limit or a quota. */
export type LimitRefusal = Extract<Verdict, { kind: 'throttled' | 'exhausted' }>

const FINAL: Verdict = { kind: 'final' }

/**
 * Classifies an answer: by status, then by code, then by the anchor of the link in its message, then by words.
 *
 * Whole messages are never compared. The service varies them by links in two languages, suffixes and trailing blanks.
 */
export function classify(answer: ErrorResponse, profile: Profile): Verdict {
  const fault = parseError(answer.body)
  const status = answer.status ?? fault.status ?? statusOfCode(fault.code)
  if (status === 429) return classifyTooMany(answer, fault, profile)
  if (status === 402 || (status === 400 && /^arrearage$/i.test(fault.code))) return exhausted('billing', fault)
  if ((status === 403 || status === 400) && isFreeTierUsedUp(fault, status)) return exhausted('exhausted', fault)
  const advice = answer.headers?.get('x-should-retry')
  if (advice === 'false') return FINAL
  if (status >= 500 && /too many requests|capacity limit|overloaded/i.test(`${fault.code} ${fault.message}`)) {
    return throttled('capacity', fault, answer)
  }
  if (status >= 500 || status === 408 || status === 409 || advice === 'true') {
    return { kind: 'transient', retryAfterMs: retryAfterMs(answer) }
  }
  return FINAL
}

function classifyTooMany(answer: ErrorResponse, fault: ParsedError, profile: Profile): Verdict {
  const { code, message } = fault
  if (/burst_?rate/i.test(code)) return throttled('surge', fault, answer)
  if (/notpurchased|overdue|arrearage|billing_hard_limit/i.test(code)) return exhausted('billing', fault)
  if (/budgetlimit|quotaexhausted|freetieronly/i.test(code)) return exhausted('exhausted', fault)

  if (/#overdue-payment/i.test(message)) return exhausted('billing', fault)
  if (/#token-limit/i.test(message)) return throttled('tokens', fault, answer)
  if (/#rate-limit/i.test(message)) return throttled('requests', fault, answer)

  if (/free (allocated )?(quota|tier)|voice limit|quota has been exhausted|quota will reset/i.test(message)) {
    return exhausted('exhausted', fault)
  }
  if (/overdue|not purchased/i.test(message)) return exhausted('billing', fault)
  if (/capacity|overloaded/i.test(`${code} ${message}`)) return throttled('capacity', fault, answer)
  if (/increased too quickly/i.test(message)) return throttled('surge', fault, answer)
  if (/^insufficient_quota$/i.test(code)) {
    return profile.insufficientQuota === 'tokens' ? throttled('tokens', fault, answer) : exhausted('billing', fault)
  }
  if (/allocationquota/i.test(code)) return throttled('tokens', fault, answer)
  if (/ratequota|limit_?requests/i.test(code)) return throttled('requests', fault, answer)
  if (/\bquota\b|tokens? per (min|sec)|\bTP[MS]\b|token rate limit/i.test(message))
    return throttled('tokens', fault, answer)
  if (remaining(answer, 'tokens') === 0 && remaining(answer, 'requests') !== 0)
    return throttled('tokens', fault, answer)
  return throttled('requests', fault, answer)
}

function throttled(kind: RetryableClass, fault: ParsedError, answer: ErrorResponse): Verdict {
  if (answer.headers?.get('x-should-retry') === 'false') return FINAL
  const { code, message } = fault
  return { kind: 'throttled', class: kind, code, message, retryAfterMs: retryAfterMs(answer) ?? resetMs(kind, answer) }
}

function exhausted(kind: 'exhausted' | 'billing', fault: ParsedError): Verdict {
  const resetText = /reset at ([^"]*?\d{2}:\d{2}(?::\d{2})?(?: ?UTC)?)/i.exec(fault.message)?.[1]
  return { kind: 'exhausted', class: kind, code: fault.code, message: fault.message, resetText }
}

function isFreeTierUsedUp(fault: ParsedError, status: number): boolean {
  if (/freetieronly/i.test(fault.code) || /free tier of the model has been exhausted/i.test(fault.message)) return true
  return status === 403 && /^insufficient_quota$/i.test(fault.code)
}

/** The status of an error inside a stream, by its code, because the status is often missing there. */
function statusOfCode(code: string): number {
  if (/^throttling|^limit_|ratequota|allocationquota|^insufficient_quota$|rate_limit/i.test(code)) return 429
  if (/overdue|notpurchased|arrearage|budgetlimit|quotaexhausted/i.test(code)) return 429
  if (/^(invalid|data_?inspection|model_?not_?found|access_?denied|not_?found)/i.test(code)) return 400
  return 500
}

/** `retry-after-ms`, or `Retry-After` in seconds or as a date, in ms. Undefined for any other value, and for no wait. */
function retryAfterMs(answer: ErrorResponse): number | undefined {
  const ms = Number(answer.headers?.get('retry-after-ms') || Number.NaN)
  if (ms > 0 && ms < Infinity) return ms
  const text = answer.headers?.get('retry-after')
  if (!text) return undefined
  const seconds = Number(text)
  if (seconds >= 0 && seconds < Infinity) return seconds > 0 ? seconds * 1000 : undefined
  // Date.parse accepts almost any text with a digit as a date.
  const until = /\d:\d\d/.test(text) ? Date.parse(text) - Date.now() : Number.NaN
  return until > 0 ? until : undefined
}

/** `x-ratelimit-reset-requests` or `-tokens` ("1s", "6m0s", "120ms") in ms. Undefined unless the remaining quota is 0. */
function resetMs(kind: RetryableClass, answer: ErrorResponse): number | undefined {
  if ((kind !== 'requests' && kind !== 'tokens') || remaining(answer, kind) !== 0) return undefined
  return durationMs(answer.headers?.get(`x-ratelimit-reset-${kind}`) ?? '')
}

function remaining(answer: ErrorResponse, kind: 'requests' | 'tokens'): number | undefined {
  const text = answer.headers?.get(`x-ratelimit-remaining-${kind}`)
  return text ? Number(text) : undefined
}
