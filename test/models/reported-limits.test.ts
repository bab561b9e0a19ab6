import { describe, expect, test } from 'vitest'
import { json } from '../support/fake-fetch.js'
import { chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { setup } from '../dispatch/setup.js'

function telling(rpm: number, options = {}): LimitedFetch {
  const headers = {
    'x-ratelimit-limit-requests': `${rpm}`,
    'x-ratelimit-remaining-requests': `${rpm - 1}`,
    'x-ratelimit-reset-requests': `${60 / rpm}s`,
  }
  return new LimitedFetch([json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }, 200, headers)], options)
}

describe('limits that the service tells', () => {
  test('come in place of the table’s, and those a second with them', async () => {
    const limited = telling(6000, { limits: 'model-studio/singapore' })
    const before = limited.limiter.limitsOf('qwen-plus')
    await limited.after(limited.post())
    const limits = limited.limiter.limitsOf('qwen-plus')
    expect(before.rpm).not.toBe(6000)
    expect(limits).toMatchObject({ rpm: 6000, rps: 100, tpm: before.tpm, tps: before.tps })
    expect(limits.source).toBe(`the service's headers, in place of ${before.source}`)
    expect(limited.limiter.stats().models['qwen-plus']!.limits).toEqual(limits)
  })

  test('of a model in no table are better than a guess', async () => {
    const limited = telling(600, { limits: {} })
    await limited.after(limited.post({ ...chatBody, model: 'new' }))
    expect(limited.limiter.limitsOf('new')).toMatchObject({ rpm: 600, tpm: 100_000 })
  })

  test.each([
    [300, 300],
    [900, 600],
  ])('%d a minute leave %d of a user’s 600: what was asked for is not exceeded', async (told, rpm) => {
    const limited = telling(told, { overrides: { 'qwen-plus': { rpm: 600 } } })
    await limited.after(limited.post())
    expect(limited.limiter.limitsOf('qwen-plus').rpm).toBe(rpm)
  })

  test('are said once, not with every answer', async () => {
    const limited = telling(6000, { limits: 'model-studio/singapore' })
    const changes: unknown[] = []
    limited.limiter.on('limits', (event) => changes.push(event))
    for (let i = 0; i < 3; i++) await limited.after(limited.post())
    expect(changes).toHaveLength(1)
  })

  test('are the account’s, where a workspace hears them', async () => {
    const limited = telling(100, { limits: 'model-studio/singapore' })
    const team = limited.limiter.workspace('team', {})
    await limited.after(
      team.fetch('https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions', {
        method: 'POST',
        body: JSON.stringify(chatBody),
      }),
    )
    expect(limited.limiter.limitsOf('qwen-plus').rpm).toBe(100)
    expect(team.limitsOf('qwen-plus').rpm).toBe(100)
  })

  test('are read of what a run throws, too; headers that cannot be read are none', async () => {
    const { limiter, clock, follow } = setup({ limits: { a: { rpm: 60 } }, maxRetries: 0 })
    const headers = {
      'x-ratelimit-limit-requests': '30',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '20s',
    }
    const thrown = (given: unknown) => () => {
      throw Object.assign(new Error('refused'), { status: 400, headers: given })
    }
    follow(limiter.schedule({ model: 'a' }, thrown(headers)))
    const odd = follow(
      limiter.schedule(
        { model: 'a' },
        thrown({
          get: () => {
            throw new Error('no')
          },
        }),
      ),
    )
    await clock.run()
    expect(limiter.limitsOf('a').rpm).toBe(30)
    expect((odd.error as Error).message).toBe('refused')
  })
})
