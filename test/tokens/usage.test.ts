import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUsageUnknown, readUsage, usageOf } from '../../src/tokens/usage.js'
import { runs } from '../support/runs.js'

const throwing = {
  get usage(): never {
    throw new Error('no usage here')
  },
  get prompt_tokens(): never {
    throw new Error('no tokens here')
  },
}

describe('readUsage', () => {
  it.each([
    [
      'the usage of a chat',
      { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
      { inputTokens: 9, outputTokens: 12 },
    ],
    [
      'the thinking tokens of a chat',
      { prompt_tokens: 9, completion_tokens: 12, completion_tokens_details: { reasoning_tokens: 8 } },
      { inputTokens: 9, outputTokens: 12, thinkingTokens: 8 },
    ],
    [
      'a chat with empty details',
      { prompt_tokens: 9, completion_tokens: 12, completion_tokens_details: null, prompt_tokens_details: {} },
      { inputTokens: 9, outputTokens: 12 },
    ],
    [
      'the usage of a response',
      { input_tokens: 36, output_tokens: 87, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 123 },
      { inputTokens: 36, outputTokens: 87, thinkingTokens: 0 },
    ],
    ['the usage of embeddings', { prompt_tokens: 8, total_tokens: 8 }, { inputTokens: 8, outputTokens: 0 }],
    ['a total alone as input', { total_tokens: 8 }, { inputTokens: 8, outputTokens: 0 }],
    ['the usage of native DashScope', { input_tokens: 5, output_tokens: 7 }, { inputTokens: 5, outputTokens: 7 }],
    ['our own usage', { inputTokens: 5, outputTokens: 7 }, { inputTokens: 5, outputTokens: 7 }],
    [
      'our own usage with thinking',
      { inputTokens: 5, outputTokens: 7, thinkingTokens: 3 },
      { inputTokens: 5, outputTokens: 7, thinkingTokens: 3 },
    ],
    [
      'of Vercel’s AI SDK',
      {
        inputTokens: 5,
        inputTokenDetails: { noCacheTokens: 5, cacheReadTokens: undefined, cacheWriteTokens: undefined },
        outputTokens: 7,
        outputTokenDetails: { textTokens: 4, reasoningTokens: 3 },
        totalTokens: 12,
      },
      { inputTokens: 5, outputTokens: 7, thinkingTokens: 3 },
    ],
    [
      'of Vercel’s AI SDK, a part not told',
      { inputTokens: 5, outputTokens: undefined, totalTokens: 12 },
      { inputTokens: 5, outputTokens: 7 },
    ],
    ['of an embedding of Vercel’s AI SDK', { tokens: 8 }, { inputTokens: 8, outputTokens: 0 }],
    ['fractions', { inputTokens: 0.2, outputTokens: 7.5 }, { inputTokens: 1, outputTokens: 8 }],
    [
      'more thinking than output, cut to the output',
      { prompt_tokens: 1, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: 5 } },
      { inputTokens: 1, outputTokens: 2, thinkingTokens: 2 },
    ],
    [
      'a usage with unusable details',
      { prompt_tokens: 1, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: NaN } },
      { inputTokens: 1, outputTokens: 2 },
    ],
  ])('reads %s', (_, usage, expected) => {
    expect(readUsage(usage)).toStrictEqual(expected)
  })

  it.each([
    [undefined],
    [null],
    [3],
    ['usage'],
    [{}],
    [[]],
    [{ prompt_tokens: NaN, completion_tokens: 2 }],
    [{ prompt_tokens: -1, completion_tokens: 2 }],
    [{ prompt_tokens: '9', completion_tokens: '12' }],
    [{ prompt_tokens: 9, completion_tokens: Infinity }],
    [{ prompt_tokens: 9 }],
    [{ completion_tokens: 9 }],
  ])('returns undefined for %o', (usage) => {
    expect(readUsage(usage)).toBeUndefined()
  })

  it('never throws, and returns integers ≥ 0', () => {
    expect(readUsage(throwing)).toBeUndefined()
    const counts = fc.record(
      {
        prompt_tokens: fc.anything(),
        completion_tokens: fc.oneof(fc.double(), fc.integer()),
        input_tokens: fc.oneof(fc.double(), fc.integer()),
        output_tokens: fc.anything(),
        total_tokens: fc.oneof(fc.double(), fc.integer()),
        completion_tokens_details: fc.anything(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.anything(), counts), (value) => {
        for (const tokens of Object.values(readUsage(value) ?? {})) {
          expect(Number.isInteger(tokens) && tokens >= 0).toBe(true)
        }
      }),
      runs(),
    )
  })
})

