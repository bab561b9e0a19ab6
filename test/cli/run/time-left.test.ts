import { describe, expect, it } from 'vitest'
import { quotaMsOf, TimeLeft } from '../../../src/cli/run/time-left.js'

/** Asks once a second how long `total` lines still take that end at the times `endOf`, and gives the errors after a tenth. */
function errorsOf(
  total: number,
  quotaMs: number,
  endOf: (n: number) => number,
  slow?: { ms: number; quotaMs: number },
): number[] {
  const timeLeft = new TimeLeft()
  const end = endOf(total)
  const errors: number[] = []
  for (let now = 1000, done = 0; now < end; now += 1000) {
    while (done < total && endOf(done + 1) <= now) done++
    const soon = slow === undefined || slow.ms <= now ? undefined : { quotaMs: slow.quotaMs, leftMs: slow.ms - now }
    const told = timeLeft.update({ done, left: total - done, quotaMs, slow: soon }, now)
    if (done >= total / 10 && end - now > 5000) errors.push(Math.abs(told! - (end - now)) / (end - now))
  }
  return errors
}

describe('the time left', () => {
  it('is within a tenth by the quota, though lines end by twos and fours', () => {
    const errors = errorsOf(2000, 100, (n) => 2000 + Math.ceil(n / 4) * 400)
    expect(errors.length).toBeGreaterThan(100)
    expect(Math.max(...errors)).toBeLessThan(0.1)
  })

  it('is within a tenth where the quota does not bind', () => {
    expect(Math.max(...errorsOf(2000, 10, (n) => 3000 + n * 100))).toBeLessThan(0.1)
    expect(Math.max(...errorsOf(2000, 0, (n) => 3000 + n * 100))).toBeLessThan(0.1)
  })

  it('is within a tenth of a run that begins slowly', () => {
    const endOf = (n: number) => (n <= 200 ? n * 220 : 200 * 220 + (n - 200) * 100)
    expect(Math.max(...errorsOf(1319, 100, endOf, { ms: 44_000, quotaMs: 220 }))).toBeLessThan(0.1)
  })

  it('is not known while nothing tells, and 0 at the end', () => {
    expect(new TimeLeft().update({ done: 0, left: 5, quotaMs: 0, slow: undefined }, 1000)).toBeUndefined()
    expect(new TimeLeft().update({ done: 5, left: 0, quotaMs: 0, slow: undefined }, 1000)).toBe(0)
  })

  it('is by the limit that binds', () => {
    expect(quotaMsOf({ rpm: 600 }, 0, 0)).toBe(100)
    expect(quotaMsOf({ rpm: 600, tpm: 60_000 }, 200, 0)).toBe(200)
    expect(quotaMsOf({ rps: 10 }, 0, 50)).toBe(105)
    expect(quotaMsOf({}, 100, 50)).toBe(0)
  })
})
