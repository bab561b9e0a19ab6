import { describe, expect, it } from 'vitest'
import { answering, httpService } from '../support/http-service.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { chat, failureOf, model, readAll, stillSimulator, Wrapped } from './setup.js'

describe('a stream', () => {
  const streamed = { ...chat, stream: true } as const

  it('settles with usage that the caller does not see', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const chunks = await readAll(await world.client.chat.completions.create(streamed))
    expect(chunks.every(({ choices, usage }) => choices.length === 1 && usage === null)).toBe(true)
    await world.rest()
    const [entry] = simulator.ledger().entries
    expect(world.settled[0]?.usage).toMatchObject({
      inputTokens: entry!.inputTokens,
      outputTokens: entry!.outputTokens,
    })
  })

  it('settles with its usage when it is read through .stream()', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const final = await world.client.chat.completions.stream(chat).finalChatCompletion()
    expect(final.choices[0]?.message.content).not.toBe('')
    expect(world.settled[0]?.usage).toBeDefined()
    await world.rest()
  })

  it('that the caller leaves early settles at once and disconnects', async () => {
    const simulator = await stillSimulator({ latency: { firstTokenMs: 0, perTokenMs: 1, jitter: 0 } })
    const world = new Wrapped(simulator.url)
    for await (const chunk of await world.client.chat.completions.create(streamed)) {
      expect(chunk.choices).toHaveLength(1)
      break
    }
    await world.rest()
    expect(world.settled).toMatchObject([{ usage: undefined }])
    await world.until(() => simulator.ledger().entries[0]?.hungUp === true)
  })

  it('that is not read frees its place in flight at the timeout of the client', async () => {
    const clock = new VirtualClock()
    const simulator = await stillSimulator({ clock, latency: { firstTokenMs: 0, perTokenMs: 1, jitter: 0 } })
    const world = new Wrapped(simulator.url, {}, { timeout: 5000 })
    const response = await world.client.chat.completions.create(streamed).asResponse()
    expect(world.limiter.stats().inFlight).toBe(1)
    await world.clock.advance(5000)
    await world.rest()
    await clock.run()
    expect(await response.text()).toContain('data: [DONE]')
  })

  it('has a response with an url, as fetch has', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    for (const body of [chat, streamed]) {
      const response = await world.client.chat.completions.create(body).asResponse()
      expect(response.url).toBe(`${simulator.url}/chat/completions`)
      await response.text()
    }
    await world.rest()
  })

  it('with an error before its first content is retried', async () => {
    const streamError = { error: { code: 'limit_requests', message: 'Requests rate limit exceeded' } }
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { streamError } : undefined) })
    const world = new Wrapped(simulator.url)
    const stream = await world.after(world.client.chat.completions.create(streamed))
    expect((await readAll(stream)).length).toBeGreaterThan(1)
    expect(simulator.ledger().entries).toHaveLength(2)
    await world.rest()
  })

  it('that breaks off is retried before its first content, and not after it', async () => {
    const cut = (cutAfterChunks: number) =>
      stillSimulator({ fail: (_, n) => (n === 1 ? { cutAfterChunks } : undefined) })
    const before = await cut(0)
    const world = new Wrapped(before.url)
    expect((await readAll(await world.after(world.client.chat.completions.create(streamed)))).length).toBeGreaterThan(1)
    expect(before.ledger().entries).toHaveLength(2)
    await world.rest()
    const after = await cut(2)
    const other = new Wrapped(after.url)
    const stream = await other.client.chat.completions.create(streamed)
    expect(await failureOf(readAll(stream))).toBeInstanceOf(Error)
    expect(after.ledger().entries).toHaveLength(1)
    await other.rest()
  })

  it('of the Responses API settles with the usage of its last event', async () => {
    const events = [
      { type: 'response.created', sequence_number: 0, response: { id: 'resp_1', usage: null, error: null } },
      { type: 'response.output_text.delta', sequence_number: 1, delta: 'Hi', item_id: 'm', output_index: 0 },
      {
        type: 'response.completed',
        sequence_number: 2,
        response: { id: 'resp_1', usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 } },
      },
    ]
    const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
    const service = await httpService(answering(text, 200, 'text/event-stream'))
    const world = new Wrapped(service.url)
    expect(await readAll(await world.client.responses.create({ model, input: 'Hi', stream: true }))).toEqual(events)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 7, outputTokens: 2 })
    await world.rest()
  })
})
