import { describe, expect, it } from 'vitest'
import type { LimitName } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const off = { secondWindow: 'off' } as const

describe('the limits of a row', () => {
  it.each<[LimitName, object, number]>([
    // Each request has 19 input tokens and 4 output tokens. Output counts when it is generated.
    ['inputTpm', { inputTpm: 57 }, 3],
    ['outputTpm', { outputTpm: 9 }, 3],
    ['tpm', { tpm: 65 }, 3],
    ['rpm', { rpm: 3 }, 3],
  ])('%s admits its amount, and more a minute later', async (limit, row, count) => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      limits: { [model]: row },
      answer: () => 'x'.repeat(16),
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    for (let i = 0; i < count; i += 1) await ask()
    clock.advance(59_999)
    expect((await refusalOf(ask())).code).toBe(limit === 'rpm' ? 'limit_requests' : 'insufficient_quota')
    expect(simulator.ledger().entries.at(-1)?.refusal).toBe(limit)
    clock.advance(1)
    await ask()
    expect(simulator.ledger().models[model]?.refused[limit]).toBe(1)
  })

  it('thinkingTpm counts thinking tokens, and refuses only requests that think', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      limits: { [model]: { thinkingTpm: 10, outputTpm: 1000 } },
      answer: ({ thinking }) => ({ content: 'x'.repeat(16), reasoning: thinking ? 'y'.repeat(40) : '' }),
    })
    const ask = (enable_thinking: boolean): Promise<unknown> =>
      client.chat.completions.create({ model, messages, enable_thinking } as never)
    await ask(true)
    expect((await refusalOf(ask(true))).code).toBe('insufficient_quota')
    await ask(false)
    const { windows } = simulator.ledger().models[model] ?? {}
    expect([windows?.thinkingTpm?.used, windows?.outputTpm?.used]).toEqual([10, 18])
  })

  it('outputTpm and thinkingTpm are reserved at admission and corrected at the end', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      outputAccounting: 'reserved',
      limits: { [model]: { outputTpm: 100, thinkingTpm: 60 } },
      answer: () => ({ content: 'x'.repeat(16), reasoning: 'y'.repeat(16) }),
    })
    const ask = (max_tokens: number): Promise<unknown> =>
      client.chat.completions.create({
        model,
        messages,
        max_tokens,
        enable_thinking: true,
        thinking_budget: 50,
      } as never)
    await refusalOf(ask(101))
    await ask(100)
    expect(simulator.ledger().models[model]?.windows).toMatchObject({
      outputTpm: { used: 8, peak: 100 },
      thinkingTpm: { used: 4, peak: 50 },
    })
    await refusalOf(ask(93))
    await ask(92)
    expect(simulator.ledger().entries.map(({ refusal }) => refusal)).toEqual([
      'outputTpm',
      undefined,
      'outputTpm',
      undefined,
    ])
  })

  it('concurrency counts requests in flight, until they are answered', async () => {
    const clock = new ManualClock()
    const latency = { firstTokenMs: 100, perTokenMs: 0, jitter: 0 }
    const { simulator, client } = await simulate({ clock, latency, limits: { [model]: { concurrency: 2 } } })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    const running = [ask(), ask()]
    await clock.armed(2)
    expect((await refusalOf(ask())).code).toBe('limit_requests')
    expect(simulator.ledger().models[model]?.windows.concurrency).toEqual({ limit: 2, used: 2, peak: 2 })
    clock.advance(100)
    await Promise.all(running)
    const after = ask()
    await clock.armed()
    clock.advance(100)
    await after
    expect(simulator.ledger().models[model]).toMatchObject({ refused: { concurrency: 1 }, inFlight: 0 })
  })

  it('limits come from a built-in table by its name', async () => {
    const { simulator, client } = await simulate({ limits: 'model-studio/beijing', clock: new ManualClock() })
    await client.chat.completions.create({ model: 'qwen-max', messages })
    expect((await refusalOf(client.chat.completions.create({ model: 'gpt-any', messages }))).status).toBe(404)
    expect(simulator.ledger().models['qwen-max']?.windows).toMatchObject({
      rpm: { limit: 1200 },
      rps: { limit: 20 },
      tpm: { limit: 1_000_000 },
    })
  })
})

describe('cached input', () => {
  it('is reported in usage, and counts with cachedWeight', async () => {
    const options = {
      ...off,
      limits: { [model]: { tpm: 1000 } },
      cachedShare: 0.5,
      cachedWeight: 0.5,
      answer: () => 'deep',
    }
    const { simulator, client } = await simulate({ ...options, clock: new ManualClock() })
    const content = 'x'.repeat(4 * 90)
    const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] })
    expect(answer.usage).toMatchObject({ prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 50 } })
    expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(76)
    expect(simulator.ledger().entries[0]).toMatchObject({ inputTokens: 100, chargedAtAdmission: 75 })
  })
})
