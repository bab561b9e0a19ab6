import { describe, expect, it } from 'vitest'
import {
  InvalidLimits,
  InvalidRequest,
  LimiterClosed,
  QueueFull,
  QuotaExhausted,
  RequestTooLarge,
} from '../../src/errors.js'
import { refusalResponse, withoutRetry } from '../../src/transport/refusal-response.js'

describe('a refusal of ours', () => {
  it.each([
    [new QueueFull('5 wait'), 429, 'queue_full'],
    [new QuotaExhausted('used up', { resetAt: new Date(0) }), 429, 'quota_exhausted'],
    [new RequestTooLarge('too large'), 400, 'request_too_large'],
    [new InvalidRequest('no model'), 400, 'invalid_request'],
    [new InvalidLimits('rpm is -1'), 400, 'invalid_limits'],
  ])('%s is an answer as the service gives them', async (error, status, code) => {
    const response = refusalResponse(error)!
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toEqual({ error: { message: error.message, type: code, param: null, code } })
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