describe('isUsageUnknown', () => {
  it.each([
    [{ inputTokens: undefined, outputTokens: undefined, totalTokens: undefined }, true],
    [{ inputTokens: 5, outputTokens: undefined, totalTokens: undefined }, true],
    [{ prompt_tokens: 5, completion_tokens: null }, true],
    [{ inputTokens: undefined, outputTokens: '7' }, false],
    [{ inputTokens: 5, outputTokens: 7 }, false],
    [{ inputTokens: -1, outputTokens: 7 }, false],
    [{ inputToken: undefined }, false],
    [{}, false],
    [null, false],
    ['usage', false],
  ])('%o: %s', (usage, expected) => {
    expect(isUsageUnknown(usage)).toBe(expected)
  })

  it('never throws', () => {
    expect(isUsageUnknown(throwing)).toBe(false)
  })
})

describe('usageOf', () => {
  it('reads the property `usage` of a value', () => {
    expect(usageOf({ id: 'x', usage: { prompt_tokens: 9, completion_tokens: 12 } })).toStrictEqual({
      inputTokens: 9,
      outputTokens: 12,
    })
  })

  it.each([[undefined], [null], ['text'], [{}], [{ usage: null }], [{ prompt_tokens: 1, total_tokens: 1 }]])(
    'returns undefined for %o',
    (result) => {
      expect(usageOf(result)).toBeUndefined()
    },
  )

  it('does not call a getter, since that may start to read the answer', () => {
    let reads = 0
    const usage = (): object => {
      reads++
      return { inputTokens: 1, outputTokens: 1 }
    }
    class Streamed {
      get usage() {
        return usage()
      }
    }
    for (const result of [new Streamed(), Object.defineProperty({}, 'usage', { get: usage })]) {
      expect(usageOf(result)).toBeUndefined()
    }
    expect(reads).toBe(0)
  })

  it('never throws', () => {
    expect(usageOf(throwing)).toBeUndefined()
    expect(usageOf({ usage: throwing })).toBeUndefined()
    fc.assert(
      fc.property(fc.anything(), (value) => void usageOf(value)),
      runs(),
    )
  })
})

it('readUsage returns undefined for counts that no answer can have', () => {
  expect(readUsage({ inputTokens: 1e12, outputTokens: 0 })).toBeUndefined()
  expect(readUsage({ prompt_tokens: 5, completion_tokens: 1e9 })).toBeUndefined()
  expect(readUsage({ prompt_tokens: 1e8, completion_tokens: 0 })).toEqual({ inputTokens: 1e8, outputTokens: 0 })
})

it.each([{ tokens: Number.NaN }, { inputTokens: 5, outputTokens: undefined }, { total_tokens: null }])(
  'isUsageUnknown knows the usage of a provider that reports none: %j',
  (usage) => {
    expect(isUsageUnknown(usage)).toBe(true)
    expect(readUsage(usage)).toBeUndefined()
  },
)

it.each([{ inputTokens: 1, outputTokens: Number.NaN }, { tokens: 'many' }, {}, 5])(
  'isUsageUnknown takes no other value for an unreported usage: %j',
  (value) => {
    expect(isUsageUnknown(value)).toBe(false)
  },
)
