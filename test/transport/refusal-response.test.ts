import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  DeadlineImpossible,
  InvalidLimits,
  InvalidRequest,
  LimiterClosed,
  QueueFull,
  QuotaExhausted,
  RequestTooLarge,
} from '../../src/errors.js'
import { refusalResponse, withoutRetry } from '../../src/transport/refusal-response.js'

const NOW = Date.UTC(2026, 1, 3)

afterEach(() => vi.restoreAllMocks())

describe('a refusal of ours', () => {
  it.each([
    [new QueueFull('5 wait'), 429, 'queue_full', {}],
    [
      new QuotaExhausted('used up', { resetAt: new Date(0) }),
      429,
      'quota_exhausted',
      { reset_at: '1970-01-01T00:00:00.000Z' },
    ],
    [new QuotaExhausted('used up', { resetAt: new Date(Number.NaN) }), 429, 'quota_exhausted', {}],
    [
      new DeadlineImpossible('late', { predictedWaitMs: 1500.5 }),
      429,
      'deadline_impossible',
      { predicted_wait_ms: 1500.5 },
    ],
    [new DeadlineImpossible('never', { predictedWaitMs: Infinity }), 429, 'deadline_impossible', {}],
    [new RequestTooLarge('too large'), 400, 'request_too_large', {}],
    [new InvalidRequest('no model'), 400, 'invalid_request', {}],
    [new InvalidLimits('rpm is -1'), 400, 'invalid_limits', {}],
  ])('%s is an answer as the service gives them', async (error, status, code, headgate) => {
    const response = refusalResponse(error)!
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toEqual({
      error: { message: error.message, type: code, param: null, code, headgate },
    })
  })

  it.each([
    [new DeadlineImpossible('late', { predictedWaitMs: 1500.5 }), '2', '1501'],
    [new DeadlineImpossible('late', { predictedWaitMs: 1e12 }), '86400', '86400000'],
    [new DeadlineImpossible('never', { predictedWaitMs: Infinity }), null, null],
    [new DeadlineImpossible('waited in vain'), null, null],
    [new QuotaExhausted('used up', { resetAt: new Date(NOW + 90_000) }), '90', '90000'],
    [new QuotaExhausted('used up', { resetAt: new Date(NOW + 7 * 86_400_000) }), '86400', '86400000'],
    [new QuotaExhausted('came back', { resetAt: new Date(NOW - 1) }), null, null],
    [new QuotaExhausted('used up'), null, null],
    [new QueueFull('5 wait'), null, null],
    [new RequestTooLarge('too large'), null, null],
  ])('%s says when to come again, where that is known, and no later than in a day', (error, seconds, ms) => {
    vi.spyOn(Date, 'now').mockReturnValue(NOW)
    const { headers } = refusalResponse(error)!
    expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual([seconds, ms])
  })

  it.each([[new LimiterClosed('closed')], [new TypeError('fetch failed')], [undefined], ['a text']])(
    '%s is none, and is thrown',
    (error) => expect(refusalResponse(error)).toBeUndefined(),
  )
})

describe('an answer that the client must not retry', () => {
  it('says so, and is the same otherwise', async () => {
    const original = new Response('x', { status: 429, statusText: 'Too many', headers: { 'x-request-id': '1' } })
    Object.defineProperty(original, 'url', { value: 'https://host/path' })
    const answer = withoutRetry(original)
    expect(answer).toMatchObject({ status: 429, statusText: 'Too many', url: 'https://host/path', ok: false })
    expect(Object.fromEntries(answer.headers)).toMatchObject({ 'x-request-id': '1', 'x-should-retry': 'false' })
    expect(original.headers.has('x-should-retry')).toBe(false)
    expect(await answer.text()).toBe('x')
  })
})
