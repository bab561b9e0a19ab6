import type { ServiceName } from './errors/dialect.js'
import { shortDuration } from './errors/dialect.js'
import type { Throttle } from './metering/throttle.js'
import type { Settings } from './settings/settings.js'

/** When a request came and was answered. */
export interface Times {
  /** Epoch milliseconds. */
  readonly arrivedAt: number
  /** Epoch milliseconds. */
  readonly answeredAt: number
  readonly tookMs: number
}

/** What says how long a body is: the server's own, since with another the answer would not be HTTP. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/**
 * All headers of an answer, names and values in turn. Of one name, whatever its case, the last holds: a script's own come
 * after the service's. `length`: of the body, where it is known and the status has one.
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

/** The headers that the service puts on every answer, names and values in turn. */
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

/** OpenAI's account of what is left of the minute's limits, names and values in turn. */
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

/** When to come again after a 429, names and values in turn. `waitMs`: above 0; Infinity where nobody knows. */
export function retryAfterHeaders(form: Settings['retryAfter'], waitMs: number, answeredAt: number): string[] {
  if (form === 'off' || !Number.isFinite(waitMs)) return []
  const seconds = Math.ceil(waitMs / 1000)
  if (form === 'date') return ['retry-after', new Date(answeredAt + 1000 * seconds).toUTCString()]
  const headers = ['retry-after', String(seconds)]
  if (form === 'milliseconds') headers.push('retry-after-ms', String(Math.ceil(waitMs)))
  return headers
}
