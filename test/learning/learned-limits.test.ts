import { describe, expect, test } from 'vitest'
import { LearnedLimits, type LimitKind } from '../../src/learning/learned-limits.js'

const MINUTE = 60_000

describe('what is learned of limits on requests and on tokens', () => {
  test('is all of both at first, with nothing to review before the first request', () => {
    const learned = new LearnedLimits(0, 1)
    expect(learned.shares).toEqual({ requests: 1, tokens: 1 })
    expect(learned.reviewAt).toBe(Infinity)
  })

  test.each<LimitKind>(['requests', 'tokens'])('is learned of %s alone where those were refused', (kind) => {
    const learned = new LearnedLimits(0, 1)
    expect(learned.refused(kind, { minute: 0.6, second: 0 }, true, 0)).toBe(true)
    const other = kind === 'requests' ? 'tokens' : 'requests'
    expect(learned.shares[kind]).toBeLessThan(1)
    expect(learned.shares[other]).toBe(1)
  })

  test('is reviewed a window later, and more is tried where all of it was used', () => {
    const learned = new LearnedLimits(0, 1)
    learned.refused('tokens', { minute: 0.6, second: 0 }, true, 0)
    const share = learned.shares.tokens
    const full = (kind: LimitKind): number => (kind === 'tokens' ? learned.shares.tokens : 0)
    expect(learned.reviewAt).toBe(MINUTE)
    let now = 0
    const steps: boolean[] = []
    while (steps.length < 8 && learned.shares.tokens === share) {
      now = learned.reviewAt
      steps.push(learned.review(full, now).isProbing)
    }
    expect(steps.at(-1)).toBe(true)
    expect(learned.shares.tokens).toBeGreaterThan(share)
    expect(learned.shares.requests).toBe(1)
  })
})
