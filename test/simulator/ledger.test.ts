import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, MESSAGES_TOKENS, post, readAll, simulate } from './setup.js'

const model = 'qwen-plus'

describe('the ledger', () => {
  it('has all charges of each request, with their times', async () => {
    const charged = async (outputAccounting: 'reserved' | 'generated' | 'completion'): Promise<unknown> => {
      const clock = new ManualClock()
      const latency = { firstTokenMs: 100, perTokenMs: 10, jitter: 0 }
      const { simulator, client } = await simulate({ clock, latency, outputAccounting, answer: () => 'x'.repeat(48) })
      const opened = client.chat.completions.create({ model, messages, max_tokens: 50, stream: true })
      await clock.armed()
      clock.advance(100)
      const stream = await opened
      clock.advance(200)
      await readAll(stream)
      return simulator.ledger().entries[0]?.charges.map(({ at, tokens }) => [at, tokens])
    }
    expect(await charged('completion')).toEqual([
      [0, MESSAGES_TOKENS],
      [210, 12],
    ])
    expect(await charged('generated')).toEqual([
      [0, MESSAGES_TOKENS],
      [100, 1],
      [180, 8],
      [210, 3],
    ])
    expect(await charged('reserved')).toEqual([
      [0, MESSAGES_TOKENS + 50],
      [210, -38],
    ])
  })

  it('serves only the latest entries with ?last', async () => {
    const { simulator } = await simulate()
    for (let i = 0; i < 3; i += 1) await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    const read = async (query: string): Promise<number[]> => {
      const ledger = await (await fetch(new URL(`/__ledger${query}`, simulator.url))).json()
      return (ledger as { entries: { n: number }[] }).entries.map(({ n }) => n)
    }
    expect([await read(''), await read('?last=2'), await read('?last=0')]).toEqual([[1, 2, 3], [2, 3], []])
  })

  it('is served as JSON without a key, with the same content as ledger()', async () => {
    const { simulator, client } = await simulate({ apiKeys: ['sk-test'], limits: { [model]: { rpm: 600 } } })
    await client.chat.completions.create({ model, messages })
    const served = await (await fetch(new URL('/__ledger', simulator.url))).json()
    const { at: _servedAt, ...rest } = served as Record<string, unknown>
    const { at: _at, ...expected } = simulator.ledger()
    expect(rest).toEqual(JSON.parse(JSON.stringify(expected)))
  })

  it('keeps the latest ledgerSize entries, and the totals of all requests', async () => {
    const { simulator, client } = await simulate({ ledgerSize: 3 })
    for (let i = 0; i < 5; i += 1) await client.chat.completions.create({ model, messages })
    const { entries, dropped, models } = simulator.ledger()
    expect(entries.map(({ n }) => n)).toEqual([3, 4, 5])
    expect([dropped, models[model]?.requests]).toEqual([2, 5])
  })
})
