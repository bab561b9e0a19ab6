import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const off = { secondWindow: 'off' } as const

describe('workspaces', () => {
  const limits = { [model]: { rpm: 6, tpm: 1e6 } }
  const workspaces = { 'llm-one': { [model]: { rpm: 2 } }, 'llm-two': { [model]: { tpm: 1e5 } } }
  const within = (workspace: string): object => ({ headers: { 'X-DashScope-WorkSpace': workspace } })

  it('are charged to their own limits and to the account’s limits', async () => {
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits,
      workspaces,
      answer: () => 'deep',
    })
    const ask = (workspace?: string): Promise<unknown> =>
      client.chat.completions.create({ model, messages }, workspace === undefined ? {} : within(workspace))
    await ask('llm-one')
    await ask('llm-one')
    expect((await refusalOf(ask('llm-one'))).code).toBe('limit_requests')
    await ask('llm-two')
    await ask('llm-unlisted')
    await ask()
    await ask()
    await refusalOf(ask())
    await refusalOf(ask('llm-two'))
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ workspace, refusedByWorkspace, status }) => [workspace, refusedByWorkspace, status])).toEqual(
      [
        ['llm-one', undefined, 200],
        ['llm-one', undefined, 200],
        ['llm-one', true, 429],
        ['llm-two', undefined, 200],
        ['llm-unlisted', undefined, 200],
        [undefined, undefined, 200],
        [undefined, undefined, 200],
        [undefined, undefined, 429],
        ['llm-two', undefined, 429],
      ],
    )
    expect(models[model]?.windows.rpm).toEqual({ limit: 6, used: 6, peak: 6 })
    expect(models[model]?.workspaces).toMatchObject({
      'llm-one': { rpm: { used: 2 } },
      'llm-two': { tpm: { peak: 20 } },
    })
  })

  it('can have their limits changed, but never above the account’s', async () => {
    const { simulator, client } = await simulate({ ...off, clock: new ManualClock(), limits, workspaces })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages }, within('llm-one'))
    await ask()
    simulator.setWorkspaceLimits('llm-one', model, { rpm: 1 })
    await refusalOf(ask())
    simulator.setWorkspaceLimits('llm-one', model, { rpm: 3 })
    await ask()
    expect(() => simulator.setWorkspaceLimits('llm-one', model, { rpm: 7 })).toThrow(
      "workspace llm-one, qwen-plus: rpm 7 is above the account's, 6",
    )
    await expect(simulate({ limits, workspaces: { w: { [model]: { tpm: 2e6 } } } })).rejects.toThrow(
      'above the account',
    )
  })

  it('count a request that either limit refused, if refused requests count', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      countsRejected: true,
      limits: { [model]: { rpm: 3 } },
      workspaces: { 'llm-one': { [model]: { rpm: 1 } } },
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages }, within('llm-one'))
    const used = (): unknown => {
      const { windows, workspaces } = simulator.ledger().models[model] ?? {}
      return [windows?.rpm?.used, workspaces?.['llm-one']?.rpm?.used]
    }
    await ask()
    await refusalOf(ask())
    expect(used()).toEqual([2, 2])
    await client.chat.completions.create({ model, messages })
    // Now the account refuses the request, and the workspace counts it too.
    await refusalOf(ask())
    expect(simulator.ledger().entries.at(-1)?.refusedByWorkspace).toBeUndefined()
    expect(used()).toEqual([4, 3])
  })
})
