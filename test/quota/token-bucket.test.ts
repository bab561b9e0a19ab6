import { describe, expect, test } from 'vitest'
import { type BucketRule, TokenBucket } from '../../src/quota/token-bucket.js'

const SECOND_US = 1_000_000
const MINUTE_US = 60_000_000

/** 100 tokens a second; with J = 50 ms it is 95 deep. */
function ruleOf(jitterUs: number, amount = 100): BucketRule {
  return {
    amount,
    periodUs: SECOND_US,
    burstUs: SECOND_US - jitterUs,
    jitterUs,
    refundableUs: SECOND_US + jitterUs,
  }
}

function fullAt(nowUs: number, rule = ruleOf(50_000)): TokenBucket {
  return new TokenBucket(rule, nowUs - 2 * SECOND_US, nowUs, 1)
}

describe('a new bucket', () => {
  test('is empty, and fills at its rate', () => {
    const bucket = new TokenBucket(ruleOf(50_000), 0, 0, 1)
    expect(bucket.missing(0)).toBe(95)
    expect(bucket.earliestUs(1, 0)).toBe(10_000)
    expect(bucket.earliestUs(95, 0)).toBe(950_000)
    expect(bucket.missing(950_000)).toBe(0)
  })

  test('has filled since it is known to be idle', () => {
    const bucket = new TokenBucket(ruleOf(50_000), 1_000_000, 1_500_000, 1)
    expect(bucket.earliestUs(50, 1_500_000)).toBe(1_500_000)
    expect(bucket.earliestUs(51, 1_500_000)).toBe(1_510_000)
  })

  test('that is idle since later than now fills from now on', () => {
    expect(new TokenBucket(ruleOf(0), 9_000_000, 0, 1).earliestUs(1, 0)).toBe(10_000)
  })
})

describe('a charge of what the server counts at its own time', () => {
  test('leaves what flowed in above the depth, and lets a larger charge pass when there is as much', () => {
    const bucket = fullAt(0)
    expect(bucket.earliestUs(97, 0)).toBe(0)
    bucket.chargeLate(2, 0, 1)
    expect(bucket.missing(0)).toBe(0)
    expect([97, 98, 99].map((amount) => bucket.earliestUs(amount, 0))).toEqual([0, 0, 10_000])
    bucket.chargeLate(50, 0, 2)
    expect(bucket.missing(0)).toBe(47)
    expect(bucket.earliestUs(97, 0)).toBe(490_000)
  })

  test('is as any other where it is not above the depth', () => {
    const [one, other] = [fullAt(0), fullAt(0)]
    one.charge(60, 0, 1)
    other.charge(60, 0, 1)
    one.charge(10, 100_000, 2)
    other.chargeLate(10, 100_000, 2)
    one.refund(60, 1, 200_000)
    other.refund(60, 1, 200_000)
    expect(other.missing(200_000)).toBe(one.missing(200_000))
  })
})

describe('a charge above the depth', () => {
  test('waits until the bucket has been full for J', () => {
    const bucket = new TokenBucket(ruleOf(50_000), 0, 0, 1)
    expect(bucket.earliestUs(96, 0)).toBe(SECOND_US)
    expect(bucket.earliestUs(400, 0)).toBe(SECOND_US)
  })

  test('leaves a debt that what follows waits for', () => {
    const bucket = fullAt(0)
    bucket.charge(300, 0, 1)
    // 95 − 300 = −205, then one more.
    expect(bucket.earliestUs(1, 0)).toBe(2_060_000)
    expect(bucket.missing(0)).toBe(300)
    // The server counts it 50 ms late at worst, and is full again 3 s after that.
    expect(bucket.earliestUs(300, 0)).toBe(3_050_000)
  })

  test('leaves no debt that is deeper than a period fills, where exact integers end', () => {
    const rule = { ...ruleOf(0, 70_000_000), periodUs: MINUTE_US, burstUs: MINUTE_US }
    const bucket = new TokenBucket(rule, -MINUTE_US, 0, 1)
    bucket.charge(1_000_000_000, 0, 1)
    expect(bucket.earliestUs(1, 0)).toBeGreaterThan(MINUTE_US)
    expect(bucket.earliestUs(1, 0)).toBeLessThan(MINUTE_US * 1.1)
  })

  test('comes J after one that filled the bucket again, when that may have been counted late', () => {
    const bucket = fullAt(0)
    bucket.charge(10, 0, 1)
    // Sent at 0 and counted at 50 ms, the 10 are back at the server at 150 ms, not at 100.
    expect(bucket.earliestUs(95, 0)).toBe(100_000)
    expect(bucket.earliestUs(96, 0)).toBe(150_000)
  })
})

