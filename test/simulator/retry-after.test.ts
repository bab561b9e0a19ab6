import { describe, expect, it } from 'vitest'
import { openai } from '../../src/simulator/index.js'
import { retryAfterHeaders } from '../../src/simulator/headers.js'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'gpt-any'
const answer = (): string => 'deep'

describe('Retry-After', () => {
  it.each([
    ['off', null, null],
    ['seconds', '60', null],
    ['milliseconds', '60', '59500'],
    ['date', 'Sat, 01 Nov 2025 00:01:00 GMT', null],
  ] as const)('is sent in the form that retryAfter names: %s', async (retryAfter, value, ms) => {
    const clock = new ManualClock()
    const { client } = await simulate({
      clock,
      retryAfter,
      epochMs: Date.UTC(2025, 10, 1) - 500,
      secondWindow: 'off',
      limits: { [model]: { rpm: 1 } },
    })
    await client.chat.completions.create({ model, messages })
    clock.advance(500)
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect([refusal.headers?.get('retry-after'), refusal.headers?.get('retry-after-ms')]).toEqual([value, ms])
  })

  it('is missing if the request can never be admitted', async () => {
    const { client } = await simulate({ retryAfter: 'seconds', limits: { [model]: { tpm: 5 } } })
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect(refusal.headers?.get('retry-after')).toBeNull()
  })

  it('is missing if only concurrency refuses, and otherwise names the wait for the other limits', async () => {
    const clock = new ManualClock()
    const latency = { firstTokenMs: 1e6, perTokenMs: 0, jitter: 0 }
    const limits = { free: { concurrency: 1 }, full: { concurrency: 1, tpm: 30 } }
    const { client } = await simulate({ clock, latency, retryAfter: 'seconds', secondWindow: 'off', limits })
    const waited = async (name: string): Promise<string | null | undefined> => {
      const first = client.chat.completions.create({ model: name, messages }).catch(() => undefined)
      await clock.armed(name === 'free' ? 1 : 2)
      void first
      return (await refusalOf(client.chat.completions.create({ model: name, messages }))).headers?.get('retry-after')
    }
    expect(await waited('free')).toBeNull()
    expect(await waited('full')).toBe('60')
  })

  it('is at least one whole second', () => {
    expect(retryAfterHeaders('seconds', 0.25, 0)).toEqual(['retry-after', '1'])
    expect(retryAfterHeaders('milliseconds', 0.25, 0)).toEqual(['retry-after', '1', 'retry-after-ms', '1'])
  })

  it('names the time at which the last of all full limits has room', async () => {
    const clock = new ManualClock()
    const limits = { [model]: { rps: 1, rpm: 100, tpm: 40 } }
    const { simulator, client } = await simulate({ clock, limits, perSecond: false, retryAfter: 'seconds', answer })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    await ask()
    clock.advance(1000)
    await ask()
    // The second is full until 2 s, the tokens of the minute until 60 s.
    const refusal = await refusalOf(ask())
    expect(simulator.ledger().entries.at(-1)?.refusal).toBe('rps')
    expect(refusal.headers?.get('retry-after')).toBe('59')
  })

  it('covers the limits of the account and of the workspace', async () => {
    const clock = new ManualClock()
    const { client } = await simulate({
      clock,
      retryAfter: 'seconds',
      secondWindow: 'off',
      limits: { [model]: { rpm: 2 } },
      workspaces: { one: { [model]: { rpm: 1 } } },
    })
    const ask = (headers: object = {}): Promise<unknown> =>
      client.chat.completions.create({ model, messages }, { headers: headers as Record<string, string> })
    await ask()
    clock.advance(10_000)
    await ask({ 'X-DashScope-WorkSpace': 'one' })
    const refusal = await refusalOf(ask({ 'X-DashScope-WorkSpace': 'one' }))
    expect(refusal.headers?.get('retry-after')).toBe('60')
    const other = await refusalOf(ask())
    expect(other.headers?.get('retry-after')).toBe('50')
  })
})

describe('the numbers in a refusal', () => {
  it('include the output that the request would reserve', async () => {
    const limits = { [model]: { tpm: 100 } }
    const { client } = await simulate(openai({ clock: new ManualClock(), limits, answer }))
    await client.chat.completions.create({ model, messages, max_tokens: 10 })
    const refusal = await refusalOf(client.chat.completions.create({ model, messages, max_tokens: 71 }))
    expect(refusal.message).toContain('Limit 100, Used 20, Requested 90.')
    expect(refusal.message).toContain('Please try again in 6s.')
  })
})

describe('the remaining amount', () => {
  it('is never below 0, also after a limit was lowered below its use', async () => {
    const limits = { [model]: { rpm: 5 } }
    const { simulator, client } = await simulate(openai({ clock: new ManualClock(), limits, answer }))
    for (let i = 0; i < 3; i += 1) await client.chat.completions.create({ model, messages })
    simulator.setLimits(model, { rpm: 1 })
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect(refusal.headers?.get('x-ratelimit-remaining-requests')).toBe('0')
  })
})
