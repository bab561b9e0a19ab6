import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, refusalOf, simulate } from './setup.js'

const off = { secondWindow: 'off' } as const

describe('provisioned throughput', () => {
  const capacity = { inputTpm: 50, outputTpm: 20, maxInputTokens: 30, snapshot: 'qwen-plus-2025-12-01' }
  const limits = { 'qwen-plus-2025-12-01': { rpm: 2, tpm: 1000 } }

  it('refuses nothing, and overflows to the public limits of its snapshot with the overflow header', async () => {
    const clock = new ManualClock()
    const options = { ...off, clock, limits, provisioned: { mine: capacity }, answer: () => 'deep' }
    const { simulator, client } = await simulate(options)
    const ask = async (): Promise<string | null> => {
      const { response } = await client.chat.completions.create({ model: 'mine', messages }).withResponse()
      return response.headers.get('x-dashscope-ptu-overflow')
    }
    // Each request has 19 input tokens. Two fit into 50 per minute.
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([null, null, 'true', 'true'])
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.headers?.get('x-dashscope-ptu-overflow')]).toEqual([429, 'true'])
    clock.advance(60_000)
    expect(await ask()).toBeNull()
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ overflow }) => overflow === true)).toEqual([false, false, true, true, true, false])
    expect(models['mine']).toMatchObject({
      admitted: 5,
      refused: { rpm: 1 },
      provisioned: { inputTpm: { limit: 50, used: 19, peak: 38 }, outputTpm: { limit: 20, used: 1 } },
    })
    expect(models['qwen-plus-2025-12-01']?.windows.rpm).toMatchObject({ limit: 2, peak: 2 })
  })

  it('overflows when its output is used up, and for an input above maxInputTokens', async () => {
    const clock = new ManualClock()
    const options = { ...off, clock, provisioned: { mine: capacity }, answer: () => 'x'.repeat(80) }
    const { simulator, client } = await simulate(options)
    const ask = (content: string): Promise<unknown> =>
      client.chat.completions.create({ model: 'mine', messages: [{ role: 'user', content }] })
    await ask('x'.repeat(4 * 20 + 1))
    await ask('deep')
    await ask('deep')
    expect(simulator.ledger().entries.map(({ overflow }) => overflow === true)).toEqual([true, false, true])
  })
})
