import { describe, expect, it, vi } from 'vitest'
import { hint, withSettings } from '../../src/transport/hints.js'
import { FakeFetch, json } from '../support/fake-fetch.js'
import { BASE, CHAT, chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const answer = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
const ok = json(answer)

describe('an answer', () => {
  it('reaches the caller as it was, and settles by its usage', async () => {
    const world = new LimitedFetch([json(answer, 200, { 'x-request-id': 'r1' })])
    const response = await world.post()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({ 'content-type': 'application/json', 'x-request-id': 'r1' })
    expect(await response.json()).toEqual(answer)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 12, outputTokens: 3 })
    expect(world.service.sent[0]).toMatchObject({ url: CHAT, method: 'POST', body: chatBody })
    world.expectAtRest()
  })

  it('keeps its bytes and gets no header', async () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d, 0xff, 0xfe)
    const world = new LimitedFetch([() => new Response(bytes)])
    const response = await world.post()
    expect([...response.headers]).toEqual([])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
    world.expectAtRest()
  })

  it('without usage leaves the reservation standing', async () => {
    const world = new LimitedFetch([json({ choices: [] })])
    await world.post()
    expect(world.settled[0]?.usage).toBeUndefined()
    const { inputTokens, outputTokens } = world.settled[0]!.reserved
    const tpm = world.limiter.stats().models['qwen-plus']?.windows.find(({ limit }) => limit === 'tpm')
    expect(tpm?.used).toBe(inputTokens + outputTokens)
    world.expectAtRest()
  })

  it('without a body stays without', async () => {
    const world = new LimitedFetch([() => new Response(null, { status: 204 })])
    const response = await world.post()
    expect([response.status, response.body]).toEqual([204, null])
    world.expectAtRest()
  })

  it('of embeddings settles its input alone', async () => {
    const world = new LimitedFetch([json({ data: [], usage: { prompt_tokens: 9, total_tokens: 9 } })])
    const body = JSON.stringify({ model: 'text-embedding-v4', input: ['one', 'two'] })
    await world.limiter.fetch(`${BASE}/embeddings`, { method: 'POST', body })
    expect(world.settled).toMatchObject([{ reserved: { outputTokens: 0 }, usage: { inputTokens: 9, outputTokens: 0 } }])
    world.expectAtRest()
  })
})

describe('hints', () => {
  it('of priority decide who goes first; headers and symbols alike', async () => {
    const world = new LimitedFetch([ok])
    world.limiter.pause()
    const post = (seed: number, init: RequestInit) => world.post({ ...chatBody, seed }, init)
    const calls = [
      post(0, {}),
      post(1, { headers: { 'x-headgate-priority': '1' } }),
      post(2, hint({ priority: 2 })),
      post(3, { headers: { 'x-headgate-priority': '-1' } }),
    ]
    await settlePromises()
    world.limiter.resume()
    await world.after(Promise.all(calls))
    expect(world.service.sent.map(({ body }) => body['seed'])).toEqual([2, 1, 0, 3])
    world.expectAtRest()
  })
})

describe('the fetch that sends', () => {
  it.each([CHAT, `${BASE}/models`])('is called as browsers demand, without a this: %s', async (url) => {
    const fake = vi.fn<typeof globalThis.fetch>().mockResolvedValue(new Response('{}'))
    const world = new LimitedFetch([ok])
    const init = url === CHAT ? { method: 'POST', body: JSON.stringify(chatBody) } : {}
    await world.limiter.fetch(url, withSettings(init, { fetch: fake, timeoutMs: 1000, maxRetries: 0 }))
    expect(fake.mock.contexts).toEqual([undefined])
  })

  it.each([CHAT, `${BASE}/models`])('may be a limiter itself: %s', async (url) => {
    const world = new LimitedFetch([ok])
    const init = url === CHAT ? { method: 'POST', body: JSON.stringify(chatBody) } : {}
    const settings = { fetch: world.limiter.fetch, timeoutMs: 1000, maxRetries: 0 }
    const response = await world.limiter.fetch(url, withSettings({ ...init, ...hint({ priority: 1 }) }, settings))
    expect(response.status).toBe(200)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('is the global one of the moment of the call, if no client brings its own', async () => {
    const world = new LimitedFetch([ok])
    const other = new FakeFetch([json({ other: true })])
    vi.stubGlobal('fetch', other.fetch)
    expect(await (await world.post()).json()).toEqual({ other: true })
    expect([world.service.sent.length, other.sent.length]).toEqual([0, 1])
  })
})

describe('the estimator', () => {
  it('is asked with the route, the model and the body; what it says is reserved', async () => {
    const estimator = vi.fn(() => ({ inputTokens: 77, maxOutputTokens: 5 }))
    const world = new LimitedFetch([ok], { estimator })
    await world.post()
    expect(estimator).toHaveBeenCalledWith({ route: 'chat', model: 'qwen-plus', body: chatBody })
    expect(world.settled[0]?.reserved).toMatchObject({ inputTokens: 77, outputTokens: 5 })
  })

  it('may leave all as it is', async () => {
    const world = new LimitedFetch([ok], { estimator: () => ({}) })
    const plain = new LimitedFetch([ok])
    await world.post()
    await plain.post()
    expect(world.settled[0]?.reserved).toEqual(plain.settled[0]?.reserved)
  })
})

it('a body with a model that no table has is served, carefully', async () => {
  const world = new LimitedFetch([ok])
  const warnings: string[] = []
  world.limiter.on('warning', ({ message }) => warnings.push(message))
  expect((await world.after(world.post({ ...chatBody, model: 'qwen-unknown' }))).status).toBe(200)
  expect(warnings).toHaveLength(1)
  world.expectAtRest()
})
