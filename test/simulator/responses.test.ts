import type OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { streamErrors } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { post, readAll, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const input = 'How deep is the water at the gate?'
const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'depth_of', parameters: {}, strict: false }]

describe('the Responses API', () => {
  it('answers a text input, with usage', async () => {
    const { simulator, client } = await simulate({ answer: () => 'It is deep.' })
    const response = await client.responses.create({ model, input, instructions: 'Be brief.' })
    expect(response.output_text).toBe('It is deep.')
    expect([response.object, response.status, response.instructions]).toEqual(['response', 'completed', 'Be brief.'])
    expect(response.usage).toEqual({
      input_tokens: 22,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 25,
    })
    expect(response.id).toBe(`resp_${simulator.ledger().entries[0]?.id}`)
    expect(simulator.ledger().entries[0]).toMatchObject({ route: 'responses', model, outputTokens: 3 })
  })

  it('counts input items of every kind', async () => {
    const { client } = await simulate({ countTokens: (text) => text.length, answer: () => 'x' })
    const response = await client.responses.create({
      model,
      input: [
        { role: 'user', content: 'abc' },
        { role: 'user', content: [{ type: 'input_text', text: 'de' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'fgh' },
      ],
    })
    expect(response.usage?.input_tokens).toBe(10 + 3 + 2 + 2 + 3)
  })

  it('streams typed, numbered events that add up to the response without streaming', async () => {
    const options = {
      epochMs: 0,
      clock: new ManualClock(),
      chunkTokens: 2,
      answer: () => ({
        reasoning: 'Depth, hm, depth…',
        content: 'It is 3 m deep. 深い 🌊🌊',
        toolCalls: [{ name: 'depth_of', arguments: { place: 'the gate' } }],
      }),
    }
    const plain = await (await simulate(options)).client.responses.create({ model, input, tools })
    expect(plain.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call'])
    const { client } = await simulate(options)
    const events = await readAll(await client.responses.create({ model, input, tools, stream: true }))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
    const kinds = [...new Set(events.map(({ type }) => type))]
    expect(kinds).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.completed',
    ])
    const last = events.at(-1)
    const { output_text: _text, ...whole } = plain
    expect(last?.type === 'response.completed' && last.response).toEqual(whole)
    const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []))
    expect(deltas.length).toBeGreaterThan(2)
    expect(deltas.join('')).toBe('It is 3 m deep. 深い 🌊🌊')
  })

  it('sends streams that the openai client can assemble', async () => {
    const { client } = await simulate({ chunkTokens: 3, meanOutputTokens: 60 })
    const final = await client.responses.stream({ model, input, reasoning: { effort: 'low' } }).finalResponse()
    expect(final.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(final.output_text.length / 4 + (final.usage?.output_tokens_details.reasoning_tokens ?? 0)).toBe(
      final.usage?.output_tokens,
    )
  })

  it('calls tools until the input has a result', async () => {
    const { client } = await simulate()
    const [call] = (await client.responses.create({ model, input, tools })).output
    expect(call).toMatchObject({ type: 'function_call', name: 'depth_of', arguments: '{}' })
    const result = { type: 'function_call_output' as const, call_id: 'c', output: '3 m' }
    const after = await client.responses.create({ model, input: [result], tools })
    expect(after.output[0]?.type).toBe('message')
  })

  it('marks a response that max_output_tokens cut as incomplete', async () => {
    const { client } = await simulate()
    const plain = await client.responses.create({ model, input, max_output_tokens: 1 })
    expect([plain.status, plain.incomplete_details]).toEqual(['incomplete', { reason: 'max_output_tokens' }])
    const events = await readAll(await client.responses.create({ model, input, max_output_tokens: 1, stream: true }))
    expect(events.at(-1)?.type).toBe('response.incomplete')
  })

  it('sends an empty message for an empty answer', async () => {
    const { client } = await simulate({ answer: () => '' })
    expect((await client.responses.create({ model, input })).output_text).toBe('')
    const final = await client.responses.stream({ model, input }).finalResponse()
    expect(final.output.map(({ type }) => type)).toEqual(['message'])
  })

  it('has the same limits and faults as the other endpoints', async () => {
    const { client } = await simulate({ clock: new ManualClock(), limits: { [model]: { rpm: 60 } } })
    await client.responses.create({ model, input })
    expect((await refusalOf(client.responses.create({ model, input }))).code).toBe('limit_requests')

    const faulty = await simulate({ fail: () => ({ streamError: streamErrors.serving(), afterChunks: 1 }) })
    const text = await (
      await post(faulty.simulator, '/v1/responses', JSON.stringify({ model, input, stream: true }))
    ).text()
    expect(text.trimEnd().endsWith(`data: ${JSON.stringify(streamErrors.serving())}`)).toBe(true)

    const silent = await simulate({ fail: () => ({ noUsage: true }) })
    expect((await silent.client.responses.create({ model, input })).usage).toBeNull()
  })
})
