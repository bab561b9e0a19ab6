import type OpenAI from 'openai'
import type { APIError } from 'openai'
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/simulator/index.js'
import { chat, failureOf, readAll, stillSimulator, Wrapped } from './setup.js'

type Use = (client: OpenAI) => Promise<unknown>

/** The result of the raw client, and of the wrapped one with an identical server. */
async function both(use: Use, fail?: () => Fault | undefined) {
  const results = []
  for (const isWrapped of [false, true]) {
    const simulator = await stillSimulator({ ...(fail && { fail }) })
    const world = new Wrapped(simulator.url, {}, { maxRetries: 0 })
    results.push({
      value: await use(isWrapped ? world.client : world.raw),
      requests: simulator.ledger().entries.length,
    })
    await world.rest()
    expect(world.admitted.length > 0).toBe(isWrapped && results[1]!.requests > 0)
  }
  return results
}

async function expectSame(use: Use, fail?: () => Fault | undefined): Promise<void> {
  const [raw, wrapped] = await both(use, fail)
  expect(wrapped).toEqual(raw)
}

function headersOf(headers: Headers): object {
  // Node sets the date header to the time of day.
  const { date: _, ...rest } = Object.fromEntries(headers)
  return rest
}

async function described(call: PromiseLike<unknown>): Promise<unknown> {
  const error = (await failureOf(call)) as APIError
  const { status, code, type, param, requestID, message } = error
  return { class: error.constructor.name, status, code, type, param, requestID, message, body: error.error }
}

describe('the wrapped client has the same result as the raw one', () => {
  it('for a chat completion', () => expectSame((client) => client.chat.completions.create(chat)))

  it('for a chat completion with withResponse()', () =>
    expectSame(async (client) => {
      const { data, response, request_id } = await client.chat.completions.create(chat).withResponse()
      const { status, statusText, ok, redirected, bodyUsed } = response
      const path = new URL(response.url).pathname
      return {
        data,
        request_id,
        headers: headersOf(response.headers),
        response: { status, statusText, ok, redirected, bodyUsed, path },
      }
    }))

  it('for a chat completion with asResponse()', () =>
    expectSame(async (client) => {
      const response = await client.chat.completions.create(chat).asResponse()
      return { headers: headersOf(response.headers), text: await response.text() }
    }))

  it('for a stream', () =>
    expectSame(async (client) => readAll(await client.chat.completions.create({ ...chat, stream: true }))))

  it('for a stream with usage', () =>
    expectSame(async (client) =>
      readAll(await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } })),
    ))

  it('for a stream with withResponse()', () =>
    expectSame(async (client) => {
      const call = client.chat.completions.create({ ...chat, stream: true }).withResponse()
      const { data, response, request_id } = await call
      return { chunks: await readAll(data), request_id, headers: headersOf(response.headers) }
    }))

  it('for a stream with asResponse(), byte for byte', () =>
    expectSame(async (client) => {
      const response = await client.chat.completions.create({ ...chat, stream: true }).asResponse()
      return { headers: headersOf(response.headers), text: await response.text() }
    }))

  it('for .stream(), with the same events and final completion', () =>
    expectSame(async (client) => {
      const stream = client.chat.completions.stream(chat)
      const events: unknown[] = []
      stream.on('content', (delta, snapshot) => events.push(['content', delta, snapshot]))
      stream.on('chunk', (chunk) => events.push(['chunk', chunk]))
      stream.on('end', () => events.push(['end']))
      return { final: await stream.finalChatCompletion(), usage: await stream.totalUsage(), events }
    }))

  it('for text completions', () =>
    expectSame(async (client) => [
      await client.completions.create({ model: chat.model, prompt: 'Once upon a time' }),
      await readAll(await client.completions.create({ model: chat.model, prompt: 'Once', stream: true })),
    ]))

  it('for embeddings', () =>
    expectSame((client) => client.embeddings.create({ model: 'text-embedding-v4', input: ['water', 'gate'] })))

  it('for a list of models, which is unmetered', () =>
    expectSame(async (client) => readAll(await client.models.list())))

  it.each([400, 401, 403, 404, 429, 500, 503])('for an error with status %i', (status) =>
    expectSame(
      (client) => described(client.chat.completions.create(chat)),
      () => ({ status }),
    ),
  )

  it('for a request without messages: the error of the server, after one request', async () => {
    const [raw, wrapped] = await both((client) =>
      described(client.chat.completions.create({ model: chat.model } as never)),
    )
    expect(wrapped).toEqual(raw)
    expect(wrapped).toMatchObject({ value: { class: 'BadRequestError', status: 400 }, requests: 1 })
  })

  it('for a stream that breaks off after content', () =>
    expectSame(
      async (client) => {
        const chunks: unknown[] = []
        const stream = await client.chat.completions.create({ ...chat, stream: true })
        const error = await failureOf(
          (async () => {
            for await (const chunk of stream) chunks.push(chunk)
          })(),
        )
        return { chunks, error: String(error) }
      },
      () => ({ cutAfterChunks: 3 }),
    ))

  it('for an error inside a stream after content', () =>
    expectSame(
      async (client) => {
        const chunks: unknown[] = []
        const stream = await client.chat.completions.create({ ...chat, stream: true })
        const error = await described(
          (async () => {
            for await (const chunk of stream) chunks.push(chunk)
          })(),
        )
        return { chunks, error }
      },
      () => ({ streamError: { error: { code: 'limit_burst_rate', message: 'Too quickly.' } }, afterChunks: 2 }),
    ))

  it('for a stream that the caller leaves early', () =>
    expectSame(async (client) => {
      for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) return chunk
      return 'nothing'
    }))

  it('for a response without usage', () =>
    expectSame(
      (client) => client.chat.completions.create(chat),
      () => ({ noUsage: true }),
    ))

  it('for an abort before the call', () =>
    expectSame((client) => described(client.chat.completions.create(chat, { signal: AbortSignal.abort() }))))

  it('for an abort while streaming', () =>
    expectSame(async (client) => {
      const chunks: unknown[] = []
      const stream = await client.chat.completions.create({ ...chat, stream: true })
      for await (const chunk of stream) {
        chunks.push(chunk)
        stream.controller.abort()
      }
      return chunks.length > 0
    }))
})
