import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat, failureOf } from './calls.js'

const NEVER = { fail: () => ({ delayMs: 60_000 }) }
const SLOW = { meanOutputTokens: 2000, latency: { firstTokenMs: 1, perTokenMs: 2, jitter: 0 } }

export const abortCases: Case[] = [
  {
    name: 'abort before',
    async run(world) {
      const signal = AbortSignal.abort(new Error('changed my mind'))
      const error = await failureOf(world.client().chat.completions.create(chat, { signal }))
      assert.equal(world.http.count, 0)
      return error
    },
  },
  {
    name: 'abort while waiting',
    service: NEVER,
    async run(world) {
      const caller = new AbortController()
      world.limiter?.pause()
      const call = failureOf(world.client().chat.completions.create(chat, { signal: caller.signal }))
      if (world.limiter === undefined) await world.http.arrived(1)
      else await until(() => world.limiter?.stats().waiting === 1)
      caller.abort()
      const error = await call
      assert.equal(error.constructor.name, 'APIUserAbortError')
      world.limiter?.resume()
      return error
    },
    difference: {
      why: 'the raw client has sent what the wrapped one still holds back; the error is the same',
      check(raw, wrapped) {
        assert.deepEqual(wrapped.seen, raw.seen)
        assert.deepEqual([raw.requests.length, wrapped.requests.length], [1, 0])
      },
    },
  },
  {
    name: 'abort while sending',
    service: NEVER,
    async run(world) {
      const caller = new AbortController()
      const call = failureOf(world.client().chat.completions.create(chat, { signal: caller.signal }))
      await world.http.arrived(1)
      caller.abort()
      const error = await call
      await world.http.closed(1)
      assert.equal(error.constructor.name, 'APIUserAbortError')
      return error
    },
  },
  {
    name: 'abort while streaming, by its signal',
    timed: true,
    service: SLOW,
    async run(world) {
      const caller = new AbortController()
      const { signal } = caller
      const chunks: unknown[] = []
      let error: unknown
      try {
        for await (const chunk of await world.client().chat.completions.create({ ...chat, stream: true }, { signal })) {
          if (chunks.push(chunk) === 3) caller.abort()
        }
      } catch (thrown) {
        error = thrown
      }
      await world.http.closed(1)
      return { chunks: chunks.slice(0, 3), error }
    },
  },
  {
    name: 'abort while streaming, by its controller',
    timed: true,
    service: SLOW,
    async run(world) {
      const stream = await world.client().chat.completions.create({ ...chat, stream: true })
      const chunks: unknown[] = []
      for await (const chunk of stream) if (chunks.push(chunk) === 3) stream.controller.abort()
      await world.http.closed(1)
      return chunks.slice(0, 3)
    },
  },
  {
    name: 'abort of .stream()',
    timed: true,
    service: SLOW,
    async run(world) {
      const stream = world.client().chat.completions.stream(chat)
      const events: unknown[] = []
      stream.on('abort', (error) => events.push(['abort', error]))
      stream.on('end', () => events.push(['end']))
      stream.on('content', () => stream.abort())
      const error = await failureOf(stream.finalChatCompletion())
      await world.http.closed(1)
      return { error, events, aborted: stream.aborted, errored: stream.errored }
    },
  },
]

/** Waits for what the turn of the event loop brings about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
