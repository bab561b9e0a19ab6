import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const off = { secondWindow: 'off' } as const

describe('limits that are a floor', () => {
  it('refuse only without spare capacity, and count all admitted requests', async () => {
    let spare = true
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits: { [model]: { rpm: 1 }, other: { rpm: 1 } },
      floors: { [model]: { spare: () => spare, says: 'capacity' } },
    })
    const ask = (name = model): Promise<unknown> => client.chat.completions.create({ model: name, messages })
    for (let i = 0; i < 4; i += 1) await ask()
    spare = false
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code]).toEqual([429, 'Throttling.AllocationQuota'])
    expect(refusal.message).toContain('due to system capacity limits')
    await ask('other')
    await refusalOf(ask('other'))
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ aboveFloor }) => aboveFloor === true)).toEqual([false, true, true, true, false, false, false])
    expect(models[model]?.windows.rpm).toEqual({ limit: 1, used: 4, peak: 4 })
  })

  it('do not raise the limit of a workspace', async () => {
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits: { [model]: { rpm: 2 } },
      workspaces: { w: { [model]: { rpm: 1 } } },
      floors: { [model]: { spare: () => true } },
    })
    const within = { headers: { 'X-DashScope-WorkSpace': 'w' } }
    for (let i = 0; i < 3; i += 1) await client.chat.completions.create({ model, messages })
    await client.chat.completions.create({ model, messages }, within)
    expect((await refusalOf(client.chat.completions.create({ model, messages }, within))).status).toBe(429)
    expect(simulator.ledger().entries.map(({ aboveFloor }) => aboveFloor === true)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ])
  })

  it('have spare capacity as the seed draws it', async () => {
    const passed = async (seed: number): Promise<boolean[]> => {
      const limits = { [model]: { rpm: 1 } }
      const { simulator, client } = await simulate({
        ...off,
        seed,
        clock: new ManualClock(),
        limits,
        floors: { [model]: {} },
      })
      for (let i = 0; i < 40; i += 1) {
        await client.chat.completions.create({ model, messages }).catch(() => undefined)
      }
      return simulator.ledger().entries.map(({ admitted }) => admitted)
    }
    const [first, again, other] = [await passed(1), await passed(1), await passed(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    expect(first.filter(Boolean).length).toBeGreaterThan(8)
    expect(first.filter(Boolean).length).toBeLessThan(32)
  })
})
