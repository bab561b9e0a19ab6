import { describe, expect, test } from 'vitest'
import { seeded } from '../../bench/quota/random.js'
import { counterOf, type CountingRule } from '../../bench/quota/windows.js'

interface Charge {
  readonly atMs: number
  amount: number
}

const LIMIT = 100
const WINDOW_MS = 1000
const PHASE_MS = 370

/** The amount that counts at a time, computed from all charges by the definition of the rule. */
const counted: Readonly<Record<CountingRule, (charges: readonly Charge[], atMs: number) => number>> = {
  fixed: (charges, atMs) => sum(charges, (charge) => windowOf(charge.atMs) === windowOf(atMs)),
  sliding: (charges, atMs) => sum(charges, (charge) => charge.atMs > atMs - WINDOW_MS),
  counter(charges, atMs) {
    const gone = (atMs - PHASE_MS) / WINDOW_MS - windowOf(atMs)
    const current = sum(charges, (charge) => windowOf(charge.atMs) === windowOf(atMs))
    return current + (1 - gone) * sum(charges, (charge) => windowOf(charge.atMs) === windowOf(atMs) - 1)
  },
  bucket(charges, atMs) {
    let missing = 0
    let last = -Infinity
    for (const charge of [...charges, { atMs, amount: 0 }]) {
      missing = Math.max(0, missing - ((charge.atMs - last) * LIMIT) / WINDOW_MS) + charge.amount
      last = charge.atMs
    }
    return missing
  },
}

const windowOf = (atMs: number) => Math.floor((atMs - PHASE_MS) / WINDOW_MS)

function sum(charges: readonly Charge[], counts: (charge: Charge) => boolean): number {
  return charges.filter(counts).reduce((total, { amount }) => total + amount, 0)
}

const RULES = Object.keys(counted) as CountingRule[]

describe.each(RULES)('a counter with the rule %s', (rule) => {
  test('counts as its definition says', () => {
    const random = seeded(7, rule)
    const counter = counterOf(rule, LIMIT, WINDOW_MS, PHASE_MS)
    const charges: Charge[] = []
    let atMs = 5000
    for (let i = 0; i < 2000; i++) {
      atMs += random() < 0.1 ? 1500 * random() : 60 * random()
      expect(counter.used(atMs)).toBeCloseTo(counted[rule](charges, atMs), 6)
      const amount = Math.ceil(20 * random())
      counter.charge(amount, atMs)
      charges.push({ atMs, amount })
    }
  })
})

// A bucket does not refund the part that has drained. It has its own test below.
describe.each(RULES.filter((rule) => rule !== 'bucket'))('a counter with the rule %s', (rule) => {
  test('refunds a charge only while it still counts', () => {
    const random = seeded(8, rule)
    const counter = counterOf(rule, LIMIT, WINDOW_MS, PHASE_MS)
    const charges: Charge[] = []
    let atMs = 5000
    for (let i = 0; i < 1000; i++) {
      atMs += 120 * random()
      const amount = 10 + Math.ceil(20 * random())
      counter.charge(amount, atMs)
      charges.push({ atMs, amount })
      const earlier = charges[Math.floor(charges.length - 1 - 20 * random())]
      if (earlier !== undefined && earlier.amount > 5) {
        counter.giveBack(5, earlier.atMs, atMs)
        earlier.amount -= 5
      }
      expect(counter.used(atMs)).toBeCloseTo(counted[rule](charges, atMs), 6)
    }
  })
})

test('a bucket refunds no more than it lacks', () => {
  const bucket = counterOf('bucket', LIMIT, WINDOW_MS, 0)
  bucket.charge(60, 1000)
  bucket.giveBack(20, 1000, 1000)
  expect(bucket.used(1000)).toBe(40)
  bucket.giveBack(90, 1000, 1000)
  expect(bucket.used(1000)).toBe(0)
})

test('a bucket keeps its level when its limit changes', () => {
  const bucket = counterOf('bucket', LIMIT, WINDOW_MS, 0)
  bucket.charge(70, 1000)
  bucket.setLimit(200, 1000)
  expect(bucket.used(1000)).toBe(170)
  bucket.setLimit(20, 1000)
  expect(bucket.used(1000)).toBe(0)
})
