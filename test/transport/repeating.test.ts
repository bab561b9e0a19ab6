import { describe, expect, it } from 'vitest'
import { hint } from '../../src/transport/hints.js'
import { Feed, json, throwing } from '../support/fake-fetch.js'
import { chatBody, failure, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const answer = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
const ok = json(answer)
const limited = {
  error: { message: 'You have exceeded your current request limit.', type: 'limit_requests', code: 'limit_requests' },
}

describe('a fetch that throws', () => {
  const broken = new TypeError('fetch failed')

  it('is repeated with growing pauses, and the error itself is thrown at last', async () => {
    const at: number[] = []
    const world = new LimitedFetch((clock) => [
      () => {
        at.push(clock.now())
        return Promise.reject(broken)
      },
    ])
    expect(await world.after(failure(world.post(chatBody, {}, { maxRetries: 3 })))).toBe(broken)
    expect(at).toEqual([1000, 1500, 2500, 4500])
    world.expectAtRest()
  })

  it('may also throw at once instead of rejecting', async () => {
    const world = new LimitedFetch([
      () => {
        throw broken
      },
      ok,
    ])
    expect((await world.after(world.post())).status).toBe(200)
    world.expectAtRest()
  })

  it('is repeated 4 times without a client that says how often, and as often as the limiter says', async () => {
    for (const [options, times] of [
      [{}, 5],
      [{ maxRetries: 0 }, 1],
    ] as const) {
      const world = new LimitedFetch([throwing(broken)], options)
      expect(await world.after(failure(world.post()))).toBe(broken)
      expect(world.service.sent).toHaveLength(times)
      world.expectAtRest()
    }
  })

  it('the limiter says how often before the client does', async () => {
    const world = new LimitedFetch([throwing(broken)], { maxRetries: 1 })
    await world.after(failure(world.post(chatBody, {}, { maxRetries: 7 })))
    expect(world.service.sent).toHaveLength(2)
  })
})

describe('a status', () => {
  it.each([408, 409, 500, 502, 503, 504])('%i is repeated', async (status) => {
    const world = new LimitedFetch([json({ error: { message: 'oh' } }, status), ok])
    expect((await world.after(world.post())).status).toBe(200)
    expect(world.service.sent).toHaveLength(2)
    expect(world.service.sent[1]?.text).toBe(world.service.sent[0]?.text)
    world.expectAtRest()
  })

  it.each([400, 401, 403, 404, 413, 422])('%i is not', async (status) => {
    const body = { error: { message: 'no', code: 'no' } }
    const world = new LimitedFetch([json(body, status, { 'x-request-id': 'r1' })])
    const response = await world.after(world.post())
    expect([response.status, response.headers.get('x-request-id')]).toEqual([status, 'r1'])
    expect(await response.json()).toEqual(body)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('503 to the end reaches the caller, who is told not to repeat it', async () => {
    const world = new LimitedFetch([json({ error: { message: 'oh' } }, 503)])
    const response = await world.after(world.post(chatBody, {}, { maxRetries: 2 }))
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([503, 'false'])
    expect(await response.json()).toEqual({ error: { message: 'oh' } })
    expect(world.service.sent).toHaveLength(3)
    world.expectAtRest()
  })

  it('the server says how long to wait', async () => {
    const world = new LimitedFetch([json({}, 500, { 'retry-after': '3' }), ok])
    await world.after(world.post())
    expect(world.clock.now()).toBe(4000)
    world.expectAtRest()
  })
})

describe('a 429', () => {
  const fallback = { 'qwen-plus': ['qwen-flash'] }

  it('goes to a backup at once, with the model rewritten and all else kept', async () => {
    const world = new LimitedFetch([json(limited, 429), ok], { fallback })
    const body = { ...chatBody, temperature: 0.3, seed: 5 }
    const response = await world.post(body)
    expect(await response.json()).toEqual(answer)
    expect(world.service.sent.map((sent) => sent.body)).toEqual([body, { ...body, model: 'qwen-flash' }])
    expect(world.moved).toMatchObject([{ from: 'qwen-plus', to: 'qwen-flash' }])
    expect(world.throttled).toMatchObject([{ model: 'qwen-plus', class: 'requests' }])
    expect(world.clock.now()).toBe(1000)
    world.expectAtRest()
  })

  it('goes to the deployment of the backup on Azure', async () => {
    const world = new LimitedFetch([json(limited, 429), ok], { fallback })
    const url = (model: string) =>
      `https://me.openai.azure.com/openai/deployments/${model}/chat/completions?api-version=1`
    const call = world.limiter.fetch(url('qwen-plus'), { method: 'POST', body: JSON.stringify(chatBody) })
    expect((await call).status).toBe(200)
    expect(world.service.sent.map(({ url, body }) => [url, body['model']])).toEqual([
      [url('qwen-plus'), 'qwen-plus'],
      [url('qwen-flash'), 'qwen-flash'],
    ])
    world.expectAtRest()
  })

  it('does not go to a backup where the call says so', async () => {
    const world = new LimitedFetch([json(limited, 429), ok], { fallback })
    await world.after(world.post(chatBody, hint({ fallback: false })))
    expect(world.service.sent.map(({ body }) => body['model'])).toEqual(['qwen-plus', 'qwen-plus'])
    expect(world.moved).toEqual([])
    world.expectAtRest()
  })

  it('waits while the model is held, and its charge comes back', async () => {
    const world = new LimitedFetch([json(limited, 429), ok])
    const response = await world.after(world.post())
    expect(response.status).toBe(200)
    expect(world.clock.now()).toBeGreaterThanOrEqual(1000 + world.throttled[0]!.holdMs)
    const rpm = world.limiter.stats().models['qwen-plus']?.windows.find(({ limit }) => limit === 'rpm')
    expect(rpm?.used).toBe(1)
    world.expectAtRest()
  })

  it('that stays: the last one reaches the caller as it is, and says not to repeat it', async () => {
    const world = new LimitedFetch([json(limited, 429, { 'x-request-id': 'r1' })])
    const response = await world.after(world.post(chatBody, {}, { maxRetries: 2 }))
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(response.headers.get('x-request-id')).toBe('r1')
    expect(await response.json()).toEqual(limited)
    expect(world.service.sent).toHaveLength(3)
    world.expectAtRest()
  })

  it('without a body is one too', async () => {
    const world = new LimitedFetch([() => new Response(null, { status: 429 }), ok])
    expect((await world.after(world.post())).status).toBe(200)
    expect(world.throttled).toMatchObject([{ class: 'requests' }])
    world.expectAtRest()
  })

  it('whose body breaks off is one too, and no failed connection', async () => {
    const feed = new Feed('application/json')
    const world = new LimitedFetch([feed.answer(429), ok])
    const call = world.post()
    await settlePromises()
    feed.push('{"error":')
    feed.fail(new TypeError('terminated'))
    expect((await world.after(call)).status).toBe(200)
    expect(world.throttled).toHaveLength(1)
    world.expectAtRest()
  })
})

describe('a body that breaks off', () => {
  it('of a success is repeated; what was sent stays charged', async () => {
    const feed = new Feed('application/json')
    const world = new LimitedFetch([feed.answer(), ok])
    const call = world.post()
    await settlePromises()
    feed.push('{"choices":')
    feed.fail(new TypeError('terminated'))
    expect(await (await world.after(call)).json()).toEqual(answer)
    expect(world.settled.map(({ usage }) => usage)).toEqual([undefined, { inputTokens: 12, outputTokens: 3 }])
    world.expectAtRest()
  })

  it('again and again: what broke it is thrown', async () => {
    const terminated = new TypeError('terminated')
    const feeds = [new Feed('application/json'), new Feed('application/json')]
    const world = new LimitedFetch(feeds.map((feed) => feed.answer()))
    const call = failure(world.post(chatBody, {}, { maxRetries: 1 }))
    for (const feed of feeds) {
      await world.clock.advance(500)
      feed.fail(terminated)
    }
    expect(await world.after(call)).toBe(terminated)
    world.expectAtRest()
  })

  it('of a 400 is a 400, and not repeated', async () => {
    const feed = new Feed('application/json')
    const world = new LimitedFetch([feed.answer(400)])
    const call = world.post()
    await settlePromises()
    feed.fail(new TypeError('terminated'))
    expect([(await call).status, world.service.sent.length]).toEqual([400, 1])
    world.expectAtRest()
  })
})
