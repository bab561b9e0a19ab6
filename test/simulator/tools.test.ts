import type OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { messages, simulate } from './setup.js'

const model = 'qwen-plus'

const depth: OpenAI.Chat.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'depth_of',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string' },
        unit: { enum: ['m', 'ft'] },
        precision: { type: 'integer', minimum: 3, maximum: 4 },
        strict: { type: 'boolean' },
        points: { type: 'array', items: { type: 'number' } },
        note: { type: 'string' },
      },
      required: ['place', 'unit', 'precision', 'strict', 'points'],
    },
  },
}
const width: OpenAI.Chat.ChatCompletionFunctionTool = { type: 'function', function: { name: 'width_of' } }
const tools = [depth, width]

type Params = Omit<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming, 'model' | 'messages'>

async function called(params: Params, options = {}): Promise<string[]> {
  const { client } = await simulate(options)
  const { choices } = await client.chat.completions.create({ model, messages, ...params })
  const calls = choices[0]?.message.tool_calls ?? []
  expect(choices[0]?.finish_reason).toBe(calls.length > 0 ? 'tool_calls' : 'stop')
  return calls.map((call) => (call.type === 'function' ? call.function.name : ''))
}

describe('tools', () => {
  it('are called with arguments that fit their schema', async () => {
    const { simulator, client } = await simulate()
    const { choices, usage } = await client.chat.completions.create({ model, messages, tools })
    const [call] = choices[0]?.message.tool_calls ?? []
    if (call?.type !== 'function') throw new Error('no call')
    expect(call.id).toMatch(/^call_[0-9a-f]{24}$/)
    const args = JSON.parse(call.function.arguments) as Record<string, unknown>
    expect(Object.keys(args)).toEqual(['place', 'unit', 'precision', 'strict', 'points'])
    expect(typeof args['place']).toBe('string')
    expect(['m', 'ft']).toContain(args['unit'])
    expect([3, 4]).toContain(args['precision'])
    expect(typeof args['strict']).toBe('boolean')
    expect((args['points'] as unknown[]).map((point) => typeof point)).toEqual(['number'])
    expect(choices[0]?.finish_reason).toBe('tool_calls')
    expect(usage?.completion_tokens).toBe(Math.ceil((call.function.name + call.function.arguments).length / 4))
    expect(simulator.ledger().entries[0]?.outputTokens).toBe(usage?.completion_tokens)
  })

  it('are chosen by tool_choice and toolCallRate', async () => {
    expect(await called({ tools })).toEqual(['depth_of'])
    expect(await called({ tools, tool_choice: 'none' })).toEqual([])
    expect(await called({ tools, tool_choice: { type: 'function', function: { name: 'width_of' } } })).toEqual([
      'width_of',
    ])
    expect(await called({ tools }, { toolCallRate: 0 })).toEqual([])
    expect(await called({ tools, tool_choice: 'required' }, { toolCallRate: 0 })).toEqual(['depth_of'])
    expect(await called({})).toEqual([])
  })

  it('are not called right after a tool result', async () => {
    const { client } = await simulate()
    const call = { id: 'call_1', type: 'function' as const, function: { name: 'depth_of', arguments: '{}' } }
    const { choices } = await client.chat.completions.create({
      model,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: '3 m' },
      ],
    })
    expect([choices[0]?.message.tool_calls, choices[0]?.finish_reason]).toEqual([undefined, 'stop'])
  })

  it('called by a script come after its text, in pieces that add up to the arguments', async () => {
    const toolCalls = [{ name: 'depth_of', arguments: { place: 'the gate', unit: 'm' } }, { name: 'width_of' }]
    const { client } = await simulate({ chunkTokens: 2, answer: () => ({ content: 'Let me look it up.', toolCalls }) })
    const stream = client.chat.completions.stream({ model, messages, tools })
    let pieces = 0
    stream.on('chunk', ({ choices }) => (pieces += choices[0]?.delta.tool_calls?.length ?? 0))
    const { choices } = await stream.finalChatCompletion()
    expect(choices[0]?.message.content).toBe('Let me look it up.')
    expect(choices[0]?.finish_reason).toBe('tool_calls')
    const calls = choices[0]?.message.tool_calls ?? []
    expect(
      calls.map((call) => (call.type === 'function' ? [call.function.name, call.function.arguments] : [])),
    ).toEqual([
      ['depth_of', '{"place":"the gate","unit":"m"}'],
      ['width_of', '{}'],
    ])
    expect(pieces).toBeGreaterThan(4)
  })

  it('are cut at max_tokens like any other answer', async () => {
    const { client } = await simulate()
    const { choices, usage } = await client.chat.completions.create({ model, messages, tools, max_tokens: 5 })
    expect([choices[0]?.finish_reason, usage?.completion_tokens]).toEqual(['length', 5])
  })
})

describe('thinking', () => {
  const ask = (client: OpenAI, body: object = {}, name = model): Promise<OpenAI.Chat.ChatCompletion> =>
    client.chat.completions.create({ model: name, messages, ...body })
  const thought = ({ choices }: OpenAI.Chat.ChatCompletion): string =>
    (choices[0]?.message as { reasoning_content?: string } | undefined)?.reasoning_content ?? ''

  it('happens on request, and by default for models that are named as thinking models', async () => {
    const { client } = await simulate()
    expect(thought(await ask(client))).toBe('')
    expect(thought(await ask(client, { enable_thinking: true }))).not.toBe('')
    expect(thought(await ask(client, { reasoning_effort: 'low' }))).not.toBe('')
    expect(thought(await ask(client, { reasoning_effort: 'none' }))).toBe('')
    expect(thought(await ask(client, {}, 'qwq-plus'))).not.toBe('')
    expect(thought(await ask(client, { enable_thinking: false }, 'qwq-plus'))).toBe('')
  })

  it('counts as output, and stays within thinking_budget', async () => {
    const { simulator, client } = await simulate({ meanThinkingTokens: 300 })
    const answer = await ask(client, { enable_thinking: true, thinking_budget: 7 })
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBe(7)
    expect(thought(answer)).toHaveLength(28)
    const said = answer.choices[0]?.message.content?.length ?? 0
    expect(answer.usage?.completion_tokens).toBe(7 + said / 4)
    expect(simulator.ledger().entries[0]?.outputTokens).toBe(7 + said / 4)
  })

  it('is counted but not sent with showsReasoning off', async () => {
    const { client } = await simulate({ showsReasoning: false })
    const answer = await ask(client, { enable_thinking: true })
    expect(thought(answer)).toBe('')
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0)
  })
})
