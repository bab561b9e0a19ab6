import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat, readAll, readToError } from './calls.js'

/** Slow enough to be broken off in the middle. */
const SLOW = { meanOutputTokens: 2000, latency: { firstTokenMs: 1, perTokenMs: 2, jitter: 0 } }

export const streamCases: Case[] = [
  {
    name: 'stream',
    async run(world) {
      const chunks = await readAll(await world.client().chat.completions.create({ ...chat, stream: true }))
      assert(chunks.length > 2)
      assert(chunks.every(({ usage }) => !usage))
      return chunks
    },
  },
  {
    name: 'stream, its usage asked for',
    async run(world) {
      const body = { ...chat, stream: true, stream_options: { include_usage: true } } as const
      const chunks = await readAll(await world.client().chat.completions.create(body))
      assert(chunks.at(-1)?.usage)
      return chunks
    },
  },
  {
    name: 'stream, read as two and as bytes',
    async run(world) {
      const client = world.client()
      const [left, right] = (await client.chat.completions.create({ ...chat, stream: true })).tee()
      const halves = await Promise.all([readAll(left), readAll(right)])
      const stream = await client.chat.completions.create({ ...chat, stream: true })
      return { halves, bytes: await new Response(stream.toReadableStream()).text() }
    },
  },
  {
    name: '.stream() with events and finalChatCompletion()',
    async run(world) {
      const stream = world.client().chat.completions.stream(chat)
      const events: unknown[] = []
      for (const name of ['connect', 'chunk', 'content', 'message', 'finalContent', 'finalChatCompletion'] as const) {
        stream.on(name, (...args: unknown[]) => events.push([name, structuredClone(args)]))
      }
      for (const name of ['content.delta', 'content.done', 'chatCompletion', 'finalMessage', 'end'] as const) {
        stream.on(name, (...args: unknown[]) => events.push([name, structuredClone(args)]))
      }
      const completion = await stream.finalChatCompletion()
      const usage = await stream.totalUsage()
      assert(events.length > 8)
      return { completion, usage, content: await stream.finalContent(), events }
    },
  },
  {
    name: '.stream() as an iterator',
    async run(world) {
      const stream = world.client().chat.completions.stream(chat)
      return { chunks: await readAll(stream), message: await stream.finalMessage() }
    },
  },
  {
    name: 'early break',
    timed: true,
    service: SLOW,
    async run(world) {
      const first = []
      for await (const chunk of await world.client().chat.completions.create({ ...chat, stream: true })) {
        first.push(chunk)
        if (first.length === 3) break
      }
      await world.http.closed(1)
      const [entry] = world.simulator.ledger().entries
      assert.equal(entry?.hungUp, true)
      return { first, hungUp: entry.hungUp }
    },
  },
  {
    name: 'an error inside a stream, after content',
    service: {
      fail: () => ({ streamError: { error: { code: 'limit_burst_rate', message: 'Too quickly.' } }, afterChunks: 2 }),
    },
    async run(world) {
      const stream = await world.client().chat.completions.create({ ...chat, stream: true })
      const { items, error } = await readToError(stream)
      assert.equal(items.filter(({ choices }) => choices[0]?.delta.content).length, 2)
      return { items, error }
    },
  },
  {
    name: 'an error inside a stream, before content',
    waits: true,
    service: {
      fail: (_, n) =>
        n === 1 ? { streamError: { error: { code: 'internal_error', message: 'Sorry.', status: 500 } } } : undefined,
    },
    async run(world) {
      const chunks: unknown[] = []
      let error: unknown
      try {
        for await (const chunk of await world.client().chat.completions.create({ ...chat, stream: true })) {
          chunks.push(chunk)
        }
      } catch (thrown) {
        error = thrown
      }
      return { isWhole: chunks.length > 2, error }
    },
    difference: {
      why: 'an error before the first content is repeated; the raw client throws it',
      check(raw, wrapped) {
        assert.match(JSON.stringify(raw.seen), /"isWhole":false,"error":.*Sorry/)
        assert.deepEqual(wrapped.seen, { isWhole: true, error: undefined })
        assert.deepEqual([raw.requests.length, wrapped.requests.length], [1, 2])
      },
    },
  },
  {
    name: 'a stream that breaks off after content',
    service: { fail: () => ({ cutAfterChunks: 3 }) },
    async run(world) {
      return readToError(await world.client().chat.completions.create({ ...chat, stream: true }))
    },
  },
]
