import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from '../../src/quota/token-bucket.js'
import { ExactWindow } from '../../src/quota/windows/exact-window.js'
import { BucketOracle, type Entry, sumWithin, WindowOracle } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'

/** Few tokens and short gaps, so that every few steps something overflows, is refunded or leaves. */
const step = fc.record({
  does: fc.constantFrom('charge' as const, 'charge' as const, 'refund' as const, 'ask' as const),
  gapUs: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 30 }).map((n) => n * 10_000),
  ),
  amount: fc.integer({ min: 1, max: 120 }),
  which: fc.nat(20),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
})
const steps = fc.array(step, { minLength: 1, maxLength: 80, size: 'max' })
const amounts = [1, 5, 30, 60, 90, 95, 96, 100, 101, 150]

interface Charged {
  readonly seq: number
  readonly at: number
  readonly entry: Entry
}

describe('a bucket', () => {
  test('after any refunds stands as if they had never been charged', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 50_000, 300_000), (steps, jitterUs) => {
        const burstUs = 1_000_000 - jitterUs
        // Refundable for good: what has been full since gives nothing back anyway.
        const rule = { amount: 100, periodUs: 1_000_000, burstUs, jitterUs, refundableUs: Number.MAX_SAFE_INTEGER }
        const bucket = new TokenBucket(rule, 0, 0, 1)
        const oracle = new BucketOracle(100, 1_000_000, burstUs, jitterUs, 0)
        const open: Charged[] = []
        let us = 2_000_000
        let seq = 0
        for (const { does, gapUs, amount, which, share } of steps) {
          us += gapUs
          if (does === 'charge') {
            bucket.charge(amount, us, ++seq)
            open.push({ seq, at: us, entry: oracle.take(amount, us) })
          }
          if (does === 'refund' && open.length > 0) {
            const [charged] = open.splice(which % open.length, 1)
            const given = Math.round(charged!.entry.amount * share)
            charged!.entry.amount -= given
            bucket.refund(given, charged!.seq, us)
          }
          expect(amounts.map((n) => bucket.earliestUs(n, us))).toEqual(amounts.map((n) => oracle.earliestUs(n, us)))
        }
      }),
      runs(cases(200, 1000)),
    )
  })
})

describe('a window', () => {
  test('answers as the list of what was charged, summed up', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (steps, takesLargeAlone) => {
        const window = new ExactWindow({ limit: 100, spanUs: 1_050_000, takesLargeAlone }, 1)
        const oracle = new WindowOracle(100, 1_050_000, takesLargeAlone)
        const open: Charged[] = []
        let us = 0
        let seq = 0
        for (const { does, gapUs, amount, which, share } of steps) {
          us += gapUs
          if (does === 'charge') {
            window.charge(amount, us, ++seq)
            open.push({ seq, at: us, entry: oracle.take(amount, us) })
          }
          if (does === 'refund' && open.length > 0) {
            const [charged] = open.splice(which % open.length, 1)
            const given = Math.round(charged!.entry.amount * share)
            charged!.entry.amount -= given
            window.refund(given, charged!.seq, us)
          }
          expect(amounts.map((n) => window.earliestUs(n, us))).toEqual(amounts.map((n) => oracle.earliestUs(n, us)))
          expect(window.used(us)).toBe(sumWithin(oracle.log, us, 1_050_000))
        }
      }),
      runs(cases(150, 500)),
    )
  })
})
