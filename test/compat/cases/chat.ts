import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { EMBEDDINGS, MODEL } from '../world.js'
import { chat, readAll } from './calls.js'

export const chatCases: Case[] = [
  {
    name: 'create',
    async run(world) {
      const completion = await world.client().chat.completions.create(chat)
      assert.equal(completion.choices[0]?.finish_reason, 'stop')
      return completion
    },
  },
  {
    name: 'create, with a signal that stays quiet',
    async run(world) {
      const client = world.client()
      const { signal } = new AbortController()
      const completion = await client.chat.completions.create(chat, { signal })
      const chunks = await readAll(await client.chat.completions.create({ ...chat, stream: true }, { signal }))
      return { completion, chunks, models: (await client.models.list({ signal })).data }
    },
  },
  {
    name: 'create, n = 3, a cap, and fields unknown to the client',
    async run(world) {
      const body = { ...chat, n: 3, max_tokens: 5, enable_search: true, temperature: 0.2 }
      const completion = await world.client().chat.completions.create(body)
      assert.equal(completion.choices.length, 3)
      return completion
    },
  },
  {
    name: 'completions, plain and streamed',
    async run(world) {
      const client = world.client()
      const body = { model: MODEL, prompt: 'Once upon a time' }
      const plain = await client.completions.create(body)
      const chunks = await readAll(await client.completions.create({ ...body, stream: true }))
      assert(chunks.length > 1)
      return { plain, chunks }
    },
  },
  {
    name: 'embeddings',
    async run(world) {
      const client = world.client()
      const body = { model: EMBEDDINGS, input: ['the gate', 'the channel'], dimensions: 64 }
      const [asBase64, asNumbers] = [
        await client.embeddings.create(body),
        await client.embeddings.create({ ...body, encoding_format: 'float' }),
      ]
      assert.equal(asBase64.data[1]?.embedding.length, 64)
      return { asBase64, asNumbers }
    },
  },
]
