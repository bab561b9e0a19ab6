import { strict as assert } from 'node:assert'
import type { Case, Outcome } from '../case.js'
import { RETRY_COUNT } from '../compare.js'
import { chat, failureOf } from './calls.js'

const NEVER = { fail: () => ({ delayMs: 60_000 }) }
/** So that nobody backs off for half a second. */
const SOON = { 'retry-after-ms': '1' }
const BROKEN = { fail: () => ({ status: 500, headers: SOON }) }

export const settingsCases: Case[] = [
  {
    name: 'timeout of the client',
    waits: true,
    service: NEVER,
    async run(world) {
      const client = world.client({ timeout: 60, maxRetries: 1 })
      const error = await failureOf(client.chat.completions.create(chat))
      assert.equal(error.constructor.name, 'APIConnectionTimeoutError')
      assert.equal(world.http.count, 2)
      return error
    },
    difference: {
      why: 'the cause, where a release tells it, is a TimeoutError that says how long; raw, it is an AbortError',
      shows: (raw) => causeOf(raw) !== undefined,
      check(raw, wrapped) {
        assert.deepEqual([causeOf(raw), causeOf(wrapped)], ['AbortError', 'TimeoutError'])
        assert.deepEqual({ ...Object(wrapped.seen), cause: 0 }, { ...Object(raw.seen), cause: 0 })
      },
    },
  },
  {
    name: 'timeout of a call',
    waits: true,
    service: NEVER,
    async run(world) {
      const call = world.client().chat.completions.create(chat, { timeout: 60, maxRetries: 0 })
      const error = await failureOf(call)
      assert.equal(error.constructor.name, 'APIConnectionTimeoutError')
      return error
    },
  },
  {
    name: 'timeout of a call that may be repeated',
    waits: true,
    service: NEVER,
    async run(world) {
      return failureOf(world.client({ maxRetries: 1 }).chat.completions.create(chat, { timeout: 60 }))
    },
    difference: {
      why: 'a timeout given with a call is a total deadline: nothing is repeated after it',
      check(raw, wrapped) {
        assert.deepEqual(wrapped.seen, raw.seen)
        assert.deepEqual([raw.requests.length, wrapped.requests.length], [2, 1])
      },
    },
  },
  {
    name: 'maxRetries of the client',
    service: BROKEN,
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 3 }).chat.completions.create(chat))
      assert.equal(world.http.count, 4)
      return error
    },
  },
  {
    name: 'maxRetries 0 of the client',
    service: BROKEN,
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 0 }).chat.completions.create(chat))
      assert.equal(world.http.count, 1)
      return error
    },
  },
  {
    name: 'maxRetries of a call',
    service: BROKEN,
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 1 }).chat.completions.create(chat, { maxRetries: 3 }))
      assert.equal(world.http.count, 4)
      return error
    },
  },
  {
    name: 'maxRetries 0 of a call',
    service: BROKEN,
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 1 }).chat.completions.create(chat, { maxRetries: 0 }))
      assert.equal(world.http.count, 1)
      return error
    },
  },
  {
    name: 'a key that is a function',
    async run(world) {
      const apiKey = (async () => 'sk-of-a-function') as never
      await world.client({ apiKey }).chat.completions.create(chat)
      return world.http.requests()[0]?.headers['authorization']
    },
  },
  {
    name: 'headers, query and idempotency key of a call',
    async run(world) {
      const client = world.client({ defaultHeaders: { 'x-mine': 'default', 'x-other': 'kept' } })
      const options = { headers: { 'X-Mine': 'call', 'x-none': null }, query: { region: 'sg' }, idempotencyKey: 'k-1' }
      const completion = await client.chat.completions.create(chat, options)
      const [request] = world.http.requests()
      assert.deepEqual([request?.headers['x-mine'], request?.headers['x-other']], ['call', 'kept'])
      assert.match(request?.path ?? '', /\?region=sg$/)
      return completion
    },
  },
  {
    name: 'fetchOptions of a call, and hints',
    async run(world) {
      const options: unknown[] = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        options.push([init?.keepalive, init?.cache, init?.redirect, Object.getOwnPropertySymbols(init).length])
        return globalThis.fetch(input, init)
      }
      const client = world.client({ fetch, fetchOptions: { keepalive: true } })
      const hinted = world.limiter === undefined ? {} : world.headgate.hint({ priority: 5 })
      const fetchOptions = { cache: 'no-store', redirect: 'error', ...hinted } as const
      const completion = await client.chat.completions.create(chat, { fetchOptions })
      assert.deepEqual(options, [[true, 'no-store', 'error', 0]])
      assert.doesNotMatch(JSON.stringify(world.http.requests()), /headgate|priority/)
      return completion
    },
  },
  {
    name: 'a fetch of the client’s own',
    async run(world) {
      const urls: string[] = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        urls.push(String(input).replaceAll(world.origin, ''))
        return globalThis.fetch(input, init)
      }
      const completion = await world.client({ fetch }).chat.completions.create(chat)
      assert.equal(urls.length, 1)
      return { completion, urls }
    },
  },
  {
    name: 'withOptions on the client',
    async run(world) {
      const client = world.client({ defaultHeaders: { 'x-mine': 'first' } })
      const clone = client.withOptions({ defaultHeaders: { 'x-mine': 'second' }, organization: 'org-2' })
      const completions = [await client.chat.completions.create(chat), await clone.chat.completions.create(chat)]
      if (world.limiter !== undefined) assert.equal(world.limiter.stats().models[chat.model]?.calls, 2)
      return completions
    },
  },
  {
    name: 'withOptions({ maxRetries, timeout }) on the client',
    service: BROKEN,
    async run(world) {
      const clone = world.client({ maxRetries: 1 }).withOptions({ maxRetries: 2, timeout: 30_000 })
      return failureOf(clone.chat.completions.create(chat))
    },
  },
  {
    name: 'withOptions({ fetch }) on the client',
    async run(world) {
      let calls = 0
      const fetch: typeof globalThis.fetch = (input, init) => {
        calls++
        return globalThis.fetch(input, init)
      }
      const completion = await world.client().withOptions({ fetch }).chat.completions.create(chat)
      assert.equal(calls, 1)
      if (world.limiter !== undefined) assert.equal(world.limiter.stats().models[chat.model]?.calls, 1)
      return completion
    },
  },
  {
    name: 'the count of attempts in a header of the client’s',
    service: { fail: (_, n) => (n <= 2 ? { status: 500, headers: SOON } : undefined) },
    async run(world) {
      await world.client().chat.completions.create(chat)
      return world.http.requests().map(({ headers }) => headers[RETRY_COUNT])
    },
  },
  {
    name: 'what the client says of itself',
    async run(world) {
      const client = world.client({ organization: 'org-1', timeout: 1234, maxRetries: 5 })
      const { apiKey, baseURL, organization, project, logLevel } = client
      const names = Object.keys(client).toSorted()
      return [
        client instanceof world.sdk.OpenAI,
        client.constructor.name,
        names,
        apiKey,
        baseURL,
        organization,
        project,
        logLevel,
      ]
    },
  },
  {
    name: 'timeout and maxRetries, as the client says them',
    async run(world) {
      const { timeout, maxRetries } = world.client({ timeout: 1234, maxRetries: 5 })
      return { timeout, maxRetries }
    },
    difference: {
      why: 'the limiter repeats, and times what it sends, by the numbers of the raw client',
      check(raw, wrapped) {
        assert.deepEqual(raw.seen, { timeout: 1234, maxRetries: 5 })
        assert.deepEqual(wrapped.seen, { timeout: 2 ** 31 - 1, maxRetries: 0 })
      },
    },
  },
]

function causeOf({ seen }: Outcome): unknown {
  return (seen as { cause?: { name: unknown } }).cause?.name
}
