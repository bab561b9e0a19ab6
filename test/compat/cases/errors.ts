import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { EMBEDDINGS, MODEL } from '../world.js'
import { chat, failureOf } from './calls.js'

/** So that nobody backs off for half a second. */
const SOON = { 'retry-after-ms': '1' }

function tornDown(maxRetries: number): Case {
  return {
    name: `a connection that is torn down, maxRetries ${maxRetries} with the call`,
    ...(maxRetries > 0 && { waits: true }),
    service: { fail: () => ({ drop: true }) },
    async run(world) {
      const error = await failureOf(world.client().chat.completions.create(chat, { maxRetries }))
      assert.equal(error.constructor.name, 'APIConnectionError')
      assert.equal(world.http.count, 1 + maxRetries)
      return error
    },
  }
}

/** Faults of these kinds, one after the other, with a call that may be repeated so often. */
function mixed(kinds: string, maxRetries: number, requests: number): Case {
  const each = kinds.split(', ')
  return {
    name: `${kinds}, maxRetries ${maxRetries} with the call`,
    waits: true,
    service: {
      fail(_, n) {
        const kind = each[(n - 1) % each.length]
        if (kind === 'ok') return undefined
        return kind === 'drop' ? { drop: true } : { status: Number(kind), headers: SOON }
      },
    },
    async run(world) {
      const call = world.client().chat.completions.create(chat, { maxRetries })
      const seen = await call.catch((error: unknown) => error)
      assert.equal(world.http.count, requests)
      return seen
    },
  }
}

function failing(status: number, code: string): Case {
  return {
    name: `error ${status}`,
    service: { fail: () => ({ status, body: { error: { message: 'No.', type: 'some', param: 'model', code } } }) },
    async run(world) {
      const error = await failureOf(world.client().chat.completions.create(chat))
      assert.equal(error.status, status)
      assert.equal(world.http.count, 1)
      return error
    },
  }
}

function repeated(status: number): Case {
  return {
    name: `${status}, then ok`,
    service: { fail: (_, n) => (n === 1 ? { status, headers: SOON } : undefined) },
    async run(world) {
      const completion = await world.client().chat.completions.create(chat)
      assert.equal(world.http.count, 2)
      return completion
    },
  }
}

export const errorCases: Case[] = [
  {
    name: 'error 400, of the service’s own',
    async run(world) {
      const error = await failureOf(world.client().chat.completions.create({ ...chat, messages: [] }))
      assert.equal(error.constructor.name, 'BadRequestError')
      return error
    },
  },
  {
    name: 'error 401, of the service’s own',
    service: { apiKeys: ['another'] },
    async run(world) {
      const client = world.client()
      const error = await failureOf(client.chat.completions.create(chat))
      assert.equal(error.constructor.name, 'AuthenticationError')
      return { error, ofAList: await failureOf(client.models.list()) }
    },
  },
  {
    name: 'error 404, of the service’s own',
    service: { limits: { [EMBEDDINGS]: { rpm: 60 } } },
    async run(world) {
      const client = world.client()
      const error = await failureOf(client.chat.completions.create(chat))
      assert.equal(error.constructor.name, 'NotFoundError')
      return { error, ofAModel: await failureOf(client.models.retrieve(MODEL)) }
    },
  },
  failing(403, 'access_denied'),
  failing(413, 'request_too_large'),
  failing(422, 'unprocessable'),
  repeated(500),
  repeated(503),
  repeated(408),
  repeated(409),
  repeated(429),
  {
    name: 'error 500 of a list, then ok',
    service: { failOthers: ({ n }) => (n === 1 ? { status: 500, headers: SOON } : undefined) },
    async run(world) {
      const { data } = await world.client().models.list()
      assert.equal(world.http.count, 2)
      return data
    },
  },
  {
    name: 'error 429 to the end',
    service: { fail: () => ({ status: 429, headers: SOON }) },
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 1 }).chat.completions.create(chat))
      assert.equal(error.constructor.name, 'RateLimitError')
      assert.equal(world.http.count, 2)
      return error
    },
  },
  {
    name: 'a body that is not JSON',
    service: {
      fail: () => ({ status: 502, body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } }),
    },
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 0 }).chat.completions.create(chat))
      assert.equal(error.status, 502)
      return error
    },
  },
  {
    name: 'a connection that is torn down, then ok',
    waits: true,
    service: { fail: (_, n) => (n === 1 ? { drop: true } : undefined) },
    async run(world) {
      const completion = await world.client().chat.completions.create(chat)
      assert.equal(world.http.count, 2)
      return completion
    },
  },
  {
    name: 'a connection that is torn down to the end',
    service: { fail: () => ({ drop: true }) },
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 0 }).chat.completions.create(chat))
      assert.equal(error.constructor.name, 'APIConnectionError')
      return error
    },
  },
  tornDown(0),
  tornDown(1),
  mixed('500, 500, drop', 2, 3),
  mixed('500, drop, ok', 1, 2),
  mixed('500, drop, ok', 2, 3),
  mixed('drop, 500, ok', 2, 3),
  {
    name: 'an answer that breaks off',
    service: { fail: () => ({ cutAfterChunks: 1 }) },
    async run(world) {
      const error = await failureOf(world.client({ maxRetries: 0 }).chat.completions.create(chat))
      return [error.constructor.name, error.message, (error.cause as Error).constructor.name]
    },
    difference: {
      why: 'the body is read where its loss can be repeated; what is left is an error of the client’s, not of fetch',
      check(raw, wrapped) {
        assert.deepEqual(raw.seen, ['TypeError', 'terminated', 'SocketError'])
        assert.deepEqual(wrapped.seen, ['APIConnectionError', 'Connection error.', 'TypeError'])
      },
    },
  },
  {
    name: 'a service that is not there',
    async run(world) {
      const client = world.client({ maxRetries: 0 })
      await world.simulator.close()
      const error = await failureOf(client.chat.completions.create(chat))
      assert.equal(error.constructor.name, 'APIConnectionError')
      return error
    },
  },
]
