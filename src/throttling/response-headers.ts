import type { Limits } from '../types.js'
import type { ErrorResponse } from './classify.js'
import { durationMs } from './duration.js'

type Headers = NonNullable<ErrorResponse['headers']>

/** What an answer's headers tell beside the answer. */
export interface ResponseMetadata {
  /** When the request arrived, in ms by the service's clock. */
  readonly arrivedAt: number | undefined
  /** Limits a minute. */
  readonly limits: Limits | undefined
  /** The call left its provisioned throughput: other limits hold for it. */
  readonly hasOverflowed?: true
}

export function readResponseMetadata(headers: Headers): ResponseMetadata | undefined {
  const arrivedAt = headers.get('req-arrive-time')
  const limits = limitsFromHeaders(headers)
  const hasOverflowed = headers.get('x-dashscope-ptu-overflow')?.toLowerCase() === 'true'
  if (arrivedAt === null && limits === undefined && !hasOverflowed) return undefined
  const news = { arrivedAt: arrivedAt === null ? undefined : Number(arrivedAt), limits }
  return hasOverflowed ? { ...news, hasOverflowed } : news
}

const MINUTE_S = 60
/** What a limit's period may come to for it to be a minute's: `reset` is rounded, and read a little later. */
const MAX_S = 90

/**
 * The limits a minute that an answer's `x-ratelimit-*` headers tell (OpenAI's names, of requests and of tokens). A limit of
 * requests may be a day's, and the header does not say so; but what is missing from it, and when it will be full again, do. What
 * cannot be told from a minute's that way is left out.
 */
export function limitsFromHeaders(headers: Headers): Limits | undefined {
  const rpm = limitOf(headers, 'requests')
  const tpm = limitOf(headers, 'tokens')
  if (rpm === undefined && tpm === undefined) return undefined
  return { ...(rpm !== undefined && { rpm }), ...(tpm !== undefined && { tpm }) }
}

function limitOf(headers: Headers, kind: 'requests' | 'tokens'): number | undefined {
  const text = headers.get(`x-ratelimit-limit-${kind}`)
  if (text === null) return undefined
  const limit = Number(text)
  const remaining = Number(headers.get(`x-ratelimit-remaining-${kind}`) ?? Number.NaN)
  const resetS = secondsOf(headers.get(`x-ratelimit-reset-${kind}`) ?? '')
  if (!(limit >= 1 && limit < Infinity && remaining >= 0 && remaining < limit && resetS !== undefined)) return undefined
  const periodS = (resetS * limit) / (limit - remaining)
  // A window of a fixed phase is full again within its minute, however little is missing.
  const isMinute = periodS <= MAX_S || (remaining === 0 && resetS <= MINUTE_S)
  return isMinute ? Math.floor(limit) : undefined
}

/** "1s", "6m0s", "120ms", "1h2m" in seconds; undefined for anything else, and for a number without a unit. */
export function secondsOf(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text.trim())) return undefined
  const ms = durationMs(text.trim())
  return ms === undefined ? undefined : ms / 1000
}
