import { classify, type LimitRefusal, type Verdict } from './classify.js'
import { readResponseMetadata, type ResponseMetadata } from './response-headers.js'
import type { Profile } from '../types.js'
import { errorResponseOf, ConnectionFailed, RefusedByServer } from './request-errors.js'

const FINAL: Verdict = { kind: 'final' }
const TRANSIENT: Verdict = { kind: 'transient', retryAfterMs: undefined }

/** The meaning of a thrown value. */
export interface ErrorInterpretation {
  readonly verdict: Verdict
  /** Whether the server refused the request without doing the work. False for a timeout, where that is unknown. */
  readonly isRejection: boolean
  /** The metadata of the error's headers, unless the transport has read them already. */
  readonly metadata?: ResponseMetadata | undefined
}

/** The interpretation of a value that is no server's answer. */
export const FAILED: ErrorInterpretation = { verdict: FINAL, isRejection: false }

/** Interprets a value that an attempt threw. Never throws: a value with unreadable fields is a failure like any other. */
export function interpretError(error: unknown, profile: Profile): ErrorInterpretation {
  try {
    if (error instanceof ConnectionFailed) return { verdict: TRANSIENT, isRejection: false }
    const answer = errorResponseOf(error)
    if (answer === undefined) return FAILED
    const { status } = answer
    const headers = error instanceof RefusedByServer ? undefined : answer.headers
    const metadata = headers && readResponseMetadata(headers)
    return {
      verdict: classify(answer, profile),
      isRejection: status !== undefined && status >= 400 && status < 500 && status !== 408,
      metadata,
    }
  } catch {
    return FAILED
  }
}

export function isLimitRefusal(verdict: Verdict): verdict is LimitRefusal {
  return verdict.kind === 'throttled' || verdict.kind === 'exhausted'
}
