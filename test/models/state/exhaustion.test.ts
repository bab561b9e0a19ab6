import { describe, expect, test } from 'vitest'
import { Exhaustion } from '../../../src/models/state/exhaustion.js'

const HOUR_MS = 3_600_000

/** A time as a server writes it, in UTC. */
const written = (wallMs: number): string => new Date(wallMs).toISOString().replace('T', ' ').slice(0, 19)

describe('a quota that is used up', () => {
  test('closes its model until the time that the server gives', () => {
    const exhaustion = new Exhaustion('m')
    const closedMs = exhaustion.quotaUsedUp('all gone', written(Date.now() + 2 * HOUR_MS), 1000)
    // The server's time is in whole seconds.
    expect(closedMs).toBeGreaterThan(2 * HOUR_MS - 2000)
    expect(closedMs).toBeLessThanOrEqual(2 * HOUR_MS)
    expect(exhaustion.isActive(1000 + closedMs - 1)).toBe(true)
    expect(exhaustion.isActive(1000 + closedMs)).toBe(false)
    expect(exhaustion.errorAt(1000)!.message).toMatch(/^The quota of 'm' is used up.* It comes back at .*all gone$/)
  })

  test.each([
    ['without a time', undefined],
    ['with a time that is no time', 'soon'],
    ['with a time more than 35 days away', written(Date.now() + 36 * 24 * HOUR_MS)],
  ])('closes it for ten minutes %s', (_, resetText) => {
    const exhaustion = new Exhaustion('m')
    expect(exhaustion.quotaUsedUp('all gone', resetText, 0)).toBe(600_000)
    expect(exhaustion.errorAt(0)!.resetAt).toBeUndefined()
  })

  test('closes it for a second at least', () => {
    expect(new Exhaustion('m').quotaUsedUp('all gone', written(Date.now() - HOUR_MS), 0)).toBe(1000)
  })
})

describe('429s of a limit a minute that no minute ends', () => {
  test.each([
    ['ten minutes where the server says nothing', undefined, 600_000],
    ['ten minutes where it asks for less', 1000, 600_000],
    ['as long as it asks', 2 * HOUR_MS, 2 * HOUR_MS],
    ['a day at most', 48 * HOUR_MS, 24 * HOUR_MS],
  ])('close the model for %s', (_, retryAfterMs, closedMs) => {
    const exhaustion = new Exhaustion('m')
    expect(exhaustion.minuteNeverFrees('slow down', retryAfterMs, 0)).toBe(closedMs)
    // Only a time of the server's is told as one.
    expect(exhaustion.errorAt(0)!.resetAt !== undefined).toBe(closedMs === retryAfterMs)
  })
})

test('a model whose quota was never used up has no error', () => {
  const exhaustion = new Exhaustion('m')
  expect([exhaustion.isActive(0), exhaustion.errorAt(0)]).toEqual([false, undefined])
})
