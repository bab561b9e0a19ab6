import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import type { AiResult, AiSdk, AiStep } from '../sdk.js'
import { MODEL, type World } from '../world.js'
import { failureOf, readAll } from './calls.js'

const prompt = 'How high is the water at the gate?'
const schema = { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] }

function modelOf({ sdk, simulator, fetch }: World<AiSdk>): unknown {
  const provider = sdk.createOpenAICompatible({
    name: 'model-studio',
    apiKey: 'sk-test',
    baseURL: simulator.url,
    includeUsage: true,
    ...fetch,
  })
  return provider(MODEL)
}

function toolsOf({ sdk }: World<AiSdk>, calls: unknown[]) {
  const level = sdk.tool({
    description: 'The level of the water, in metres.',
    inputSchema: sdk.jsonSchema(schema),
    execute: async (input: { place: string }) => {
      calls.push(input)
      return `2.5 at ${input.place}`
    },
  })
  return { tools: { level }, stopWhen: sdk.stepCountIs(3) }
}

function stepOf({ text, finishReason, usage, toolCalls, toolResults }: AiStep): AiStep {
  return { text, finishReason, usage, toolCalls, toolResults }
}

function resultOf(result: AiResult): unknown {
  const { totalUsage, response, steps } = result
  const { id, modelId, headers, body } = response
  return {
    ...stepOf(result),
    totalUsage,
    steps: steps.map(stepOf),
    response: { id, modelId, body, headers: new Headers(headers as HeadersInit) },
  }
}

export const aiCases: readonly Case<AiSdk>[] = [
  {
    name: 'generateText',
    async run(world) {
      const result = await world.sdk.generateText({ model: modelOf(world), prompt })
      assert(result.text.length > 0)
      return resultOf(result)
    },
  },
  {
    name: 'generateText with tool calls',
    async run(world) {
      const calls: unknown[] = []
      const result = await world.sdk.generateText({ model: modelOf(world), prompt, ...toolsOf(world, calls) })
      assert.deepEqual([calls.length, result.steps.length, world.http.count], [1, 2, 2])
      return { calls, result: resultOf(result) }
    },
  },
  {
    name: 'streamText',
    async run(world) {
      const result = world.sdk.streamText({ model: modelOf(world), prompt })
      const deltas = await readAll(result.textStream)
      assert(deltas.length > 1)
      return { deltas, text: await result.text, finishReason: await result.finishReason, usage: await result.usage }
    },
  },
  {
    name: 'streamText with tool calls',
    async run(world) {
      const calls: unknown[] = []
      const result = world.sdk.streamText({ model: modelOf(world), prompt, ...toolsOf(world, calls) })
      const types = (await readAll(result.fullStream)).map(({ type }) => type)
      assert.deepEqual([calls.length, world.http.count], [1, 2])
      return { calls, types, steps: (await result.steps).map(stepOf), totalUsage: await result.totalUsage }
    },
  },
  {
    name: 'streamText, broken off',
    timed: true,
    service: { meanOutputTokens: 2000, latency: { firstTokenMs: 1, perTokenMs: 2, jitter: 0 } },
    async run(world) {
      const caller = new AbortController()
      const result = world.sdk.streamText({ model: modelOf(world), prompt, abortSignal: caller.signal })
      const deltas: string[] = []
      for await (const delta of result.textStream) if (deltas.push(delta) === 3) caller.abort()
      await world.http.closed(1)
      return deltas.slice(0, 3)
    },
  },
  {
    name: 'error 401',
    service: { apiKeys: ['another'] },
    async run(world) {
      const error = await failureOf(world.sdk.generateText({ model: modelOf(world), prompt, maxRetries: 0 }))
      assert.equal(error.name, 'AI_APICallError')
      return error
    },
  },
]
