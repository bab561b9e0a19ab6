import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentSends } from '../../src/learning/recent-sends.js'
import { runs } from '../support/runs.js'

test('counts what was sent in the last seconds, by the second, without what was refused', () => {
  const step = fc.record({ waitMs: fc.oneof(fc.nat(3000), fc.nat(100_000)), isRefused: fc.boolean() })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(90_000),
      (steps, seconds, later) => {
        const recent = new RecentSends()
        const sent: number[] = []
        let now = 0
        for (const { waitMs, isRefused } of steps) {
          now += waitMs
          recent.add(now)
          if (isRefused) recent.remove(now)
          else sent.push(now)
        }
        now += later
        const since = Math.floor(now / 1000) - seconds
        expect(recent.last(seconds, now)).toBe(sent.filter((at) => Math.floor(at / 1000) > since).length)
      },
    ),
    runs(300),
  )
})

test('a clock that jumps back counts into the newest second; what is too old to be known is no part of anything', () => {
  const recent = new RecentSends()
  recent.add(100_000)
  recent.add(20_000)
  recent.remove(1000)
  expect(recent.last(60, 100_000)).toBe(2)
  expect(recent.last(60, 500_000)).toBe(0)
})
