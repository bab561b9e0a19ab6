import { describe, expect, it } from 'vitest'
import type { SimulatedRequest } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, MESSAGES_TOKENS, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

describe('chat completions', () => {
  it('the response has text, usage and the headers of the service', async () => {
    const clock = new ManualClock(5000)
    const { simulator, client } = await simulate({ clock, epochMs: 1_750_000_000_000 })
    clock.advance(1234.5)
    const { data, response } = await client.chat.completions.create({ model, messages }).withResponse()
    const [choice] = data.choices
    expect(choice?.finish_reason).toBe('stop')
    const { prompt_tokens, completion_tokens, total_tokens } = data.usage ?? {}
    expect(prompt_tokens).toBe(MESSAGES_TOKENS)
    expect(completion_tokens).toBe(Buffer.byteLength(choice?.message.content ?? '') / 4)
    expect(total_tokens).toBe((prompt_tokens ?? 0) + (completion_tokens ?? 0))
    const { headers } = response
    expect(headers.get('req-arrive-time')).toBe('1750000001234')
    expect(headers.get('resp-start-time')).toBe('1750000001234')
    expect(headers.get('req-cost-time')).toBe('0')
    expect(headers.get('x-envoy-upstream-service-time')).toBe('0')
    expect(headers.get('x-dashscope-call-gateway')).toBe('true')
    expect(headers.get('server')).toBe('istio-envoy')
    expect(data.id).toBe(`chatcmpl-${headers.get('x-request-id')}`)
    expect(data.created).toBe(1_750_000_001)
    expect(simulator.ledger().entries).toEqual([
      {
        id: headers.get('x-request-id'),
        n: 1,
        route: 'chat',
        model,
        at: 6234.5,
        admitted: true,
        inputTokens: MESSAGES_TOKENS,
        outputTokens: completion_tokens,
        chargedAtAdmission: MESSAGES_TOKENS,
        charges: [
          { at: 6234.5, tokens: MESSAGES_TOKENS },
          { at: 6234.5, tokens: completion_tokens },
        ],
        status: 200,
        doneAt: 6234.5,
      },
    ])
  })

  it('the same seed gives the same answers, and another seed gives others', async () => {
    const run = async (seed: number): Promise<unknown[]> => {
      const { client } = await simulate({ seed, clock: new ManualClock(), epochMs: 0 })
      return [
        await client.chat.completions.create({ model, messages }),
        await client.chat.completions.create({ model, messages }),
      ]
    }
    const [first, again, other] = [await run(7), await run(7), await run(8)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    expect(first[1]).not.toEqual(first[0])
  })

  it('drawn answers have lengths around the mean', async () => {
    const { simulator, client } = await simulate({ meanOutputTokens: 50 })
    await Promise.all(Array.from({ length: 400 }, () => client.chat.completions.create({ model, messages })))
    const lengths = simulator.ledger().entries.map(({ outputTokens }) => outputTokens)
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
    expect(mean).toBeGreaterThan(44)
    expect(mean).toBeLessThan(56)
    expect(new Set(lengths).size).toBeGreaterThan(40)
  })

  it('an answer stops at max_tokens, max_completion_tokens or maxOutputTokens', async () => {
    const { client } = await simulate({ answer: () => 'x'.repeat(400), maxOutputTokens: 90 })
    const asked = [{ max_tokens: 7 }, { max_completion_tokens: 8 }, { max_tokens: 100 }, {}]
    const answers = await Promise.all(asked.map((cap) => client.chat.completions.create({ model, messages, ...cap })))
    expect(answers.map(({ usage }) => usage?.completion_tokens)).toEqual([7, 8, 90, 90])
    expect(answers.map(({ choices }) => choices[0]?.message.content?.length)).toEqual([28, 32, 360, 360])
    expect(answers.map(({ choices }) => choices[0]?.finish_reason)).toEqual(['length', 'length', 'length', 'length'])
  })

  it('an answer script sets the text, and countTokens counts it', async () => {
    const seen: SimulatedRequest[] = []
    const { client } = await simulate({
      countTokens: (text) => text.length,
      answer: (request) => {
        seen.push(request)
        return { content: 'deep', reasoning: 'hm', ...(request.n === 2 && { outputTokens: 12 }) }
      },
    })
    const first = await client.chat.completions.create({ model, messages })
    const second = await client.chat.completions.create({ model, messages })
    expect(first.choices[0]?.message).toEqual({ role: 'assistant', content: 'deep', reasoning_content: 'hm' })
    expect(first.usage).toMatchObject({ prompt_tokens: 44, completion_tokens: 6, total_tokens: 50 })
    expect(first.usage?.completion_tokens_details?.reasoning_tokens).toBe(2)
    expect(second.usage).toMatchObject({ completion_tokens: 12, completion_tokens_details: { reasoning_tokens: 4 } })
    expect(seen[0]).toMatchObject({ n: 1, route: 'chat', model, stream: false, inputTokens: 44, apiKey: 'sk-test' })
  })

  it('the input counts the text parts of a message, its images and the tools', async () => {
    const { client } = await simulate({ countTokens: (text) => text.length, imageTokens: 50 })
    const image = { type: 'image_url' as const, image_url: { url: 'data:,' } }
    const parts = [{ type: 'text' as const, text: 'abc' }, image, image]
    const tools = [{ type: 'function' as const, function: { name: 'f' } }]
    const plain = await client.chat.completions.create({ model, messages: [{ role: 'user', content: parts }] })
    const tooled = await client.chat.completions.create({ model, messages: [{ role: 'user', content: parts }], tools })
    expect(plain.usage?.prompt_tokens).toBe(113)
    expect(tooled.usage?.prompt_tokens).toBe(113 + JSON.stringify(tools).length)
  })

  it('images count by default, also in the Responses API', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({ clock, limits: { [model]: { tpm: 2000 } }, secondWindow: 'off' })
    const url = 'https://example.com/gate.png'
    const content = [{ type: 'image_url' as const, image_url: { url } }]
    await client.chat.completions.create({ model, messages: [{ role: 'user', content }], max_tokens: 1 })
    expect(simulator.ledger().entries[0]?.chargedAtAdmission).toBe(1036)
    const input = [{ role: 'user' as const, content: [{ type: 'input_image' as const, image_url: url }] }]
    const refusal = await refusalOf(client.responses.create({ model, input: input as never }))
    expect(refusal.code).toBe('insufficient_quota')
  })

  it('the response takes firstTokenMs, and then perTokenMs for each further token', async () => {
    const clock = new ManualClock()
    const { client } = await simulate({
      clock,
      latency: { firstTokenMs: 200, perTokenMs: 10, jitter: 0 },
      answer: () => ({ content: 'deep enough', outputTokens: 11 }),
    })
    const call = client.chat.completions.create({ model, messages }).withResponse()
    await clock.armed()
    clock.advance(299)
    expect(clock.pending).toBe(1)
    clock.advance(1)
    expect(clock.pending).toBe(0)
    expect((await call).response.headers.get('req-cost-time')).toBe('300')
  })
})

