import { APIConnectionError, BadRequestError, InternalServerError, PermissionDeniedError, RateLimitError } from 'openai'
import { describe, expect, it } from 'vitest'
import { answering, httpService } from '../support/http-service.js'
import { chat, completion, failureOf, model, readAll, stillSimulator, Wrapped } from './setup.js'

describe('pitfall 2: the body of a JSON answer', () => {
  it('that breaks off is repeated, and then an APIConnectionError', async () => {
    const simulator = await stillSimulator({ fail: () => ({ cutAfterChunks: 1 }) })
    const world = new Wrapped(simulator.url, {}, { maxRetries: 1 })
    const error = await world.after(failureOf(world.client.chat.completions.create(chat)))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect(simulator.ledger().entries).toHaveLength(2)
    await world.rest()
  })

  it('that is binary, of what is not metered, passes', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const service = await httpService(answering(bytes, 200, 'application/octet-stream'))
    const world = new Wrapped(service.url)
    const content = await world.client.files.content('file-1')
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(bytes)
    expect(world.admitted).toHaveLength(0)
  })
})

describe('pitfall 3: what the limiter refuses is an error of the SDK, with our code, after no request', () => {
  it('a full queue: RateLimitError queue_full', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, { maxQueue: 0 })
    world.limiter.pause()
    const error = await failureOf(world.client.chat.completions.create(chat, { maxRetries: 5 }))
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error).toMatchObject({ status: 429, code: 'queue_full', type: 'queue_full' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('a request larger than a limit: BadRequestError request_too_large', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, { limits: { [model]: { tpm: 10 } } })
    const error = await failureOf(world.client.chat.completions.create({ ...chat, max_tokens: 1000 }))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, code: 'request_too_large' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('a request without a model: BadRequestError invalid_request', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const error = await failureOf(world.client.chat.completions.create({ messages: chat.messages } as never))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })

  it('a quota that is used up: the error of the server once, then RateLimitError quota_exhausted', async () => {
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

  it('a closed limiter: APIConnectionError whose cause is LimiterClosed', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    await world.limiter.close()
    const error = await failureOf(world.client.chat.completions.create(chat))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect((error as Error).cause).toMatchObject({ code: 'limiter_closed' })
    expect(simulator.ledger().entries).toHaveLength(0)
  })

  it('an unknown model is served, carefully; a limiter that rejects these: BadRequestError', async () => {
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

describe('pitfall 4: one authority repeats', () => {
  it.each([0, 1, 3])('as often as the client says: %i', async (maxRetries) => {
    const simulator = await stillSimulator({ fail: () => ({ status: 500 }) })
    const world = new Wrapped(simulator.url, {}, { maxRetries })
    expect(world.client.maxRetries).toBe(0)
    const error = await world.after(failureOf(world.client.chat.completions.create(chat)))
    expect(error).toBeInstanceOf(InternalServerError)
    expect(simulator.ledger().entries).toHaveLength(maxRetries + 1)
    await world.rest()
  })

  it.each([0, 3])('and as often as a single call says: %d', async (maxRetries) => {
    for (const status of [500, 429, 503]) {
      const simulator = await stillSimulator({ fail: () => ({ status }) })
      const world = new Wrapped(simulator.url, {}, { maxRetries: 1 })
      const error = await world.after(failureOf(world.client.chat.completions.create(chat, { maxRetries })))
      expect(error).toMatchObject({ status })
      expect(simulator.ledger().entries).toHaveLength(maxRetries + 1)
      await world.rest()
    }
  })

  it('whoever repeats a fetch that throws, it is as often as the call says', async () => {
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

  it('and fetch sees nothing of it', async () => {
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

  it('a fetch that throws: repeated, then an APIConnectionError with its cause', async () => {
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

  it('a connection that is torn down: repeated, then answered', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { drop: true } : undefined) })
    const world = new Wrapped(simulator.url)
    expect((await world.after(world.client.chat.completions.create(chat))).choices).toHaveLength(1)
    expect(simulator.ledger().entries).toHaveLength(2)
    await world.rest()
  })

  it('a 429: waited for, then answered; the caller sees neither', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { status: 429 } : undefined) })
    const world = new Wrapped(simulator.url)
    const { data, response } = await world.after(world.client.chat.completions.create(chat).withResponse())
    expect([data.choices.length, response.status]).toEqual([1, 200])
    expect(world.limiter.stats().models[model]?.throttled.requests).toBe(1)
    await world.rest()
  })
})

describe('pitfall 8: a backup', () => {
  it('answers in the place of a model that is held, with its own name', async () => {
    const simulator = await stillSimulator({
      fail: (request) => (request.model === model ? { status: 429 } : undefined),
    })
    const world = new Wrapped(simulator.url, { fallback: { [model]: ['qwen-flash'] } })
    const answer = await world.client.chat.completions.create({ ...chat, temperature: 0.1 })
    expect(answer.model).toBe('qwen-flash')
    expect(simulator.ledger().entries.map((entry) => entry.model)).toEqual([model, 'qwen-flash'])
    await world.rest()
  })

  it('of a stream takes over before the first content', async () => {
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
