import { describe, expect, test } from 'vitest'
import { backoffMs } from '../../src/throttling/backoff.js'

const least = () => 1 - 2 ** -53
const most = () => 0

describe('backoffMs', () => {
  test('half a second doubling to eight, less up to a quarter', () => {
    const largest = [500, 1000, 2000, 4000, 8000, 8000, 8000]
    expect(largest.map((_, retry) => backoffMs(retry, undefined, most))).toEqual(largest)
    for (const [retry, ms] of largest.entries()) {
      expect(backoffMs(retry, undefined, least)).toBeCloseTo(ms * 0.75, 6)
    }
    expect(backoffMs(2000, undefined, most)).toBe(8000)
  })

  test('the server’s word comes first, up to a minute', () => {
    expect(backoffMs(0, 1234, most)).toBe(1234)
    expect(backoffMs(5, 0, most)).toBe(0)
    expect(backoffMs(0, 60_000, most)).toBe(60_000)
    expect(backoffMs(0, 60_001, most)).toBe(500)
    expect(backoffMs(0, -1, most)).toBe(500)
    expect(backoffMs(0, Number.NaN, most)).toBe(500)
  })
})
