import type OpenAI from 'openai'
import { describe, expectTypeOf, it } from 'vitest'
import type { Usage, UsageLike } from '../../src/index.js'
import type { Grant } from '../../src/index.js'

/** `LanguageModelUsage` of `ai` 6. */
interface LanguageModelUsage {
  inputTokens: number | undefined
  inputTokenDetails: {
    noCacheTokens: number | undefined
    cacheReadTokens: number | undefined
    cacheWriteTokens: number | undefined
  }
  outputTokens: number | undefined
  outputTokenDetails: { textTokens: number | undefined; reasoningTokens: number | undefined }
  totalTokens: number | undefined
  reasoningTokens?: number | undefined
  cachedInputTokens?: number | undefined
  raw?: Record<string, unknown>
}

/** `Usage` of `@anthropic-ai/sdk`, in part. */
interface AnthropicUsage {
  cache_creation_input_tokens: number | null
  cache_read_input_tokens: number | null
  input_tokens: number
  output_tokens: number
  service_tier: 'standard' | 'priority' | 'batch' | null
}

/** `usage_metadata` of `@langchain/core`. */
interface UsageMetadata {
  input_tokens: number
  output_tokens: number
  total_tokens: number
  input_token_details?: { cache_read?: number }
}

describe('grant.settle accepts usage', () => {
  it('of openai, from chat, text completions, the Responses API and embeddings', () => {
    expectTypeOf<OpenAI.CompletionUsage>().toExtend<UsageLike>()
    expectTypeOf<NonNullable<OpenAI.ChatCompletion['usage']>>().toExtend<UsageLike>()
    expectTypeOf<NonNullable<OpenAI.ChatCompletionChunk['usage']>>().toExtend<UsageLike>()
    expectTypeOf<OpenAI.Responses.ResponseUsage>().toExtend<UsageLike>()
    expectTypeOf<OpenAI.CreateEmbeddingResponse['usage']>().toExtend<UsageLike>()
  })

  it('of other SDKs, whose counts may be undefined', () => {
    expectTypeOf<LanguageModelUsage>().toExtend<UsageLike>()
    expectTypeOf<{ tokens: number }>().toExtend<UsageLike>()
    expectTypeOf<AnthropicUsage>().toExtend<UsageLike>()
    expectTypeOf<UsageMetadata>().toExtend<UsageLike>()
  })

  it('of type Usage', () => {
    expectTypeOf<Usage>().toExtend<UsageLike>()
  })

  it('written by hand, with details', () => {
    expectTypeOf<Grant['settle']>().toBeCallableWith({ inputTokens: 1, outputTokens: 2, thinkingTokens: 1 })
    expectTypeOf<Grant['settle']>().toBeCallableWith({ prompt_tokens: 1, completion_tokens: 2 })
    expectTypeOf<Grant['settle']>().toBeCallableWith({
      prompt_tokens: 1,
      completion_tokens: 2,
      total_tokens: 3,
      completion_tokens_details: { reasoning_tokens: 1 },
    })
    expectTypeOf<Grant['settle']>().toBeCallableWith({ prompt_tokens: 8, total_tokens: 8 })
  })
})

describe('grant.settle rejects usage', () => {
  const settle: Grant['settle'] = () => {}

  it('that is misspelt or incomplete, and values that are not usage', () => {
    // @ts-expect-error: it is inputTokens, and outputTokens is missing
    settle({ inputToken: 3 })
    // @ts-expect-error: outputTokens is missing
    settle({ inputTokens: 3 })
    // @ts-expect-error: the output is missing
    settle({ prompt_tokens: 3 })
    // @ts-expect-error: it is outputTokens
    settle({ inputTokens: 3, outputToken: 5 })
    // @ts-expect-error: empty
    settle({})
    // @ts-expect-error: a string is not a count
    settle({ inputTokens: '3', outputTokens: '5' })
    // @ts-expect-error: a number is not usage
    settle(8)
    expectTypeOf<object>().not.toExtend<UsageLike>()
    expectTypeOf<OpenAI.ChatCompletion>().not.toExtend<UsageLike>()
    expectTypeOf<OpenAI.ChatCompletionChunk['usage']>().not.toExtend<UsageLike>()
  })
})