describe('a refund', () => {
  test('in the microsecond of its charge undoes it', () => {
    const bucket = fullAt(0)
    bucket.charge(95, 0, 1)
    bucket.refund(95, 1, 0)
    expect(bucket.earliestUs(95, 0)).toBe(0)
  })

  test('gives nothing for what has overflowed meanwhile', () => {
    const bucket = fullAt(0)
    bucket.charge(50, 0, 1)
    // Full again at 500 ms; without the charge the bucket would be no fuller than this.
    bucket.charge(95, 600_000, 2)
    bucket.refund(50, 1, 600_000)
    expect(bucket.missing(600_000)).toBe(95)
  })

  test('gives what had not yet overflowed when the bucket was last near its brim', () => {
    const bucket = fullAt(0)
    bucket.charge(50, 0, 1)
    bucket.charge(85, 400_000, 2)
    // 10 were missing when the second came.
    bucket.refund(50, 1, 400_000)
    expect(bucket.missing(400_000)).toBe(85)
  })

  test('of two charges does not give the same overflow back twice', () => {
    const bucket = fullAt(0)
    bucket.charge(40, 0, 1)
    bucket.charge(40, 0, 2)
    // At 700 ms 10 are missing. Had neither been charged, the bucket would be full: 10 more, not 20.
    bucket.charge(85, 700_000, 3)
    bucket.refund(40, 2, 700_000)
    bucket.refund(40, 1, 700_000)
    expect(bucket.missing(700_000)).toBe(85)
  })

  test('of two charges gives both back as long as nothing overflowed', () => {
    const bucket = fullAt(0)
    bucket.charge(40, 0, 1)
    bucket.charge(40, 0, 2)
    bucket.charge(5, 100_000, 3)
    bucket.refund(40, 1, 100_000)
    bucket.refund(25, 2, 100_000)
    // 40 + 40 + 5, less 10 that flowed in, less what is given back.
    expect(bucket.missing(100_000)).toBe(10)
  })

  test('after the window has gone gives nothing, a microsecond before it all', () => {
    for (const [us, missing] of [
      [1_049_999, 1],
      [1_050_000, 196],
    ] as const) {
      const bucket = fullAt(0)
      bucket.charge(300, 0, 1)
      bucket.charge(1, us, 2)
      bucket.refund(300, 1, us)
      expect(bucket.missing(us)).toBe(missing)
    }
  })

  test('of a charge that came before the bucket gives nothing', () => {
    const bucket = new TokenBucket(ruleOf(50_000), 0, 0, 7)
    bucket.refund(50, 6, 0)
    expect(bucket.missing(0)).toBe(95)
  })

  test('keeps its place among many charges', () => {
    const bucket = new TokenBucket(ruleOf(0, 1_000_000), -SECOND_US, 0, 1)
    for (let seq = 1; seq <= 500; seq++) bucket.charge(1000, seq, seq)
    for (let seq = 500; seq >= 1; seq--) bucket.refund(999, seq, 500)
    // Each took 1 in the end, and 1 flowed in after each.
    expect(bucket.missing(500)).toBe(1)
  })
})

