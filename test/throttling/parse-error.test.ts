import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseError, readResetTime } from '../../src/throttling/parse-error.js'
import { BODIES } from './bodies.js'
import { runs } from '../support/runs.js'

const NOTHING = { code: '', message: '', status: undefined }

describe('readFault', () => {
  test.each<[keyof typeof BODIES, string, string]>([
    [1, 'limit_requests', 'You have exceeded your current request limit.'],
    [2, 'insufficient_quota', 'You exceeded your current quota,'],
    [3, 'limit_burst_rate', 'Request rate increased too quickly.'],
    [4, 'limit_requests', 'You have exceeded your current request limit.'],
    [5, 'Throttling.RateQuota', 'Requests rate limit exceeded'],
    [6, 'EngineOverloadedError', 'The engine is currently overloaded, please try again later'],
    ['7a', 'Throttling.AllocationQuota', 'Allocated quota exceeded,'],
    ['7b', 'limit_burst_rate', 'Request rate increased too quickly.'],
    ['7c', 'server_error', '<429> InternalError.Algo:'],
    [8, 'AllocationQuota.FreeTierOnly', 'The free tier of the model has been exhausted.'],
    [9, 'Arrearage', 'Access denied,'],
    [10, 'invalid_api_key', 'Incorrect API key provided. '],
    ['10 flat', 'InvalidApiKey', 'No API-key provided.'],
  ])('body %s, as text and parsed', (name, code, message) => {
    for (const fault of [parseError(BODIES[name]), parseError(JSON.parse(BODIES[name]))]) {
      expect(fault.code).toBe(code)
      expect(fault.message.startsWith(message)).toBe(true)
    }
  })

  test('an answer of the Responses API that failed', () => {
    const error = { code: 'rate_limit_exceeded', message: 'Rate limit reached' }
    const failed = { type: 'response.failed', response: { id: 'resp_1', status: 'failed', error } }
    expect(parseError(failed)).toEqual({
      code: 'rate_limit_exceeded',
      message: 'Rate limit reached',
      status: undefined,
    })
  })

  test('a body that names a status', () => {
    expect(parseError(BODIES['7c']).status).toBe(429)
    expect(parseError({ message: ' <503> x' }).status).toBe(503)
    expect(parseError({ message: 'x <503>' }).status).toBeUndefined()
  })

  test('numbers as codes, and the type in place of a missing code', () => {
    expect(parseError({ error: { code: 1302, message: 'm' } }).code).toBe('1302')
    expect(parseError({ error: { code: null, type: 'tokens', message: 'm' } }).code).toBe('tokens')
  })

  test.each([
    undefined,
    null,
    '',
    0,
    true,
    {},
    [],
    { error: {} },
    JSON.parse(`${'{"error":'.repeat(8)}{"message":"x"}${'}'.repeat(8)}`),
  ])('nothing to read in %j', (body) => {
    expect(parseError(body)).toEqual(NOTHING)
  })

  test('a text is cut where it is very long', () => {
    expect(parseError('x'.repeat(1e6)).message).toHaveLength(2000)
  })

  test('reads anything without throwing', () => {
    const key = fc.constantFrom('error', 'code', 'message', 'type', 'x')
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.constantFrom(null, undefined, 5, true, '{', '{"error":', '<429>'),
        fc.dictionary(key, tie('tree')),
        fc.dictionary(key, tie('tree')).map((value) => JSON.stringify(value)),
        fc.array(tie('tree'), { maxLength: 2 }),
      ),
    }))
    fc.assert(
      fc.property(tree, (body) => {
        const { code, message } = parseError(body)
        expect(typeof code).toBe('string')
        expect(typeof message).toBe('string')
      }),
      runs(500),
    )
  })
})

describe('readResetTime', () => {
  const now = Date.UTC(2026, 8, 18, 12)

  test.each([
    ['09-19 07:14:00 UTC', '2026-09-19T07:14:00.000Z'],
    ['09-19 07:14', '2026-09-19T07:14:00.000Z'],
    ['2027-01-02 03:04:05', '2027-01-02T03:04:05.000Z'],
    ['2027-01-02T03:04:05Z', '2027-01-02T03:04:05.000Z'],
    ['1-2 3:04', '2027-01-02T03:04:00.000Z'],
    // A little past, by a slow answer or a clock that is ahead: not next year's.
    ['09-18 11:59:00', '2026-09-18T11:59:00.000Z'],
  ])('%s', (text, expected) => {
    expect(readResetTime(text, now)?.toISOString()).toBe(expected)
  })

  test('the turn of the year, either way', () => {
    const newYear = Date.UTC(2027, 0, 1, 0, 0, 10)
    expect(readResetTime('01-02 00:00:00', newYear - 60_000)?.toISOString()).toBe('2027-01-02T00:00:00.000Z')
    // The last second of the old year is just past, not a year ahead.
    expect(readResetTime('12-31 23:59:59', newYear)?.toISOString()).toBe('2026-12-31T23:59:59.000Z')
  })

  test.each([undefined, '', 'soon', '09-19', '07:14:00'])('%j names none', (text) => {
    expect(readResetTime(text, now)).toBeUndefined()
  })
})
