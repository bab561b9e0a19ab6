import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { closing, content, done, opening, usage, USED } from '../support/chat-events.js'
import { Feed } from '../support/fake-fetch.js'
import { flowing } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

describe('a stream that nobody reads', () => {
  it('frees its place at the timeout of the client, charged as reserved; a late reader still gets it', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed, {}, 5000)
    expect(world.limiter.stats().inFlight).toBe(1)
    await world.clock.advance(4999)
    expect(world.limiter.stats().inFlight).toBe(1)
    await world.clock.advance(1)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
    feed.push(closing + usage + done)
    feed.end()
    expect(await response.text()).toBe(opening + content('Hello') + closing + done)
    world.expectAtRest()
  })

  it('is no longer timed once it is read', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed, {}, 5000)
    const text = response.text()
    await world.clock.advance(60_000)
    expect(world.limiter.stats().inFlight).toBe(1)
    feed.push(usage + done)
    feed.end()
    await text
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('is timed without a client too', async () => {
    const { world } = await flowing(new Feed())
    await world.clock.advance(600_000)
    world.expectAtRest()
  })

  it('is read ahead no further than its first content', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed, {}, 5000)
    feed.push(content(' there') + usage + done)
    await settlePromises()
    expect(world.settled).toHaveLength(0)
    expect(world.limiter.stats().inFlight).toBe(1)
    await response.body!.cancel()
    world.expectAtRest()
  })

  /** Collects garbage until `isDone`. */
  async function collect(isDone: () => boolean): Promise<void> {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    for (let turns = 0; turns < 100 && !isDone(); turns++) {
      gc()
      await settlePromises()
    }
  }

  it('frees its place when it is collected', async () => {
    const feed = new Feed()
    const caller = new AbortController()
    // Nothing here may keep the answer.
    const world = await (async () => (await flowing(feed, { signal: caller.signal }, 5000)).world)()
    await collect(() => world.limiter.stats().inFlight === 0)
    expect(feed.cancelled).toBeDefined()
    world.expectAtRest()
  })

  it('frees its place when it is collected half read', async () => {
    const feed = new Feed()
    const world = await (async () => {
      const { world, response } = await flowing(feed, {}, 5000)
      await response.body!.getReader().read()
      return world
    })()
    await collect(() => world.limiter.stats().inFlight === 0)
    expect(feed.cancelled).toBeDefined()
    world.expectAtRest()
  })

  it('frees its place when it is collected where timers throw, as in Cloudflare Workers outside a request', async () => {
    const feed = new Feed()
    const world = await (async () => (await flowing(feed, {}, 5000)).world)()
    const disallowed = () => {
      throw new Error('Disallowed operation called within global scope.')
    }
    Object.assign(world.clock, { setTimeout: disallowed, clearTimeout: disallowed })
    await collect(() => world.limiter.stats().inFlight === 0)
    expect(world.limiter.stats().inFlight).toBe(0)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    expect(feed.cancelled).toBeDefined()
  })

  it('leaves no listener when it is collected after its timeout', async () => {
    const feed = new Feed()
    const caller = new AbortController()
    const world = await (async () => (await flowing(feed, { signal: caller.signal }, 5000)).world)()
    await world.clock.advance(5000)
    world.expectAtRest()
    await collect(() => feed.cancelled !== undefined)
    expect(feed.cancelled).toBeDefined()
    world.expectAtRest()
  })

  it('frees its place at the timeout in a runtime without FinalizationRegistry', async () => {
    vi.stubGlobal('FinalizationRegistry', undefined)
    vi.resetModules()
    onTestFinished(() => {
      vi.unstubAllGlobals()
      vi.resetModules()
    })
    const modules = await import('../support/limited-fetch.js')
    const { world } = await modules.flowing(new Feed(), {}, 5000)
    expect(world.limiter.stats().inFlight).toBe(1)
    await world.clock.advance(5000)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })
})
