import { describe, expect, it } from 'vitest'
import { withSettings } from '../../src/transport/hints.js'
import { Feed, json, later, silence } from '../support/fake-fetch.js'
import { BASE, chatBody, failure, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const answer = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
const ok = json(answer)

describe('the timeout', () => {
  it('begins at the admission: the wait does not count', async () => {
    const world = new LimitedFetch([silence])
    world.limiter.pause()
    const call = failure(world.post(chatBody, {}, { timeoutMs: 1000, maxRetries: 0 }))
    await world.clock.advance(60_000)
    expect(world.service.sent).toHaveLength(0)
    world.limiter.resume()
    await world.clock.advance(999)
    expect(world.service.sent[0]?.signal?.aborted).toBe(false)
    await world.clock.advance(1)
    const error = (await call) as DOMException
    expect([error.name, error.message]).toEqual(['TimeoutError', 'The request timed out after 1000 ms'])
    world.expectAtRest()
  })

  it('is that of one attempt, and each repetition has its own', async () => {
    const world = new LimitedFetch((clock) => [silence, later(clock, 900, ok)])
    const response = await world.after(world.post(chatBody, {}, { timeoutMs: 1000 }))
    expect(response.status).toBe(200)
    expect(world.service.sent).toHaveLength(2)
    expect(world.clock.now()).toBe(1000 + 1000 + 500 + 900)
    world.expectAtRest()
  })

  it('covers the body of a JSON answer where the client’s does, metered or not', async () => {
    for (const path of ['chat', 'models']) {
      const feed = new Feed('application/json')
      const world = new LimitedFetch([feed.answer()])
      const settings = { fetch: world.service.fetch, timeoutMs: 1000, maxRetries: 0, coversBody: true }
      const call =
        path === 'chat'
          ? failure(world.post(chatBody, {}, settings))
          : failure(world.limiter.fetch(`${BASE}/models`, withSettings({}, settings)))
      await settlePromises()
      feed.push('{"choices":')
      await world.clock.advance(1000)
      expect([path, ((await call) as Error).name]).toEqual([path, 'TimeoutError'])
      world.expectAtRest()
    }
  })

  it('ends with the head where the client’s does', async () => {
    const feed = new Feed('application/json')
    const world = new LimitedFetch([feed.answer()])
    const call = world.post(chatBody, {}, { timeoutMs: 1000, maxRetries: 0 })
    await settlePromises()
    feed.push('  ')
    await world.clock.advance(60_000)
    feed.push('{"choices":[]}')
    feed.end()
    expect(await (await call).text()).toBe('  {"choices":[]}')
    world.expectAtRest()
  })

  it('leaves the charge standing: the server may have done the work', async () => {
    const world = new LimitedFetch([silence])
    await world.after(failure(world.post(chatBody, {}, { timeoutMs: 1000, maxRetries: 0 })))
    expect(world.settled[0]?.usage).toBeUndefined()
    world.expectAtRest()
  })
})

describe('an abort', () => {
  const reason = new Error('no longer wanted')

  it('before the call sends nothing and charges nothing', async () => {
    const world = new LimitedFetch([ok])
    const caller = world.abortable()
    caller.abort(reason)
    expect(await failure(world.post(chatBody, { signal: caller.signal }))).toBe(reason)
    expect([world.service.sent.length, world.admitted.length]).toEqual([0, 0])
    world.expectAtRest()
  })

  it('while waiting takes it out of the queue at once', async () => {
    const world = new LimitedFetch([ok])
    const caller = world.abortable()
    world.limiter.pause()
    const call = failure(world.post(chatBody, { signal: caller.signal }, {}))
    await settlePromises()
    expect(world.limiter.stats().waiting).toBe(1)
    caller.abort(reason)
    expect(await call).toBe(reason)
    world.limiter.resume()
    expect([world.service.sent.length, world.admitted.length]).toEqual([0, 0])
    world.expectAtRest()
  })

  it.each([
    ['with a timeout', {}],
    ['without', undefined],
  ])('while sending breaks it off, and is not repeated (%s)', async (_, settings) => {
    const world = new LimitedFetch([silence])
    const caller = world.abortable()
    const call = failure(world.post(chatBody, { signal: caller.signal }, settings))
    await settlePromises()
    caller.abort(reason)
    expect(await call).toBe(reason)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('while the body comes breaks it off', async () => {
    const feed = new Feed('application/json')
    const world = new LimitedFetch([feed.answer()])
    const caller = world.abortable()
    const call = failure(world.post(chatBody, { signal: caller.signal }, {}))
    await settlePromises()
    feed.push('{')
    caller.abort(reason)
    expect(await call).toBe(reason)
    world.expectAtRest()
  })

  it('while backing off ends it', async () => {
    const world = new LimitedFetch([json({}, 500)])
    const caller = world.abortable()
    const call = failure(world.post(chatBody, { signal: caller.signal }, {}))
    await settlePromises()
    expect(world.limiter.stats().waiting).toBe(1)
    caller.abort(reason)
    expect(await call).toBe(reason)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('after the answer changes nothing', async () => {
    const world = new LimitedFetch([ok])
    const caller = world.abortable()
    const response = await world.post(chatBody, { signal: caller.signal }, {})
    world.expectAtRest()
    caller.abort(reason)
    expect(await response.json()).toEqual(answer)
    world.expectAtRest()
  })
})
