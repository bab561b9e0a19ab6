import { describe, expect, it, vi } from 'vitest'
import type { TimerHandle } from '../../src/clock.js'
import type { SimulatorOptions } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, MESSAGES_TOKENS, post, readAll, simulate } from './setup.js'

const model = 'qwen-plus'
const paced = { firstTokenMs: 100, perTokenMs: 10, jitter: 0 }
const answer = (): string => 'abcd'.repeat(20)

describe('a streamed chat completion', () => {
  it('has the same content as one without streaming, and ends with usage on request', async () => {
    const options = {
      seed: 3,
      answer: () => ({ content: 'It is 3 m deep. 深い 🌊🌊', reasoning: 'Depth…' }),
      chunkTokens: 2,
    }
    const plain = await (await simulate(options)).client.chat.completions.create({ model, messages })
    const { simulator, client } = await simulate(options)
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await readAll(stream)
    const said = (key: 'content' | 'reasoning_content'): string =>
      chunks.map(({ choices }) => (choices[0]?.delta as Record<string, string> | undefined)?.[key] ?? '').join('')
    expect(said('content')).toBe(plain.choices[0]?.message.content)
    expect(said('reasoning_content')).toBe('Depth…')
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: plain.usage })
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([`chatcmpl-${simulator.ledger().entries[0]?.id}`]))
    expect(chunks.length).toBeGreaterThan(6)
  })

  it('consists of events that end with [DONE], without usage unless requested', async () => {
    const { simulator } = await simulate({ answer: () => 'abcd' })
    const response = await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages, stream: true }))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const events = (await response.text()).split('\n\n')
    expect(events.slice(-2)).toEqual(['data: [DONE]', ''])
    const parsed = events.slice(0, -2).map((event) => JSON.parse(event.replace('data: ', '')) as { usage: unknown })
    expect(parsed.map(({ usage }) => usage)).toEqual([null, null, null])
  })

  it('is sent chunk by chunk in time, and charged chunk by chunk with outputAccounting generated', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      clock,
      latency: paced,
      answer,
      limits: { [model]: { tpm: 1e6 } },
      outputAccounting: 'generated',
    })
    const opened = client.chat.completions.create({ model, messages, stream: true })
    await clock.armed()
    clock.advance(99)
    expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(MESSAGES_TOKENS)
    clock.advance(1)
    const stream = await opened
    const used: unknown[] = []
    for (const ms of [0, 79, 1, 110]) {
      clock.advance(ms)
      used.push(simulator.ledger().models[model]?.windows.tpm?.used)
    }
    expect(used).toEqual([20, 20, 28, 39])
    const chunks = await readAll(stream)
    const lengths = chunks.map(({ choices }) => (choices[0]?.delta.content ?? '').length)
    expect(lengths).toEqual([0, 4, 32, 32, 12, 0])
    expect(simulator.ledger().entries[0]).toMatchObject({ outputTokens: 20, doneAt: 290 })
  })

  it('catches up at once when timers are late', async () => {
    const clock = new ManualClock()
    const { client } = await simulate({ clock, latency: { firstTokenMs: 1, perTokenMs: 0.01, jitter: 0 }, answer })
    const opened = client.chat.completions.create({ model, messages, stream: true })
    await clock.armed()
    clock.advance(1.19)
    expect(clock.pending).toBe(0)
    expect(await readAll(await opened)).toHaveLength(6)
  })
})

/** A clock that throws after more timers than any stream needs, so an endless loop of timers fails. */
class CountingClock extends ManualClock {
  #left = 1000

  override setTimeout(callback: () => void, delayMs: number): TimerHandle {
    this.#left -= 1
    if (this.#left < 0) throw new Error('too many timers')
    return super.setTimeout(callback, delayMs)
  }
}

describe('far from the zero of the clock', () => {
  it.each([0, 123.25, 1e9 + 0.1, 1.7e12, 1e15])('a stream that begins at %d ms still ends', async (start) => {
    for (const perTokenMs of [0, 0.1, 0.2, 1 / 3, 7.7]) {
      for (const firstTokenMs of [20, 3 + 1 / 7]) {
        const clock = new CountingClock(start)
        const { client } = await simulate({
          clock,
          latency: { firstTokenMs, perTokenMs, jitter: 0.3 },
          answer: () => ({ content: 'x'.repeat(400), outputTokens: 400 }),
        })
        const opened = client.chat.completions.create({ model, messages, stream: true })
        await clock.armed()
        clock.advance(10_000)
        const chunks = await readAll(await opened)
        expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
        expect(clock.pending).toBe(0)
      }
    }
  })
})

describe.each(['completion', 'generated', 'reserved'] as const)(
  'a client that disconnects, with outputAccounting %s',
  (outputAccounting) => {
    const options = (clock: ManualClock): SimulatorOptions => ({
      clock,
      latency: paced,
      answer,
      limits: { [model]: { tpm: 1e6 } },
      outputAccounting,
    })

    it('is charged for the generated tokens, and frees its place in flight', async () => {
      const clock = new ManualClock()
      const { simulator, client } = await simulate(options(clock))
      const opened = client.chat.completions.create({ model, messages, stream: true })
      await clock.armed()
      clock.advance(120)
      const stream = await opened
      stream.controller.abort()
      await vi.waitFor(() => expect(simulator.ledger().entries[0]?.hungUp).toBe(true), 10_000)
      expect(clock.pending).toBe(0)
      // The first token was generated at 100 ms, two more by 120 ms.
      expect(simulator.ledger().entries[0]).toMatchObject({ status: 200, outputTokens: 3, doneAt: 120 })
      expect(simulator.ledger().models[model]).toMatchObject({ inFlight: 0, outputTokens: 3 })
      expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(MESSAGES_TOKENS + 3)
    })

    it('is charged in the same way while it waits for a response that is not streamed', async () => {
      const clock = new ManualClock()
      const { simulator, client } = await simulate(options(clock))
      const controller = new AbortController()
      const call = client.chat.completions.create({ model, messages }, { signal: controller.signal })
      const failed = expect(call).rejects.toThrow('aborted')
      await clock.armed()
      clock.advance(150)
      controller.abort()
      await failed
      await vi.waitFor(() => expect(simulator.ledger().entries[0]?.hungUp).toBe(true), 10_000)
      expect(clock.pending).toBe(0)
      expect(simulator.ledger().entries[0]).toMatchObject({ status: 0, outputTokens: 6 })
      expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(MESSAGES_TOKENS + 6)
    })
  },
)
