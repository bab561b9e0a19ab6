import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closing, content, done, opening, usage, USED } from '../support/chat-events.js'
import { Feed, streamed } from '../support/fake-fetch.js'
import { failure, flowing, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'
import { runs } from '../support/runs.js'

const whole = [opening, content('Hello'), content(' there'), closing, usage, done]
const terminated = new TypeError('terminated')

describe('a stream that the caller ends early', () => {
  it('by cancelling: the server is told, the reservation stands', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel('enough')
    expect(feed.cancelled).toBe('enough')
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })

  it('by cancelling unread', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    await response.body!.cancel()
    expect(feed.cancelled).toBe('cancelled')
    world.expectAtRest()
  })

  it('by cancelling while it waits for more', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    const reader = response.body!.getReader()
    await reader.read()
    const waiting = reader.read()
    await settlePromises()
    await reader.cancel('enough')
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(feed.cancelled).toBe('enough')
    await settlePromises()
    world.expectAtRest()
  })

  it('by breaking out of a loop', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    expect(feed.cancelled).toBeDefined()
    world.expectAtRest()
  })

  it('by cancelling after the end', async () => {
    const world = new LimitedFetch([streamed(whole)])
    const response = await world.stream()
    const reader = response.body!.getReader()
    while (!(await reader.read()).done);
    await reader.cancel()
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })
})

describe('a stream whose caller aborts', () => {
  const reason = new Error('no longer wanted')

  describe.each([
    ['with a timeout', 5000],
    ['without', undefined],
  ])('%s', (_, timeoutMs) => {
    it('before the first content', async () => {
      const feed = new Feed()
      const world = new LimitedFetch([feed.answer()])
      const caller = world.abortable()
      const call = failure(world.stream({ signal: caller.signal }, timeoutMs === undefined ? undefined : { timeoutMs }))
      await settlePromises()
      feed.push(opening)
      await settlePromises()
      caller.abort(reason)
      expect(await call).toBe(reason)
      world.expectAtRest()
    })

    it('while reading', async () => {
      const feed = new Feed()
      const caller = new AbortController()
      const { world, response } = await flowing(feed, { signal: caller.signal }, timeoutMs)
      const text = failure(response.text())
      await settlePromises()
      caller.abort(reason)
      expect(await text).toBe(reason)
      world.expectAtRest()
    })

    it('and reads no more', async () => {
      const feed = new Feed()
      const caller = new AbortController()
      const { world, response } = await flowing(feed, { signal: caller.signal }, timeoutMs)
      const reader = response.body!.getReader()
      await reader.read()
      caller.abort(reason)
      world.expectAtRest()
    })

    it('unread', async () => {
      const feed = new Feed()
      const caller = new AbortController()
      const { world } = await flowing(feed, { signal: caller.signal }, timeoutMs)
      caller.abort(reason)
      world.expectAtRest()
    })

    it('after it was read: nothing listens any more', async () => {
      const world = new LimitedFetch([streamed(whole)])
      const caller = world.abortable()
      const settings = timeoutMs === undefined ? undefined : { timeoutMs }
      const response = await world.stream({ signal: caller.signal }, settings)
      await response.text()
      world.expectAtRest()
      caller.abort(reason)
      world.expectAtRest()
    })
  })
})

it('each of many streams that end in every way settles once', async () => {
  const endings = ['read', 'cancel', 'abort', 'fail', 'leave'] as const
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...endings), { minLength: 1, maxLength: 12 }), async (ways) => {
      const feeds = ways.map(() => new Feed())
      const world = new LimitedFetch(feeds.map((feed) => feed.answer()))
      const callers = ways.map(() => world.abortable())
      const calls = ways.map((_, i) => world.stream({ signal: callers[i]!.signal }, { timeoutMs: 5000 }))
      await world.clock.advance(4000)
      for (const feed of feeds) feed.push(opening + content('Hello'))
      const responses = await Promise.all(calls)
      const ended = ways.map(async (way, i) => {
        if (way === 'cancel') return responses[i]!.body!.cancel()
        if (way === 'leave') return undefined
        const text = responses[i]!.text().catch(() => '')
        await settlePromises()
        if (way === 'abort') callers[i]!.abort()
        else if (way === 'fail') feeds[i]!.fail(terminated)
        else {
          feeds[i]!.push(usage + done)
          feeds[i]!.end()
        }
        return text
      })
      await Promise.all(ended)
      await world.clock.run()
      expect(world.settled.filter(({ usage }) => usage !== undefined)).toHaveLength(
        ways.filter((way) => way === 'read').length,
      )
      // Those that nobody reads keep the listener that breaks them off.
      for (const [i, way] of ways.entries()) if (way === 'leave') await responses[i]!.body!.cancel()
      world.expectAtRest()
    }),
    runs(50),
  )
})

describe('a connection that the server leaves open after the last event', () => {
  it('is broken off where the caller aborts', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    const controller = world.abortable()
    const call = world.stream({ signal: controller.signal })
    await settlePromises()
    feed.push(opening + content('Hello') + usage + done)
    const text = failure((await call).text())
    await settlePromises()
    expect(world.settled[0]?.usage).toEqual(USED)
    controller.abort('mine')
    expect(await text).toBe('mine')
    world.expectAtRest()
  })
})
