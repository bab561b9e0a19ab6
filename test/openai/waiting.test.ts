import type OpenAI from 'openai'
import { APIConnectionTimeoutError, APIUserAbortError } from 'openai'
import { describe, expect, it } from 'vitest'
import { hint } from '../../src/openai/index.js'
import { settlePromises } from '../support/virtual-clock.js'
import { chat, completion, failureOf, model, readAll, stillSimulator, Wrapped } from './setup.js'

describe('the timeout', () => {
  it('of the client does not include the wait in the queue', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, {}, { timeout: 1000 })
    expect(world.client.timeout).toBe(2 ** 31 - 1)
    world.limiter.pause()
    const call = world.client.chat.completions.create(chat)
    await world.until(() => world.limiter.stats().waiting === 1)
    await world.clock.advance(3_600_000)
    world.limiter.resume()
    expect((await call).choices).toHaveLength(1)
    await world.rest()
  })

  it('of the client starts when the request is sent, and rejects with an APIConnectionTimeoutError', async () => {
    const simulator = await stillSimulator({ fail: () => ({ delayMs: 1 }) })
    const world = new Wrapped(simulator.url, {}, { timeout: 1000, maxRetries: 0 })
    const call = failureOf(world.client.chat.completions.create(chat))
    await world.until(() => simulator.ledger().entries.length === 1)
    await world.clock.advance(1000)
    expect(await call).toBeInstanceOf(APIConnectionTimeoutError)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    await world.rest()
  })

  it('of a single call includes the wait in the queue, and removes the job from it', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    world.limiter.pause()
    const error = await failureOf(world.client.chat.completions.create(chat, { timeout: 5 }))
    expect(error).toBeInstanceOf(APIConnectionTimeoutError)
    expect(world.limiter.stats().waiting).toBe(0)
    expect(simulator.ledger().entries).toHaveLength(0)
    await world.rest()
  })
})

describe('an abort', () => {
  it('while waiting rejects with an APIUserAbortError, sends nothing and refunds the charge', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    world.limiter.pause()
    const caller = new AbortController()
    const call = failureOf(world.client.chat.completions.create(chat, { signal: caller.signal }))
    await world.until(() => world.limiter.stats().waiting === 1)
    caller.abort()
    expect(await call).toBeInstanceOf(APIUserAbortError)
    world.limiter.resume()
    expect([world.admitted.length, simulator.ledger().entries.length]).toEqual([0, 0])
    await world.rest()
  })

  it('while sending rejects with an APIUserAbortError, and disconnects', async () => {
    const simulator = await stillSimulator({ fail: () => ({ delayMs: 1 }) })
    const world = new Wrapped(simulator.url)
    const caller = new AbortController()
    const call = failureOf(world.client.chat.completions.create(chat, { signal: caller.signal }))
    await world.until(() => simulator.ledger().entries.length === 1)
    caller.abort()
    expect(await call).toBeInstanceOf(APIUserAbortError)
    await world.rest()
    await world.until(() => simulator.ledger().entries[0]?.hungUp === true)
    expect(simulator.ledger().entries).toHaveLength(1)
  })

  it('while streaming ends the stream and disconnects', async () => {
    const simulator = await stillSimulator({ latency: { firstTokenMs: 0, perTokenMs: 1, jitter: 0 } })
    const world = new Wrapped(simulator.url)
    const caller = new AbortController()
    const stream = await world.client.chat.completions.create({ ...chat, stream: true }, { signal: caller.signal })
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    caller.abort()
    // The clock of the simulator stands still, so its stream would never end.
    const rest = await readAll({ [Symbol.asyncIterator]: () => iterator })
    expect(rest.length).toBeLessThan(10)
    await world.rest()
    await world.until(() => simulator.ledger().entries[0]?.hungUp === true)
  })
})

describe('hints of a single call', () => {
  it('set its priority, and are not sent to the server', async () => {
    const sent: { seed: unknown; headers: string[] }[] = []
    const fetch: typeof globalThis.fetch = (_, init) => {
      const { seed } = JSON.parse(init?.body as string) as { seed: unknown }
      sent.push({ seed, headers: [...new Headers(init?.headers).keys()] })
      return Promise.resolve(Response.json(completion))
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch })
    world.limiter.pause()
    const create = (seed: number, options: OpenAI.RequestOptions) =>
      world.client.chat.completions.create({ ...chat, seed }, options)
    const calls = [
      create(0, {}),
      create(1, { fetchOptions: hint({ priority: 1 }) }),
      create(2, { fetchOptions: hint({ priority: 2 }) }),
      create(3, { headers: { 'x-headgate-priority': '3', 'x-headgate-tenant': 'web' } }),
    ]
    await world.until(() => world.limiter.stats().waiting === 4)
    world.limiter.resume()
    await world.after(Promise.all(calls))
    expect(sent.map(({ seed }) => seed)).toEqual([3, 2, 1, 0])
    expect(sent.flatMap(({ headers }) => headers).filter((name) => name.startsWith('x-headgate'))).toEqual([])
    await world.rest()
  })

  it('throw if their name is unknown, before a request is sent', () => {
    expect(() => hint({ priorty: 5 } as never)).toThrow(
      "hint() has no 'priorty'. There are priority, tenant, deadlineMs, fallback",
    )
  })

  it('can be combined with other options of fetch', async () => {
    const inits: (RequestInit | undefined)[] = []
    const fetch: typeof globalThis.fetch = (_, init) => {
      inits.push(init)
      return Promise.resolve(Response.json(completion))
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch, fetchOptions: { keepalive: true } })
    const fetchOptions = { ...hint({ priority: 1 }), redirect: 'error' as const }
    await world.client.chat.completions.create(chat, { fetchOptions, headers: { 'x-mine': '1' } })
    expect(inits[0]).toMatchObject({ redirect: 'error', keepalive: true })
    expect(Object.getOwnPropertySymbols(inits[0]!)).toEqual([])
    expect(new Headers(inits[0]?.headers).get('x-mine')).toBe('1')
  })

  it('can turn off the fallback', async () => {
    const simulator = await stillSimulator({ fail: (_, n) => (n === 1 ? { status: 429 } : undefined) })
    const world = new Wrapped(simulator.url, { fallback: { [model]: ['qwen-flash'] } })
    const options = { fetchOptions: hint({ fallback: false }) }
    expect((await world.after(world.client.chat.completions.create(chat, options))).model).toBe(model)
  })
})

it('a hundred calls at once, a third left early and a third aborted, all settle and leave no timer behind', async () => {
  const simulator = await stillSimulator({
    fail: (_, n) => (n % 7 === 0 ? { status: 429 } : n % 11 === 0 ? { drop: true } : undefined),
  })
  const world = new Wrapped(simulator.url, { maxRetries: 20 })
  const calls = Array.from({ length: 100 }, async (_, i) => {
    if (i % 3 === 0) return (await world.client.chat.completions.create(chat)).object
    if (i % 3 === 1) {
      for await (const { object } of await world.client.chat.completions.create({ ...chat, stream: true }))
        return object
    }
    const caller = new AbortController()
    const call = world.client.chat.completions.create(chat, { signal: caller.signal })
    await settlePromises()
    caller.abort()
    return ((await failureOf(call)) as Error).constructor
  })
  const endings = await world.after(Promise.all(calls))
  const expected = ['chat.completion', 'chat.completion.chunk', APIUserAbortError]
  expect(endings).toEqual(endings.map((_, i) => expected[i % 3]))
  await world.rest()
})
