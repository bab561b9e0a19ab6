import { describe, expect, test } from 'vitest'
import { limitsFromHeaders, readResponseMetadata, secondsOf } from '../../src/throttling/response-headers.js'

function headers(kind: 'requests' | 'tokens', limit: string, remaining?: string, reset?: string): Headers {
  const given = new Headers({ [`x-ratelimit-limit-${kind}`]: limit })
  if (remaining !== undefined) given.set(`x-ratelimit-remaining-${kind}`, remaining)
  if (reset !== undefined) given.set(`x-ratelimit-reset-${kind}`, reset)
  return given
}

describe('limits that headers tell', () => {
  test.each<[what: string, given: Headers, told: object | undefined]>([
    ['requests of a bucket a minute', headers('requests', '500', '499', '120ms'), { rpm: 500 }],
    ['tokens of one', headers('tokens', '30000', '29000', '2s'), { tpm: 30_000 }],
    ['what is used up, of a window', headers('requests', '60', '0', '59s'), { rpm: 60 }],
    ['requests a day', headers('requests', '10000', '9999', '8.64s'), undefined],
    ['requests a day, half used', headers('requests', '10000', '5000', '12h'), undefined],
    ['nothing missing, so nothing known', headers('requests', '500', '500', '0s'), undefined],
    ['no reset', headers('requests', '500', '499'), undefined],
    ['no remaining', headers('requests', '500', undefined, '1s'), undefined],
    ['no number', headers('requests', 'many', '1', '1s'), undefined],
    ['zero', headers('requests', '0', '0', '1s'), undefined],
    ['more remaining than there is', headers('requests', '5', '9', '1s'), undefined],
    ['no headers at all', new Headers(), undefined],
  ])('%s', (_, given, told) => {
    expect(limitsFromHeaders(given)).toEqual(told)
  })

  test('both, and when the request arrived', () => {
    const given = headers('requests', '60', '0', '30s')
    given.set('x-ratelimit-limit-tokens', '600')
    given.set('x-ratelimit-remaining-tokens', '0')
    given.set('x-ratelimit-reset-tokens', '1m')
    given.set('req-arrive-time', '1750000000000')
    expect(readResponseMetadata(given)).toEqual({ arrivedAt: 1.75e12, limits: { rpm: 60, tpm: 600 } })
    expect(readResponseMetadata(new Headers())).toBeUndefined()
  })
})

test.each([
  ['1s', 1],
  ['6m0s', 360],
  ['120ms', 0.12],
  ['1h2m', 3720],
  ['7.66s', 7.66],
  ['', undefined],
  ['5', undefined],
  ['soon', undefined],
  ['1s?', undefined],
])('%s is %s seconds', (text, seconds) => {
  expect(secondsOf(text)).toEqual(seconds)
})
