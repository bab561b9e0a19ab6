import { expect, test } from 'vitest'
import { atShares, withShares } from '../../src/limits/limit-shares.js'
import { resolveLimits } from '../../src/limits/resolve-limits.js'

const limits = { rpm: 61, rps: 1.01, tpm: 1001, tps: 16.7, inputTpm: 500, outputTpm: 3, thinkingTpm: 1, concurrency: 7 }

test('limits on requests and on tokens are scaled apart; those per minute stay integers of at least 1, and concurrency stays', () => {
  expect(atShares(limits, { requests: 0.5, tokens: 0.1 })).toEqual({
    rpm: 30,
    rps: 0.505,
    tpm: 100,
    tps: 1.67,
    inputTpm: 50,
    outputTpm: 1,
    thinkingTpm: 1,
    concurrency: 7,
  })
})

test('the source of scaled limits says which share was learned, and of which limits', () => {
  const { limits: told } = resolveLimits('m', { table: { m: { rpm: 600, tpm: 1000, source: 'a page' } } })
  const shown = withShares(told, { requests: 0.5, tokens: 1 })
  expect(shown).toMatchObject({ rpm: 300, tpm: 1000, rps: 5, source: 'learned: 50 % of the requests of a page' })
  expect(withShares(told, { requests: 1, tokens: 1 })).toBe(told)
})
