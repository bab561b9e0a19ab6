import { describe, expect, test } from 'vitest'
import { refusal, setup } from '../dispatch/setup.js'

describe('a refusal of what was sent under other limits', () => {
  test('teaches nothing of those that hold now', async () => {
    const { limiter, send, clock, heard } = setup({ limits: { a: { tpm: 1000 } }, maxRetries: 0 })
    for (let i = 0; i < 9; i++) send({ model: 'a', tokens: 100 }, `${i}`, [{ returns: undefined }])
    send({ model: 'a', tokens: 100 }, 'late', [refusal('tokens')], 5000)
    await clock.advance(1000)
    limiter.setLimits('a', { tpm: 1100 })
    await clock.advance(5000)
    expect(heard.throttled).toHaveLength(1)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 1100, source: 'user' })
  })

  test('that was sent under those that hold does', async () => {
    const { limiter, send, clock } = setup({ limits: { a: { tpm: 1000 } }, maxRetries: 0 })
    limiter.setLimits('a', { tpm: 1100 })
    for (let i = 0; i < 9; i++) send({ model: 'a', tokens: 100 }, `${i}`, [{ returns: undefined }])
    await clock.advance(1000)
    send({ model: 'a', tokens: 100 }, 'late', [refusal('tokens')], 5000)
    await clock.advance(10_000)
    expect(limiter.limitsOf('a').source).toContain('learned')
  })
})
