import { APIConnectionTimeoutError } from 'openai'
import { describe, expect, it } from 'vitest'
import { answering, httpService } from '../support/http-service.js'
import { chat, failureOf, model, readAll, stillSimulator, Wrapped } from './setup.js'

describe('an unmetered call is not limited', () => {
  it('if it lists models, even while the limiter is paused', async () => {
    const simulator = await stillSimulator({ limits: { [model]: {} } })
    const world = new Wrapped(simulator.url)
    world.limiter.pause()
    expect((await readAll(await world.client.models.list())).map(({ id }) => id)).toEqual([model])
    expect(world.admitted).toHaveLength(0)
  })

  it('if it uploads a form', async () => {
    const service = await httpService(answering({ id: 'file-1' }))
    const world = new Wrapped(service.url)
    const file = new File(['{"custom_id":"1"}'], 'lines.jsonl')
    expect(await world.client.files.create({ file, purpose: 'batch' })).toMatchObject({ id: 'file-1' })
    expect(service.received[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(service.received[0]?.body.toString()).toContain('{"custom_id":"1"}')
    expect(world.admitted).toHaveLength(0)
  })

  it('and keeps the timeout of the client', async () => {
    const service = await httpService(() => {})
    const world = new Wrapped(service.url, {}, { timeout: 1000, maxRetries: 0 })
    const call = failureOf(world.client.models.list())
    await world.until(() => service.received.length === 1)
    await world.clock.advance(1000)
    expect(await call).toBeInstanceOf(APIConnectionTimeoutError)
  })

  it('but embeddings and the Responses API are metered', async () => {
    const usage = { prompt_tokens: 5, total_tokens: 5 }
    const used = { input_tokens: 7, output_tokens: 2, total_tokens: 9 }
    const service = await httpService(
      answering({ object: 'list', data: [{ index: 0, embedding: [1] }], usage }),
      answering({ id: 'resp_1', output: [], usage: used }),
    )
    const world = new Wrapped(service.url)
    await world.client.embeddings.create({ model: 'text-embedding-v4', input: 'water', encoding_format: 'float' })
    await world.client.responses.create({ model, input: 'Hi' })
    expect(world.settled.map(({ usage }) => usage)).toEqual([
      { inputTokens: 5, outputTokens: 0 },
      { inputTokens: 7, outputTokens: 2 },
    ])
    await world.rest()
  })
})

describe('a call that does not go through fetch', () => {
  it('can be limited with schedule and the raw client', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const answer = await world.limiter.schedule({ model, inputTokens: 20, maxOutputTokens: 100 }, (grant) =>
      world.raw.chat.completions.create({ ...chat, model: grant.model }, { signal: grant.signal }),
    )
    expect(world.settled[0]?.usage).toMatchObject({ inputTokens: answer.usage?.prompt_tokens })
    await world.rest()
  })

  it('has its 429 treated as one of a fetch', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { status: 429 } : undefined) })
    const world = new Wrapped(simulator.url)
    const call = world.limiter.schedule({ model }, () => world.raw.chat.completions.create(chat, { maxRetries: 0 }))
    await world.after(call)
    expect(world.limiter.stats().models[model]?.throttled.requests).toBe(1)
    await world.rest()
  })
})
