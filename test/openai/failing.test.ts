import { APIConnectionError, BadRequestError, InternalServerError, PermissionDeniedError, RateLimitError } from 'openai'
import { describe, expect, it } from 'vitest'
import { answering, httpService } from '../support/http-service.js'
import { chat, completion, failureOf, model, readAll, stillSimulator, Wrapped } from './setup.js'

describe('the body of a response that is not streamed', () => {
  it('that breaks off is retried, and then rejects with an APIConnectionError', async () => {
    const simulator = await stillSimulator({ fail: () => ({ cutAfterChunks: 1 }) })
    const world = new Wrapped(simulator.url, {}, { maxRetries: 1 })
    const error = await world.after(failureOf(world.client.chat.completions.create(chat)))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect(simulator.ledger().entries).toHaveLength(2)
    await world.rest()
  })

  it('that is binary and unmetered is passed on unchanged', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const service = await httpService(answering(bytes, 200, 'application/octet-stream'))
    const world = new Wrapped(service.url)
    const content = await world.client.files.content('file-1')
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(bytes)
    expect(world.admitted).toHaveLength(0)
  })
})

describe('a call that the limiter refuses rejects with an SDK error and sends nothing', () => {
  it('with RateLimitError queue_full if the queue is full', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, { maxQueue: 0 })
    world.limiter.pause()
    const error = await failureOf(world.client.chat.completions.create(chat, { maxRetries: 5 }))
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error).toMatchObject({ status: 429, code: 'queue_full', type: 'queue_full' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('with BadRequestError request_too_large if the request is larger than a limit', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, { limits: { [model]: { tpm: 10 } } })
    const error = await failureOf(world.client.chat.completions.create({ ...chat, max_tokens: 1000 }))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, code: 'request_too_large' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('with BadRequestError invalid_request if the request names no model', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const error = await failureOf(world.client.chat.completions.create({ messages: chat.messages } as never))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('with the server’s error once if the quota is exhausted, and then with RateLimitError quota_exhausted', async () => {
    const simulator = await stillSimulator({ fail: () => ({ status: 403 }) })
    const world = new Wrapped(simulator.url)
    const first = await failureOf(world.client.chat.completions.create(chat))
    expect(first).toBeInstanceOf(PermissionDeniedError)
    expect(first).toMatchObject({ code: 'AllocationQuota.FreeTierOnly' })
    const second = await failureOf(world.client.chat.completions.create(chat))
    expect(second).toBeInstanceOf(RateLimitError)
    expect(second).toMatchObject({ code: 'quota_exhausted' })
    expect(simulator.ledger().entries).toHaveLength(1)
    await world.rest()
  })

  it('with an APIConnectionError caused by LimiterClosed if the limiter is closed', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    await world.limiter.close()
    const error = await failureOf(world.client.chat.completions.create(chat))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect((error as Error).cause).toMatchObject({ code: 'limiter_closed' })
    expect(simulator.ledger().entries).toHaveLength(0)
  })

  it('with BadRequestError for an unknown model only if unknownModel is reject', async () => {
    const simulator = await stillSimulator()
    const unknown = { ...chat, model: 'qwen-unknown' }
    const world = new Wrapped(simulator.url)
    expect((await world.after(world.client.chat.completions.create(unknown))).model).toBe('qwen-unknown')
    const strict = new Wrapped(simulator.url, { unknownModel: 'reject' })
    const error = await failureOf(strict.client.chat.completions.create(unknown))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ code: 'invalid_request' })
  })
})

