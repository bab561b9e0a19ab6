import { describe, expect, it } from 'vitest'
import type { FaultRates, LedgerEntry } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, noLatency, post, simulate } from './setup.js'

const model = 'qwen-plus'
const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } })
const answer = (): string => 'deep'.repeat(30)

/** The outcome of one response for the client. */
async function outcomeOf(response: Promise<Response>): Promise<string> {
  const opened = await response.catch(() => undefined)
  if (opened === undefined) return 'drop'
  if (opened.status !== 200) return `status ${opened.status}`
  const text = await opened.text().catch(() => undefined)
  if (text === undefined) return 'torn'
  if (!text.includes('[DONE]')) return 'stream error'
  return text.includes('"total_tokens"') ? 'whole' : 'no usage'
}

async function outcomes(faultRates: FaultRates, seed: number, count = 60): Promise<string[]> {
  const { simulator } = await simulate({ faultRates, seed, answer, chunkTokens: 4 })
  const all: string[] = []
  for (let i = 0; i < count; i += 1) all.push(await outcomeOf(post(simulator, '/v1/chat/completions', body)))
  return all
}

describe('faults drawn by the seed', () => {
  it('depend on the seed, and are about as many as their rates say', async () => {
    const rates = { drop: 0.1, dropAfterHeaders: 0.1, cut: 0.1, noUsage: 0.1, streamError: 0.1, serverError: 0.2 }
    const [first, again, other] = [await outcomes(rates, 1), await outcomes(rates, 1), await outcomes(rates, 2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    const kinds = new Set([...first, ...other].map((outcome) => outcome.replace(/\d+$/, '')))
    expect([...kinds].sort()).toEqual(['drop', 'no usage', 'status ', 'stream error', 'torn', 'whole'])
    const whole = first.filter((outcome) => outcome === 'whole').length
    expect(whole).toBeGreaterThan(8)
    expect(whole).toBeLessThan(30)
  })

  it.each<[keyof FaultRates, string[]]>([
    ['drop', ['drop']],
    ['dropAfterHeaders', ['torn']],
    ['cut', ['torn']],
    ['noUsage', ['no usage']],
    ['streamError', ['stream error']],
    ['serverError', ['status 500', 'status 503']],
  ])('are all %s if only that rate is 1', async (name, expected) => {
    expect([...new Set(await outcomes({ [name]: 1 }, 5, 20))].sort()).toEqual(expected)
  })

  it('do not change the answers of other requests', async () => {
    const lengths = async (faultRates: FaultRates): Promise<number[]> => {
      const { simulator } = await simulate({ faultRates, seed: 9 })
      for (let i = 0; i < 20; i += 1) await outcomeOf(post(simulator, '/v1/chat/completions', body))
      return simulator.ledger().entries.map(({ outputTokens }) => outputTokens)
    }
    const [with500s, without] = [await lengths({ serverError: 0.5 }), await lengths({})]
    expect(with500s.filter((tokens) => tokens > 0).length).toBeLessThan(18)
    expect(with500s.map((tokens, i) => (tokens === 0 ? without[i] : tokens))).toEqual(without)
  })

  it('apply only to requests without a fault of the script', async () => {
    const { simulator } = await simulate({
      faultRates: { serverError: 1 },
      fail: (_, n) => (n === 1 ? { noUsage: true } : undefined),
    })
    expect(await outcomeOf(post(simulator, '/v1/chat/completions', body))).toBe('no usage')
    expect(await outcomeOf(post(simulator, '/v1/chat/completions', body))).toMatch(/^status 50[03]$/)
  })

  it('may not add up to more than 1', async () => {
    await expect(simulate({ faultRates: { drop: 0.6, cut: 0.5 } })).rejects.toThrow('must add up to at most 1')
    await expect(simulate({ faultRates: { drop: -0.1 } })).rejects.toThrow('faultRates.drop')
  })
})

describe('a slow body', () => {
  it('of a response that is not streamed is sent in parts over slowBodyMs', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({ clock, latency: noLatency, answer, fail: () => ({ slowBodyMs: 2000 }) })
    const response = await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    expect(response.status).toBe(200)
    const read = response.text()
    await clock.armed()
    clock.advance(1999)
    expect(simulator.ledger().entries[0]?.doneAt).toBeUndefined()
    clock.advance(1)
    expect(JSON.parse(await read)).toMatchObject({ choices: [{ message: { content: answer() } }] })
    expect(simulator.ledger().entries[0]?.doneAt).toBe(2000)
  })

  it('of a stream takes slowBodyMs', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({ clock, latency: noLatency, answer, fail: () => ({ slowBodyMs: 2900 }) })
    const opened = post(simulator, '/v1/chat/completions', body)
    const read = opened.then((response) => response.text())
    await clock.armed()
    clock.advance(2899)
    expect(simulator.ledger().entries[0]?.doneAt).toBeUndefined()
    clock.advance(1.001)
    expect(await read).toContain('[DONE]')
  })

  it('leaves no timer and no request in flight when the client disconnects', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({ clock, latency: noLatency, answer, fail: () => ({ slowBodyMs: 2000 }) })
    const response = await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    await clock.armed()
    await simulator.close()
    await expect(response.text()).rejects.toThrow('terminated')
    expect(clock.pending).toBe(0)
    const [entry] = simulator.ledger().entries as [LedgerEntry]
    expect([entry.hungUp, simulator.ledger().models[model]?.inFlight]).toEqual([true, 0])
  })
})
