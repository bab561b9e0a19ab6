import { classify, type Verdict } from '../route/classify.js'
import { newsOf, type News } from '../route/rate-headers.js'
import type { Profile } from '../types.js'
import { answerOf, ConnectionFailed, RefusedByServer } from './answer.js'
import type { Refusal } from './lessons.js'

const FINAL: Verdict = { kind: 'final' }
const TRANSIENT: Verdict = { kind: 'transient', retryAfterMs: undefined }

/** What a thrown value means. */
export interface Meaning {
  readonly verdict: Verdict
  /** Whether the server turned the request away without doing the work; of a timeout that is not known. */
  readonly isRejection: boolean
  /** What its headers tell, where our own transport has not read them already. */
  readonly news?: News | undefined
}

/** No answer of a server's. */
export const FAILED: Meaning = { verdict: FINAL, isRejection: false }

/** Reads what an attempt threw. A value whose fields cannot be read is an error like any other. Never throws. */
export function meaningOf(error: unknown, profile: Profile): Meaning {
  try {
    if (error instanceof ConnectionFailed) return { verdict: TRANSIENT, isRejection: false }
    const answer = answerOf(error)
    if (answer === undefined) return FAILED
    const { status } = answer
    const headers = error instanceof RefusedByServer ? undefined : answer.headers
    const news = headers && newsOf(headers)
    return {
      verdict: classify(answer, profile),
      isRejection: status !== undefined && status >= 400 && status < 500 && status !== 408,
      news,
    }
  } catch {
    return FAILED
  }
}

export function isLimit(verdict: Verdict): verdict is Refusal {
  return verdict.kind === 'throttled' || verdict.kind === 'exhausted'
}
