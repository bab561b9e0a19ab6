import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const off = { secondWindow: 'off' } as const

describe('changes of limits at set times', () => {
  it('apply from their time on', async () => {
    const clock = new ManualClock(1000)
    const { client } = await simulate({
      ...off,
      clock,
      limits: { [model]: { rpm: 1 } },
      limitChanges: [
        { afterMs: 200, model: 'new', limits: {} },
        { afterMs: 100, model, limits: { rpm: 2 } },
      ],
    })
    const ask = (name = model): Promise<unknown> => client.chat.completions.create({ model: name, messages })
    await ask()
    clock.advance(99)
    await refusalOf(ask())
    clock.advance(1)
    await ask()
    await refusalOf(ask())
    expect((await refusalOf(ask('new'))).status).toBe(404)
    clock.advance(100)
    await ask('new')
  })

  it('apply from their own time, however late the next request is', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      minuteWindow: 'bucket',
      limits: { [model]: { rpm: 1 } },
      limitChanges: [{ afterMs: 30_000, model, limits: { rpm: 60 } }],
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    await ask()
    clock.advance(31_000)
    // Half of the request drained in the first 30 s, the other half in the next second.
    for (let i = 0; i < 60; i += 1) await ask()
    expect((await refusalOf(ask())).status).toBe(429)
    expect(simulator.ledger().models[model]?.windows.rpm?.used).toBe(60)
  })

  it.each([
    // One answer takes 90 s, the other 120 s. When the second is charged, the first has drained at the new rate.
    ['completion', 0, 100_000, 201],
    ['generated', 0, 100_000, 200],
    ['completion', 1000, 120_500, 201],
  ] as const)('apply to later charges without another request, with output charged at %s', async (...row) => {
    const [outputAccounting, slowBodyMs, afterMs, used] = row
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      outputAccounting,
      minuteWindow: 'bucket',
      latency: { firstTokenMs: 60_000, perTokenMs: 300, jitter: 0 },
      chunkTokens: 1000,
      limits: { [model]: { tpm: 40 } },
      limitChanges: [{ afterMs, model, limits: { tpm: 60_000 } }],
      answer: ({ n }) => ({ content: 'deep', outputTokens: n === 1 ? 101 : 201 }),
      ...(slowBodyMs > 0 && { fail: () => ({ slowBodyMs }) }),
    })
    const first = client.chat.completions.create({ model, messages })
    await clock.armed(1)
    const second = client.chat.completions.create({ model, messages })
    await clock.armed(2)
    clock.advance(120_000 + slowBodyMs)
    await Promise.all([first, second])
    expect(simulator.ledger().models[model]?.windows.tpm).toMatchObject({ limit: 60_000, used })
  })

  it('appear in the ledger, the live table and the list of models before the next request', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      limits: { [model]: { rpm: 1 } },
      limitChanges: [
        { afterMs: 100, model, limits: { rpm: 2 } },
        { afterMs: 100, model: 'new', limits: { rpm: 3 } },
      ],
    })
    await client.chat.completions.create({ model, messages })
    clock.advance(100)
    expect(simulator.ledger().models[model]?.windows.rpm).toMatchObject({ limit: 2, used: 1 })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model, 'new'])
    const quotas = await (await fetch(new URL('/api/v1/quotas?model=new', simulator.url))).json()
    expect(quotas).toMatchObject({ output: { quotas: [{ model_limit: { request_limit: 3 } }] } })
  })

  it('that are due are made before a later setLimits', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({
      ...off,
      clock,
      limits: { [model]: { rpm: 1 } },
      limitChanges: [{ afterMs: 100, model, limits: { rpm: 2 } }],
    })
    clock.advance(200)
    simulator.setLimits(model, { rpm: 7 })
    const quotas = await (await fetch(new URL('/api/v1/quotas', simulator.url))).json()
    expect(quotas).toMatchObject({ output: { quotas: [{ model_limit: { request_limit: 7 } }] } })
  })
})