describe('only the limiter retries', () => {
  it.each([0, 1, 3])('as often as maxRetries of the client says: %i', async (maxRetries) => {
    const simulator = await stillSimulator({ fail: () => ({ status: 500 }) })
    const world = new Wrapped(simulator.url, {}, { maxRetries })
    expect(world.client.maxRetries).toBe(0)
    const error = await world.after(failureOf(world.client.chat.completions.create(chat)))
    expect(error).toBeInstanceOf(InternalServerError)
    expect(simulator.ledger().entries).toHaveLength(maxRetries + 1)
    await world.rest()
  })

  it.each([0, 3])('as often as maxRetries of the call says: %d', async (maxRetries) => {
    for (const status of [500, 429, 503]) {
      const simulator = await stillSimulator({ fail: () => ({ status }) })
      const world = new Wrapped(simulator.url, {}, { maxRetries: 1 })
      const error = await world.after(failureOf(world.client.chat.completions.create(chat, { maxRetries })))
      expect(error).toMatchObject({ status })
      expect(simulator.ledger().entries).toHaveLength(maxRetries + 1)
      await world.rest()
    }
  })

  it('a fetch that throws, as often as maxRetries of the call says', async () => {
    let calls = 0
    const fetch = () => {
      calls++
      return Promise.reject(new TypeError('fetch failed'))
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch, maxRetries: 2 })
    for (const maxRetries of [0, 1]) {
      calls = 0
      const error = await world.after(failureOf(world.client.chat.completions.create(chat, { maxRetries })))
      expect([(error as Error).constructor, calls]).toEqual([APIConnectionError, maxRetries + 1])
    }
    await world.rest()
  })

  it('without passing the options of the call to fetch', async () => {
    const inits: object[] = []
    const fetch: typeof globalThis.fetch = (_, init) => {
      inits.push(init ?? {})
      return Promise.resolve(Response.json(completion))
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch })
    await world.client.chat.completions.create(chat, { maxRetries: 1 })
    await world.client.models.list({ maxRetries: 1 })
    expect(inits.flatMap((init) => Object.getOwnPropertySymbols(init))).toEqual([])
  })

  it('a fetch that throws, and then rejects with an APIConnectionError and its cause', async () => {
    const broken = new TypeError('fetch failed')
    let calls = 0
    const fetch = () => {
      calls++
      return Promise.reject(broken)
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch, maxRetries: 2 })
    const error = await world.after(failureOf(world.client.chat.completions.create(chat)))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect((error as Error).cause).toBe(broken)
    expect(calls).toBe(3)
    await world.rest()
  })

  it('a dropped connection, and then answers', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { drop: true } : undefined) })
    const world = new Wrapped(simulator.url)
    expect((await world.after(world.client.chat.completions.create(chat))).choices).toHaveLength(1)
    expect(simulator.ledger().entries).toHaveLength(2)
    await world.rest()
  })

  it('a 429 after the wait, and the caller sees only the answer', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { status: 429 } : undefined) })
    const world = new Wrapped(simulator.url)
    const { data, response } = await world.after(world.client.chat.completions.create(chat).withResponse())
    expect([data.choices.length, response.status]).toEqual([1, 200])
    expect(world.limiter.stats().models[model]?.throttled.requests).toBe(1)
    await world.rest()
  })
})

describe('a backup model', () => {
  it('answers under its own name while the limiter holds the primary model', async () => {
    const simulator = await stillSimulator({
      fail: (request) => (request.model === model ? { status: 429 } : undefined),
    })
    const world = new Wrapped(simulator.url, { fallback: { [model]: ['qwen-flash'] } })
    const answer = await world.client.chat.completions.create({ ...chat, temperature: 0.1 })
    expect(answer.model).toBe('qwen-flash')
    expect(simulator.ledger().entries.map((entry) => entry.model)).toEqual([model, 'qwen-flash'])
    await world.rest()
  })

  it('takes over a stream that fails before its first content', async () => {
    const streamError = { error: { code: 'limit_requests', message: 'Requests rate limit exceeded' } }
    const simulator = await stillSimulator({
      fail: (request) => (request.model === model ? { streamError } : undefined),
    })
    const world = new Wrapped(simulator.url, { fallback: { [model]: ['qwen-flash'] } })
    const chunks = await readAll(await world.client.chat.completions.create({ ...chat, stream: true }))
    expect(new Set(chunks.map((chunk) => chunk.model))).toEqual(new Set(['qwen-flash']))
    await world.rest()
  })
})
