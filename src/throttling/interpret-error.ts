import { classify, type LimitRefusal, type Verdict } from './classify.js'
import { readResponseMetadata, type ResponseMetadata } from './response-headers.js'
import type { Profile } from '../types.js'
import { errorResponseOf, ConnectionFailed, RefusedByServer } from './request-errors.js'

const FINAL: Verdict = { kind: 'final' }
const TRANSIENT: Verdict = { kind: 'transient', retryAfterMs: undefined }

/** What a thrown value means. */
export interface ErrorInterpretation {
  readonly verdict: Verdict
  /** Whether the server turned the request away without doing the work; of a timeout that is not known. */
  readonly isRejection: boolean
  /** What its headers tell, where our own transport has not read them already. */
  readonly metadata?: ResponseMetadata | undefined
}

/** No answer of a server's. */
export const FAILED: ErrorInterpretation = { verdict: FINAL, isRejection: false }

/** Reads what an attempt threw. A value whose fields cannot be read is an error like any other. Never throws. */
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
