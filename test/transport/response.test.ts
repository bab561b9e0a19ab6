import { describe, expect, it } from 'vitest'
import {
  InvalidLimits,
  InvalidRequest,
  LimiterClosed,
  QueueFull,
  QuotaExhausted,
  RequestTooLarge,
} from '../../src/errors.js'
import { rebuilt, refusalResponse } from '../../src/transport/response.js'

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

describe('an answer with another body', () => {
  it('keeps status, headers and url', async () => {
    const original = new Response('x', { status: 203, statusText: 'Maybe', headers: { 'x-request-id': '1' } })
    Object.defineProperty(original, 'url', { value: 'https://host/path' })
    const copy = rebuilt(original, 'y', { 'x-should-retry': 'false' })
    expect(copy).toMatchObject({ status: 203, statusText: 'Maybe', url: 'https://host/path', ok: true })
    expect(Object.fromEntries(copy.headers)).toMatchObject({ 'x-request-id': '1', 'x-should-retry': 'false' })
    expect(await copy.text()).toBe('y')
    expect(original.headers.has('x-should-retry')).toBe(false)
  })

  it('may have no body', () => {
    expect(rebuilt(new Response(null, { status: 204 }), null).status).toBe(204)
  })

  it('gets no header of its own from bytes', () => {
    const original = new Response(null)
    expect([...rebuilt(original, new TextEncoder().encode('{}')).headers]).toEqual([])
  })
})
