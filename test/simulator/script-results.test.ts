import { describe, expect, it } from 'vitest'
import type { SimulatorOptions } from '../../src/simulator/index.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

/** A script that returns an untyped value, as a JavaScript program can. */
const returning =
  (value: unknown): (() => never) =>
  () =>
    value as never

describe('the result of a script', () => {
  it.each<[string, SimulatorOptions]>([
    [
      'answer must return a whole number of at least 0 as outputTokens, not -5',
      { answer: returning({ outputTokens: -5 }) },
    ],
    [
      'answer must return a whole number of at least 0 as outputTokens, not NaN',
      { answer: returning({ outputTokens: Number.NaN }) },
    ],
    [
      'answer must return a whole number of at least 0 as outputTokens, not Infinity',
      { answer: returning({ outputTokens: Infinity }) },
    ],
    ['answer must return a string as content, not 7', { answer: returning({ content: 7 }) }],
    ['answer must return a list of calls as toolCalls, not an object', { answer: returning({ toolCalls: {} }) }],
    ['answer must return a string or an object, not undefined', { answer: returning(undefined) }],
    ['answer must return a string or an object, not', { answer: returning(Promise.resolve('deep')) }],
    ['countTokens must return a number of at least 0, not NaN', { countTokens: returning(Number.NaN) }],
    ['countTokens must return a number of at least 0, not -1', { countTokens: returning(-1) }],
    ['countTokens must return a number of at least 0, not the text "8"', { countTokens: returning('8') }],
  ])('that is invalid causes a 500 with the message: %s', async (message, options) => {
    const { simulator, client } = await simulate({ ...options, limits: { [model]: { tpm: 1e6 } } })
    for (const stream of [false, true]) {
      const refusal = await refusalOf(client.chat.completions.create({ model, messages, stream }))
      expect([refusal.status, refusal.message]).toEqual([500, expect.stringContaining(`simulator option ${message}`)])
    }
    expect(simulator.ledger().entries.map(({ status, outputTokens }) => [status, outputTokens])).toEqual([
      [500, 0],
      [500, 0],
    ])
    expect(simulator.ledger().models[model]?.inFlight ?? 0).toBe(0)
  })

  it('that is a fraction of a token is rounded up', async () => {
    const { client } = await simulate({ countTokens: () => 0.25 })
    const { usage } = await client.chat.completions.create({ model, messages })
    expect(usage?.prompt_tokens).toBe(11)
  })

  it('may be 0 tokens', async () => {
    const { client } = await simulate({ countTokens: () => 0, answer: () => ({ outputTokens: 0 }) })
    const { usage } = await client.chat.completions.create({ model, messages })
    expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 0 })
  })
})
