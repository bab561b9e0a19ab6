import { describe, expect, it } from 'vitest'
import { errorBodies, stateKinds } from '../../src/simulator/index.js'
import type { AccountState } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, post, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

describe('lasting states', () => {
  it.each<[AccountState, number, string, RegExp]>([
    [{ kind: 'free-tier' }, 403, 'AllocationQuota.FreeTierOnly', /free tier of the model has been exhausted/],
    [{ kind: 'free-tier', status: 400 }, 400, 'AllocationQuota.FreeTierOnly', /free tier/],
    [{ kind: 'free-tier', code: 'insufficient_quota' }, 403, 'insufficient_quota', /free tier/],
    [{ kind: 'free-quota' }, 429, 'Throttling.AllocationQuota', /Free allocated quota exceeded\./],
    [{ kind: 'voice-limit' }, 429, 'Throttling.AllocationQuota', /Maximum voice-clone voice limit exceeded\./],
    [{ kind: 'arrearage' }, 400, 'Arrearage', /make sure your account is in good standing/],
    [{ kind: 'arrearage', code: 'AccountOverdue' }, 400, 'AccountOverdue', /your account is in good standing/],
    [{ kind: 'not-purchased' }, 429, 'CommodityNotPurchased', /Commodity has not purchased yet\./],
    [{ kind: 'prepaid-overdue' }, 429, 'PrepaidBillOverdue', /The prepaid bill is overdue\./],
    [{ kind: 'postpaid-overdue' }, 429, 'PostpaidBillOverdue', /The postpaid bill is overdue\./],
    [{ kind: 'budget' }, 429, 'BudgetLimitExceeded', /budget/],
    [{ kind: 'token-plan' }, 429, 'QuotaExhausted', /Your token-plan 1-week quota has been exhausted\.$/],
    [{ kind: 'billing' }, 429, 'insufficient_quota', /platform\.openai\.com/],
  ])('refuse every request with an error of their own: %o', async (state, status, code, message) => {
    const { simulator, client } = await simulate({ state, limits: { [model]: { rpm: 60 } } })
    for (let i = 0; i < 2; i += 1) {
      const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
      expect([refusal.status, refusal.code]).toEqual([status, code])
      expect(refusal.message).toMatch(message)
    }
    expect(simulator.ledger().entries[1]).toMatchObject({ admitted: false, refusal: 'state', status })
    expect(simulator.ledger().models[model]).toMatchObject({ refused: { state: 2 }, windows: { rpm: { used: 0 } } })
  })

  it('exist in ten kinds', () => {
    expect(new Set(stateKinds).size).toBe(10)
    expect(errorBodies.arrearage('f9fdb027')).toContain('"id":"chatcmpl-f9fdb027"')
  })

  it('have the form that errorShape names, for example the flat one', async () => {
    const { simulator } = await simulate({ state: { kind: 'prepaid-overdue' }, errorShape: 'flat' })
    const refusal = await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    expect([refusal.status, await refusal.json()]).toEqual([
      429,
      {
        code: 'PrepaidBillOverdue',
        message: 'The prepaid bill is overdue.',
        request_id: refusal.headers.get('x-request-id'),
      },
    ])
  })

  it('of a token plan name their reset, and end at that time', async () => {
    const clock = new ManualClock()
    const resetAt = Date.UTC(2026, 8, 19, 7, 14, 0)
    const state = { kind: 'token-plan', resetAt } as const
    const { client } = await simulate({ clock, epochMs: resetAt - 60_000, state })
    clock.advance(59_999)
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect(refusal.message).toContain(
      'Your token-plan 1-week quota has been exhausted. The quota will reset at 09-19 07:14:00 UTC.',
    )
    clock.advance(1)
    await client.chat.completions.create({ model, messages })
  })

  it('begin after afterTokens, of one model or of the whole account', async () => {
    const answer = (): string => 'deep'
    const one = await simulate({ answer, modelStates: { [model]: { kind: 'free-tier', afterTokens: 40 } } })
    const ask = (name: string): Promise<unknown> => one.client.chat.completions.create({ model: name, messages })
    // Each request has 20 tokens.
    await ask(model)
    await ask(model)
    expect((await refusalOf(ask(model))).status).toBe(403)
    await ask('other')

    const all = await simulate({ answer, state: { kind: 'budget', afterTokens: 40 } })
    await all.client.chat.completions.create({ model, messages })
    await all.client.chat.completions.create({ model: 'other', messages })
    expect((await refusalOf(all.client.chat.completions.create({ model: 'third', messages }))).status).toBe(429)
  })

  it('begin and end with setState', async () => {
    const { simulator, client } = await simulate()
    const ask = (name = model): Promise<unknown> => client.chat.completions.create({ model: name, messages })
    simulator.setState({ kind: 'arrearage' })
    expect((await refusalOf(ask())).code).toBe('Arrearage')
    simulator.setState(undefined)
    simulator.setState({ kind: 'free-tier' }, model)
    expect((await refusalOf(ask())).status).toBe(403)
    await ask('other')
    simulator.setState(undefined, model)
    await ask()
    expect(() => simulator.setState({ kind: 'broke' as never })).toThrow('state.kind must be one of free-tier')
  })
})