describe('a bucket that is held empty', () => {
  test('starts from nothing when the hold ends', () => {
    const bucket = fullAt(0)
    bucket.emptyUntil(5 * SECOND_US, 0, 0)
    expect(bucket.earliestUs(1, 0)).toBe(5_010_000)
    expect(bucket.missing(5 * SECOND_US)).toBe(95)
  })

  test('does so after hours, however fast it fills', () => {
    const bucket = new TokenBucket(
      { amount: 70_000_000, periodUs: MINUTE_US, burstUs: MINUTE_US, jitterUs: 0, refundableUs: MINUTE_US },
      0,
      0,
      1,
    )
    const until = 24 * 60 * MINUTE_US
    bucket.emptyUntil(until, 0, 0)
    expect(bucket.missing(until)).toBe(70_000_000)
    expect(bucket.earliestUs(70_000_000, until)).toBe(until + MINUTE_US)
  })

  test('until a time that has passed is empty now', () => {
    const bucket = fullAt(SECOND_US)
    bucket.emptyUntil(500_000, SECOND_US, 0)
    expect(bucket.missing(SECOND_US)).toBe(95)
  })

  test('keeps a debt that lasts longer', () => {
    const bucket = fullAt(0)
    bucket.charge(595, 0, 1)
    bucket.emptyUntil(SECOND_US, 0, 1)
    expect(bucket.earliestUs(1, 0)).toBe(5_010_000)
  })

  test('gives nothing back for what was charged before', () => {
    const bucket = fullAt(0)
    bucket.charge(95, 0, 1)
    bucket.emptyUntil(0, 0, 1)
    bucket.refund(95, 1, 0)
    expect(bucket.missing(0)).toBe(95)
  })

  test('stays empty until then under a new rate', () => {
    const bucket = fullAt(0)
    bucket.emptyUntil(5 * SECOND_US, 0, 0)
    bucket.setRule(ruleOf(50_000, 10), 0, 0)
    expect(bucket.earliestUs(1, 0)).toBe(5_100_000)
    bucket.setRule(ruleOf(50_000, 1000), SECOND_US, 0)
    expect(bucket.earliestUs(1, SECOND_US)).toBe(5_001_000)
  })
})

describe('a new rule', () => {
  test('keeps what is in the bucket, up to the new depth', () => {
    const bucket = fullAt(0, ruleOf(0))
    bucket.charge(40, 0, 1)
    bucket.setRule(ruleOf(0, 1000), 0, 1)
    expect(bucket.earliestUs(60, 0)).toBe(0)
    expect(bucket.earliestUs(61, 0)).toBe(1000)
    bucket.setRule(ruleOf(0, 10), 0, 1)
    expect(bucket.earliestUs(10, 0)).toBe(0)
    expect(bucket.missing(0)).toBe(0)
  })

  test('keeps a debt, in tokens', () => {
    const bucket = fullAt(0, ruleOf(0))
    bucket.charge(200, 0, 1)
    bucket.setRule(ruleOf(0, 10), 0, 1)
    expect(bucket.earliestUs(1, 0)).toBe(10_100_000)
  })
})

describe('ticks coarser than a microsecond', () => {
  /** 90 million a minute: 1,500 a millisecond, which is the tick. */
  const rule = { amount: 90e6, periodUs: MINUTE_US, burstUs: MINUTE_US, jitterUs: 0, refundableUs: MINUTE_US }

  test('let no more through than depth and rate allow, though the tick turns right after a charge', () => {
    const justBefore = 120_000_999
    const bucket = new TokenBucket(rule, 0, justBefore, 1)
    const depth = 90e6 - 1500
    expect(bucket.earliestUs(depth, justBefore)).toBe(justBefore)
    bucket.charge(depth, justBefore, 1)
    // A microsecond later the clock's tick has turned, and a whole tick seems to have flowed in.
    expect(bucket.earliestUs(1500, justBefore + 1)).toBe(justBefore + 1)
    bucket.charge(1500, justBefore + 1, 2)
    expect(bucket.earliestUs(1, justBefore + 1)).toBe(120_002_000)
  })

  test('start with the first whole one', () => {
    const bucket = new TokenBucket(rule, 500, 500, 1)
    expect(bucket.earliestUs(1500, 500)).toBe(2000)
  })

  test('of a new rule start with the next whole one', () => {
    const bucket = new TokenBucket({ ...rule, amount: 60e6 }, 999, 999, 1)
    bucket.setRule(rule, 999, 0)
    expect(bucket.earliestUs(1500, 999)).toBe(2000)
  })

  test('of seconds still hold a minute', () => {
    const bucket = new TokenBucket({ ...rule, amount: 1.5e14 }, 0, 0, 1)
    expect(bucket.earliestUs(2.5e12, 0)).toBe(SECOND_US)
    expect(bucket.earliestUs(1.5e14, 0)).toBe(MINUTE_US)
  })
})
