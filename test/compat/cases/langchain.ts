import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import type { LangChainMessage, LangChainModel, LangChainSdk } from '../sdk.js'
import { MODEL, type World } from '../world.js'
import { failureOf, readAll } from './calls.js'

const prompt = 'How high is the water at the gate?'
const schema = { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] }

function modelOf({ sdk, simulator, fetch }: World<LangChainSdk>): LangChainModel {
  const configuration = { baseURL: simulator.url, ...fetch }
  return new sdk.ChatOpenAI({ model: MODEL, apiKey: 'sk-test', maxRetries: 0, configuration })
}

function messageOf({ id, content, tool_calls, usage_metadata, response_metadata }: LangChainMessage) {
  return { id, content, tool_calls, usage_metadata, response_metadata }
}

export const langchainCases: readonly Case<LangChainSdk>[] = [
  {
    name: 'invoke',
    async run(world) {
      const message = await modelOf(world).invoke(prompt)
      assert.equal(typeof message.content, 'string')
      return messageOf(message)
    },
  },
  {
    name: 'stream',
    async run(world) {
      const chunks = await readAll(await modelOf(world).stream(prompt))
      assert(chunks.length > 2)
      return chunks.map(messageOf)
    },
  },
  {
    name: 'stream, left early',
    timed: true,
    service: { meanOutputTokens: 2000, latency: { firstTokenMs: 1, perTokenMs: 2, jitter: 0 } },
    async run(world) {
      const chunks: LangChainMessage[] = []
      for await (const chunk of await modelOf(world).stream(prompt)) if (chunks.push(chunk) === 3) break
      await world.http.closed(1)
      return chunks.map(messageOf)
    },
  },
  {
    name: 'tool calls of two turns',
    async run(world) {
      const level = world.sdk.tool(() => '2.5', { name: 'level', description: 'The level, in metres.', schema })
      const model = modelOf(world).bindTools([level])
      const called = await model.invoke(prompt)
      const [call] = (called.tool_calls ?? []) as { id: string; name: string }[]
      assert.equal(call?.name, 'level')
      const result = { role: 'tool', content: '2.5', tool_call_id: call.id }
      const answered = await model.invoke([{ role: 'user', content: prompt }, called, result])
      assert.equal(answered.tool_calls?.length, 0)
      return { called: messageOf(called), answered: messageOf(answered) }
    },
  },
  {
    name: 'tool calls, streamed',
    async run(world) {
      const level = world.sdk.tool(() => '2.5', { name: 'level', description: 'The level, in metres.', schema })
      const chunks = await readAll(await modelOf(world).bindTools([level]).stream(prompt))
      assert(chunks.some(({ tool_calls: calls = [] }) => calls.length > 0))
      return chunks.map(messageOf)
    },
  },
  {
    name: 'error 401',
    service: { apiKeys: ['another'] },
    async run(world) {
      const error = await failureOf(modelOf(world).invoke(prompt))
      assert.equal(error.status, 401)
      return error
    },
  },
]
