import { describe, expect, it } from 'vitest'
import { FetchCall } from '../../src/transport/fetch-call.js'
import { withSettings } from '../../src/transport/hints.js'
import { Feed, json, silence, throwing } from '../support/fake-fetch.js'
import { BASE, failure, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const answer = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
const ok = json(answer)

describe('what is not metered', () => {
  it('passes at once, unchanged but for our hints', async () => {
    const world = new LimitedFetch([ok])
    world.limiter.pause()
    const init = { method: 'POST', body: 'x', headers: { 'x-headgate-tenant': 'web', 'x-mine': '1' } }
    expect((await world.limiter.fetch(`${BASE}/files`, init)).status).toBe(200)
    expect(world.service.sent[0]).toMatchObject({ url: `${BASE}/files`, method: 'POST', text: 'x' })
    expect([...world.service.sent[0]!.headers.keys()]).toEqual(['x-mine'])
    expect(world.admitted).toEqual([])
    world.expectAtRest()
  })

  it('gives the answer itself', async () => {
    const response = new Response('binary')
    const world = new LimitedFetch([() => response])
    expect(await world.limiter.fetch(`${BASE}/files/1/content`)).toBe(response)
  })

  it('is thrown as it is thrown', async () => {
    const broken = new TypeError('fetch failed')
    const world = new LimitedFetch([throwing(broken)])
    expect(await failure(world.limiter.fetch(`${BASE}/models`))).toBe(broken)
  })

  it('passes a closed limiter', async () => {
    const world = new LimitedFetch([ok])
    await world.limiter.close()
    expect((await world.limiter.fetch(`${BASE}/models`)).status).toBe(200)
  })

  const asClient = (world: LimitedFetch, init: RequestInit = {}) =>
    world.limiter.fetch(
      `${BASE}/models`,
      withSettings(init, { fetch: world.service.fetch, timeoutMs: 1000, maxRetries: 0 }),
    )

  it('keeps the timeout of the wrapped client', async () => {
    const world = new LimitedFetch([silence])
    const caller = world.abortable()
    const call = failure(asClient(world, { signal: caller.signal }))
    await world.clock.advance(1000)
    expect(((await call) as Error).name).toBe('TimeoutError')
    expect(world.clock.pending).toBe(0)
  })

  it('is repeated by the client alone where a call has a maxRetries of its own', async () => {
    const broken = new TypeError('fetch failed')
    const world = new LimitedFetch([throwing(broken)])
    const settings = {
      fetch: world.service.fetch,
      timeoutMs: 1000,
      maxRetries: 3,
      call: new FetchCall({ maxRetries: 2, timeoutMs: undefined }),
    }
    expect(await failure(world.limiter.fetch(`${BASE}/models`, withSettings({}, settings)))).toBe(broken)
    expect(world.service.sent).toHaveLength(1)
  })

  it('keeps the signal of the caller, before the answer and after its head', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([silence, feed.answer()])
    const reason = new Error('no longer wanted')
    const first = world.abortable()
    const call = failure(asClient(world, { signal: first.signal }))
    await settlePromises()
    first.abort(reason)
    expect(await call).toBe(reason)
    const second = new AbortController()
    const response = await asClient(world, { signal: second.signal })
    expect(world.clock.pending).toBe(0)
    second.abort(reason)
    expect(await failure(response.text())).toBe(reason)
  })
})
