import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat, failureOf, readAll } from './calls.js'

export const rawResponseCases: Case[] = [
  {
    name: 'withResponse()',
    async run(world) {
      const result = await world.client().chat.completions.create(chat).withResponse()
      assert(result.request_id)
      return result
    },
  },
  {
    name: 'withResponse() of a stream',
    async run(world) {
      const call = world.client().chat.completions.create({ ...chat, stream: true })
      const { data, response, request_id } = await call.withResponse()
      return { request_id, chunks: await readAll(data), response }
    },
  },
  {
    name: 'asResponse(), read',
    async run(world) {
      const response = await world.client().chat.completions.create(chat).asResponse()
      return { response, text: await response.text() }
    },
  },
  {
    name: 'asResponse() of a stream, read',
    async run(world) {
      const response = await world
        .client()
        .chat.completions.create({ ...chat, stream: true })
        .asResponse()
      const text = await response.clone().text()
      return { response, isSame: text === (await response.text()), hasDone: text.includes('[DONE]'), text }
    },
  },
  {
    name: 'asResponse(), read in every way',
    async run(world) {
      const client = world.client()
      const answer = () => client.chat.completions.create(chat).asResponse()
      const [json, bytes, blob, looked, read] = [
        await answer(),
        await answer(),
        await answer(),
        await answer(),
        await answer(),
      ]
      const hadBody = looked.body !== null && !looked.bodyUsed && !looked.body.locked
      const text = await new Response(read.body).text()
      const again = await failureOf(read.text())
      return {
        json: await json.json(),
        bytes: new Uint8Array(await bytes.arrayBuffer()),
        blob: await (await blob.blob()).text(),
        looked: [hadBody, looked.bodyUsed, await looked.json(), looked.bodyUsed],
        read: [text, read.bodyUsed, again.constructor.name],
      }
    },
  },
  {
    name: 'what a Response says of itself, and its clone',
    async run(world) {
      const response = await world.client().chat.completions.create(chat).asResponse()
      const clone = response.clone()
      return [response.type, response.redirected, clone.type, clone.redirected, clone]
    },
  },
  {
    name: 'asResponse() left unread',
    async run(world) {
      return world.client().chat.completions.create(chat).asResponse()
    },
  },
  {
    name: 'asResponse() of a stream left unread',
    waits: true,
    timed: true,
    service: { meanOutputTokens: 2000, latency: { firstTokenMs: 1, perTokenMs: 2, jitter: 0 } },
    async run(world) {
      // The wrapped one frees its place at the client's timeout, which the end of the run waits for.
      return world
        .client({ timeout: 300 })
        .chat.completions.create({ ...chat, stream: true })
        .asResponse()
    },
  },
]
