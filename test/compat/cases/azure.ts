import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat, failureOf, readAll, type OpenAIWorld } from './calls.js'

const service = { service: 'azure', maxChoices: 128 } as const

function options(world: OpenAIWorld) {
  return { apiKey: 'azure-key', apiVersion: '2024-10-21', endpoint: `http://${world.origin}` }
}

async function use(world: OpenAIWorld, client: InstanceType<OpenAIWorld['sdk']['AzureOpenAI']>): Promise<unknown> {
  const { data, response } = await client.chat.completions.create(chat).withResponse()
  const chunks = await readAll(await client.chat.completions.create({ ...chat, stream: true }))
  const embedding = await client.embeddings.create({ model: 'text-embedding-v4', input: 'gate', dimensions: 8 })
  const error = await failureOf(client.chat.completions.create({ ...chat, messages: [] }))
  const [request] = world.http.requests()
  assert.equal(request?.path, `/openai/deployments/${chat.model}/chat/completions?api-version=2024-10-21`)
  assert.equal(request.headers['api-key'], 'azure-key')
  assert(client instanceof world.sdk.AzureOpenAI)
  if (world.limiter !== undefined) assert.equal(world.limiter.stats().models[chat.model]?.calls, 3)
  return { data, response, chunks, embedding, error }
}

export const azureCases: Case[] = [
  {
    name: 'new AzureOpenAI({ fetch: limiter.fetch })',
    service,
    run: (world) => use(world, new world.sdk.AzureOpenAI({ ...options(world), ...world.fetch })),
  },
  {
    name: 'AzureOpenAI, wrapped',
    service,
    run: (world) => use(world, world.wrap(new world.sdk.AzureOpenAI(options(world)))),
  },
  {
    name: 'AzureOpenAI of one deployment, and no model in the body',
    service,
    async run(world) {
      const client = world.wrap(new world.sdk.AzureOpenAI({ ...options(world), deployment: 'qwen-flash' }))
      const completion = await client.chat.completions.create({ ...chat, model: '' })
      if (world.limiter !== undefined) assert.equal(world.limiter.stats().models['qwen-flash']?.calls, 1)
      assert.match(world.http.requests()[0]?.path ?? '', /deployments\/qwen-flash\/chat/)
      return completion
    },
  },
]
