import type { ServiceName } from './errors/dialect.js'
import { shortDuration } from './errors/dialect.js'
import type { Throttle } from './metering/throttle.js'
import type { Settings } from './settings/settings.js'

/** When a request arrived and when it was answered. */
export interface Times {
  /** Epoch milliseconds. */
  readonly arrivedAt: number
  /** Epoch milliseconds. */
  readonly answeredAt: number
  readonly tookMs: number
}

/** The headers that frame a body. Only the server sets them; a scripted one could make the response invalid HTTP. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/**
 * All headers of a response, as alternating names and values. A scripted header replaces the service's header of the
 * same name, in any case.
 *
 * `length` is the length of the body in bytes. It is undefined if it is unknown or the status has no body.
 */
export function mergedHeaders(
  own: readonly string[],
  scripted: Readonly<Record<string, string>>,
  length?: number,
): string[] {
  const merged = new Map<string, readonly [name: string, value: string]>()
  const set = (name: string, value: string): void => {
    merged.set(name.toLowerCase(), [name, value])
  }
  for (let i = 0; i < own.length; i += 2) set(own[i] ?? '', own[i + 1] ?? '')
  for (const [name, value] of Object.entries(scripted)) if (!FRAMING.has(name.toLowerCase())) set(name, value)
  if (length !== undefined) set('content-length', String(length))
  return [...merged.values()].flat()
}

/** The headers that the service sends with every response, as alternating names and values. */
export function serviceHeaders(service: ServiceName, requestId: string, times: Times): string[] {
  const cost = String(Math.round(times.tookMs))
  if (service === 'openai') {
    return [
      'x-request-id',
      requestId,
      'openai-processing-ms',
      cost,
      'openai-organization',
      'org-simulated',
      'openai-version',
      '2020-10-01',
    ]
  }
  if (service === 'azure') return ['apim-request-id', requestId, 'x-request-id', requestId, 'x-ms-region', 'Simulated']
  return [
    'x-request-id',
    requestId,
    'x-dashscope-call-gateway',
    'true',
    'req-cost-time',
    cost,
    'req-arrive-time',
    String(times.arrivedAt),
    'resp-start-time',
    String(times.answeredAt),
    'x-envoy-upstream-service-time',
    cost,
    'server',
    'istio-envoy',
  ]
}

/** OpenAI's headers about the limits per minute, as alternating names and values. */
export function rateLimitHeaders(throttle: Throttle, now: number): string[] {
  const headers: string[] = []
  for (const [name, unit] of [
    ['rpm', 'requests'],
    ['tpm', 'tokens'],
  ] as const) {
    const left = throttle.left(name, now)
    if (left === undefined) continue
    headers.push(`x-ratelimit-limit-${unit}`, String(left.limit))
    headers.push(`x-ratelimit-remaining-${unit}`, String(left.remaining))
    headers.push(`x-ratelimit-reset-${unit}`, shortDuration(left.resetAt - now))
  }
  return headers
}

/**
 * The headers of a 429 that say when to retry, as alternating names and values. `waitMs` is above 0, or Infinity if the
 * wait is unknown.
 */
export function retryAfterHeaders(form: Settings['retryAfter'], waitMs: number, answeredAt: number): string[] {
  if (form === 'off' || !Number.isFinite(waitMs)) return []
  const seconds = Math.ceil(waitMs / 1000)
  if (form === 'date') return ['retry-after', new Date(answeredAt + 1000 * seconds).toUTCString()]
  const headers = ['retry-after', String(seconds)]
  if (form === 'milliseconds') headers.push('retry-after-ms', String(Math.ceil(waitMs)))
  return headers
}
