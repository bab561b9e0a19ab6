import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { messages, MESSAGES_TOKENS, readAll, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const answers = ['deep', 'wide enough', '']
const answer = (_: unknown, choice: number): string => answers[choice] ?? 'more'

describe('several answers to one request', () => {
  it('are all in the response, and their tokens are added', async () => {
    const { simulator, client } = await simulate({ answer })
    const { choices, usage } = await client.chat.completions.create({ model, messages, n: 3 })
    expect(choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual(
      answers.map((content, index) => [index, content, 'stop']),
    )
    expect(usage).toMatchObject({ prompt_tokens: MESSAGES_TOKENS, completion_tokens: 4 })
    expect(simulator.ledger().entries[0]?.outputTokens).toBe(4)
  })

  it('are streamed in parallel, and each ends by itself', async () => {
    const { client } = await simulate({ answer, chunkTokens: 1 })
    const stream = client.chat.completions.stream({
      model,
      messages,
      n: 3,
      stream_options: { include_usage: true },
    })
    const finishes: (string | null)[][] = []
    stream.on('chunk', ({ choices: [choice] }) => {
      if (choice !== undefined) finishes.push([String(choice.index), choice.finish_reason])
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices.map(({ index, message }) => [index, message.content ?? ''])).toEqual([
      [0, 'deep'],
      [1, 'wide enough'],
      [2, ''],
    ])
    expect(final.usage?.completion_tokens).toBe(4)
    // The first answer is complete after one token, while the second goes on.
    expect(finishes.filter(([, finish]) => finish !== null)).toEqual([
      ['0', 'stop'],
      ['1', 'stop'],
      ['2', 'stop'],
    ])
    expect(finishes.findIndex(([index, finish]) => index === '0' && finish === 'stop')).toBeLessThan(
      finishes.length - 3,
    )
  })

  it('take as long as the longest one, after each is cut at max_tokens', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      clock,
      latency: { firstTokenMs: 100, perTokenMs: 10, jitter: 0 },
      answer: (_, choice) => 'x'.repeat(choice === 0 ? 40 : 80),
      outputAccounting: 'reserved',
    })
    const call = client.chat.completions.create({ model, messages, n: 2, max_tokens: 15 })
    await clock.armed()
    expect(simulator.ledger().entries[0]?.chargedAtAdmission).toBe(MESSAGES_TOKENS + 30)
    clock.advance(239)
    expect(simulator.ledger().entries[0]?.status).toBe(0)
    clock.advance(1)
    expect((await call).choices.map(({ finish_reason }) => finish_reason)).toEqual(['stop', 'length'])
    expect(simulator.ledger().entries[0]?.outputTokens).toBe(25)
  })

  it('are at most maxChoices', async () => {
    const { client } = await simulate({ answer })
    const refusal = await refusalOf(client.chat.completions.create({ model, messages, n: 5 }))
    expect([refusal.status, refusal.message]).toEqual([400, '400 Range of n should be [1, 4]'])
    const { client: more } = await simulate({ answer, maxChoices: 5 })
    expect((await more.chat.completions.create({ model, messages, n: 5 })).choices).toHaveLength(5)
  })

  it('of a text completion are n for each of its prompts', async () => {
    const { client } = await simulate({ answer: (_, choice) => `answer ${choice}` })
    const prompt = ['The water', 'The gate is']
    const plain = await client.completions.create({ model, prompt, n: 2 })
    expect(plain.choices.map(({ index, text }) => [index, text])).toEqual([0, 1, 2, 3].map((i) => [i, `answer ${i}`]))
    expect(plain.usage?.prompt_tokens).toBe(3 + 3)
    const tokens = await client.completions.create({ model, prompt: [[1, 2, 3], [4]] })
    expect([tokens.choices.length, tokens.usage?.prompt_tokens]).toEqual([2, 4])
    const chunks = await readAll(await client.completions.create({ model, prompt, stream: true }))
    const texts = ['', '']
    for (const { choices } of chunks) for (const { index, text } of choices) texts[index] += text
    expect(texts).toEqual(['answer 0', 'answer 1'])
  })
})