describe('latency', () => {
  it('varies between requests by up to the share that jitter names', async () => {
    const clock = new ManualClock()
    const latency = { firstTokenMs: 1000, perTokenMs: 0, jitter: 0.25 }
    const { simulator, client } = await simulate({ clock, latency })
    const calls = Array.from({ length: 40 }, () => client.chat.completions.create({ model, messages }))
    await clock.armed(40)
    clock.advance(2000)
    await Promise.all(calls)
    const delays = simulator.ledger().entries.map(({ doneAt = 0, at }) => doneAt - at)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(750)
    expect(Math.min(...delays)).toBeLessThan(850)
    expect(Math.max(...delays)).toBeLessThanOrEqual(1250)
    expect(Math.max(...delays)).toBeGreaterThan(1150)
  })
})

describe('text completions', () => {
  it('a prompt gets the same text with and without streaming', async () => {
    const { client } = await simulate({ answer: () => 'down the channel' })
    const plain = await client.completions.create({ model, prompt: 'The water runs' })
    expect(plain.choices[0]).toMatchObject({ text: 'down the channel', finish_reason: 'stop' })
    expect(plain.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 })
    let text = ''
    for await (const chunk of await client.completions.create({ model, prompt: 'The water runs', stream: true })) {
      text += chunk.choices[0]?.text
    }
    expect(text).toBe('down the channel')
  })
})
