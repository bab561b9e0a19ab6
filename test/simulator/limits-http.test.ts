import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { clientOf, messages, MESSAGES_TOKENS, noLatency, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

describe('limits over HTTP', () => {
  it('requests above RPM are refused, and admitted again a minute later', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      clock,
      limits: { [model]: { rpm: 3, tpm: 1e6 } },
      secondWindow: 'off',
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    for (let i = 0; i < 3; i += 1) await ask()
    clock.advance(59_999)
    const refusal = await refusalOf(ask())
    expect(refusal.status).toBe(429)
    expect(refusal.error).toEqual({
      message:
        'You have exceeded your current request limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#rate-limit',
      type: 'limit_requests',
      param: null,
      code: 'limit_requests',
    })
    expect(refusal.headers?.get('retry-after')).toBeNull()
    clock.advance(1)
    await ask()
    expect(simulator.ledger().models[model]).toMatchObject({
      requests: 5,
      admitted: 4,
      refused: { rpm: 1, rps: 0, tpm: 0, tps: 0 },
      inputTokens: 4 * MESSAGES_TOKENS,
      inFlight: 0,
      firstAdmittedAt: 0,
      lastAdmittedAt: 60_000,
      windows: { rpm: { limit: 3, used: 1, peak: 3 } },
    })
  })

  it('tokens above the limit are refused with insufficient_quota, which means billing elsewhere', async () => {
    const { simulator, client } = await simulate({ clock: new ManualClock(), limits: { [model]: { tpm: 60 } } })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages, max_tokens: 1 })
    await ask()
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code, refusal.type]).toEqual([429, 'insufficient_quota', 'insufficient_quota'])
    expect(refusal.message).toContain('#token-limit')
    const [first, second] = simulator.ledger().entries
    expect([first?.admitted, second?.admitted, second?.refusal, second?.status]).toEqual([true, false, 'tps', 429])
  })

  it('all keys count together, and each exact model counts apart', async () => {
    const row = { rpm: 60 }
    const limits = { [model]: row, 'qwen-plus-latest': row }
    const { simulator, client } = await simulate({ clock: new ManualClock(), limits, apiKeys: ['sk-test', 'sk-other'] })
    await client.chat.completions.create({ model, messages })
    await client.chat.completions.create({ model: 'qwen-plus-latest', messages })
    const other = clientOf(simulator, 'sk-other').chat.completions.create({ model, messages })
    expect((await refusalOf(other)).code).toBe('limit_requests')
  })

  it('fixed windows begin at windowPhaseMs', async () => {
    const clock = new ManualClock(777)
    const limits = { [model]: { rpm: 1 } }
    const options = { clock, limits, minuteWindow: 'fixed', secondWindow: 'off', windowPhaseMs: 10_000 } as const
    const { simulator, client } = await simulate(options)
    const statuses: (number | undefined)[] = []
    for (const waitMs of [9999, 1, 59_999, 1]) {
      clock.advance(waitMs)
      await client.chat.completions.create({ model, messages }).catch(() => undefined)
      statuses.push(simulator.ledger().entries.at(-1)?.status)
    }
    expect(statuses).toEqual([200, 200, 429, 200])
  })

  it('models exist in the table, by setLimits, and all of them with defaultLimits', async () => {
    const limits = { [model]: {}, retired: { rpm: 0, tpm: 0 } }
    const { simulator, client } = await simulate({ limits, clock: new ManualClock() })
    const ask = (model: string): Promise<unknown> => client.chat.completions.create({ model, messages })
    for (const unknown of ['qwen-minus', 'retired', 'constructor', '__proto__']) {
      const refusal = await refusalOf(ask(unknown))
      expect([refusal.status, refusal.code]).toEqual([404, 'model_not_found'])
    }
    simulator.setLimits('qwen-minus', { rpm: 60 })
    await ask('qwen-minus')
    expect((await refusalOf(ask('qwen-minus'))).status).toBe(429)
    simulator.setLimits('qwen-minus', { rpm: 120 })
    await ask('qwen-minus')
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model, 'qwen-minus'])
    expect((await client.models.retrieve(model)).id).toBe(model)
    expect((await refusalOf(client.models.retrieve('retired'))).status).toBe(404)

    const { client: open } = await simulate({ limits, defaultLimits: { rpm: 60 }, clock: new ManualClock() })
    await open.chat.completions.create({ model: 'any', messages })
    await open.chat.completions.create({ model: 'other', messages })
    expect((await refusalOf(open.chat.completions.create({ model: 'any', messages }))).status).toBe(429)
  })

  it('a reservation stays until the answer is complete', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      clock,
      latency: { ...noLatency, firstTokenMs: 100 },
      limits: { [model]: { tpm: 1000 } },
      secondWindow: 'off',
      outputAccounting: 'reserved',
      answer: () => 'deep',
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages, max_tokens: 900 })
    const first = ask()
    await clock.armed()
    expect((await refusalOf(ask())).code).toBe('insufficient_quota')
    clock.advance(100)
    await first
    const second = ask()
    await clock.armed()
    clock.advance(100)
    await second
    expect(simulator.ledger().entries.map((entry) => entry.chargedAtAdmission)).toEqual([919, 0, 919])
    expect(simulator.ledger().models[model]?.windows.tpm).toEqual({ limit: 1000, used: 40, peak: 939 })
  })
})
