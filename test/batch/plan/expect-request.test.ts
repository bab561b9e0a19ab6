import { describe, expect, test } from 'vitest'
import { expectRequest } from '../../../src/batch/plan/expect-request.js'
import { estimateBody } from '../../../src/tokens/body-estimate.js'

const chat = (more: object = {}) => ({
  model: 'qwen-plus',
  messages: [{ role: 'user', content: 'Hello there' }],
  ...more,
})

describe('expectRequest', () => {
  test('counts the input as the limiter does', () => {
    const { inputTokens } = estimateBody('chat', chat(), 'qwen-plus')
    expect(expectRequest(chat())).toEqual({
      model: 'qwen-plus',
      inputTokens,
      outputTokens: 256,
      outputBasis: 'default',
      thinks: false,
    })
    expect(inputTokens).toBeGreaterThan(5)
  })

  test.each([
    [{ max_tokens: 100 }, undefined, 100, 'max_tokens'],
    [{ max_tokens: 4096 }, undefined, 256, 'default'],
    [{ max_tokens: 4096 }, 'max', 4096, 'max_tokens'],
    [{}, 'max', 256, 'default'],
    [{}, 'expected', 256, 'default'],
    [{ max_tokens: 100 }, 80, 80, 'given'],
    [{ max_tokens: 100 }, 100.2, 100, 'max_tokens'],
    [{}, 79.5, 80, 'given'],
    [{ n: 3, max_tokens: 100 }, 80, 240, 'given'],
  ] as const)('of %j with %j expects %i by %s', (more, outputTokens, tokens, basis) => {
    expect(expectRequest(chat(more), { outputTokens })).toMatchObject({ outputTokens: tokens, outputBasis: basis })
  })

  test('knows the routes by their bodies', () => {
    const embedding = { model: 'text-embedding-v4', input: ['some text', 'more'] }
    expect(expectRequest(embedding)).toMatchObject({ outputTokens: 0, outputBasis: 'none' })
    expect(expectRequest({ model: 'm', input: 'some text' })).toMatchObject({ outputTokens: 256 })
    expect(expectRequest({ model: 'm', input: 'x' }, { route: 'embeddings' })).toMatchObject({ outputTokens: 0 })
    expect(expectRequest({ model: 'm', prompt: ['a', 'b'] })).toMatchObject({ outputTokens: 512 })
  })

  test('sees that an answer will think', () => {
    expect(expectRequest(chat({ enable_thinking: true })).thinks).toBe(true)
  })

  test('gives a model to what names none', () => {
    expect(expectRequest(chat(), { model: 'other' }).model).toBe('qwen-plus')
    expect(expectRequest({ messages: [] }, { model: 'other' }).model).toBe('other')
    expect(expectRequest({ model: '', messages: [] }).model).toBeUndefined()
  })

  test.each([null, 5, 'text', []])('takes %j for nothing', (body) => {
    expect(expectRequest(body)).toMatchObject({ model: undefined, inputTokens: 0 })
  })
})
