import type { Limits } from '../types.js'
import type { ErrorResponse } from './classify.js'
import { durationMs } from './duration.js'

type Headers = NonNullable<ErrorResponse['headers']>

/** The metadata in an answer's headers. */
export interface ResponseMetadata {
  /** When the request arrived, in ms of the service's clock. */
  readonly arrivedAt: number | undefined
  /** The limits a minute. */
  readonly limits: Limits | undefined
  /** Whether the call exceeded its provisioned throughput. Then the public limits apply to it. */
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
/**
 * The longest computed period in s that counts as a minute. Chosen, because `reset` is rounded and is read a little later.
 * Larger takes a longer limit for a minute limit; smaller ignores real minute limits.
 */
const MAX_S = 90

/**
 * The limits a minute in an answer's `x-ratelimit-*` headers, with OpenAI's names for requests and tokens.
 *
 * A request limit may apply to a day, and the header does not name its period. The period follows from the used quota and the
 * reset time. A limit that is not clearly a minute's is omitted.
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
  // A fixed window resets within its minute, however little of it is used.
  const isMinute = periodS <= MAX_S || (remaining === 0 && resetS <= MINUTE_S)
  return isMinute ? Math.floor(limit) : undefined
}

/** The seconds in "1s", "6m0s", "120ms" or "1h2m". Undefined for any other text, and for a number without a unit. */
export function secondsOf(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text.trim())) return undefined
  const ms = durationMs(text.trim())
  return ms === undefined ? undefined : ms / 1000
}
