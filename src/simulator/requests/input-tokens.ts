import { InvalidRequest } from '../../errors.js'
import { isObject, isTokenList, optionalInteger } from './fields.js'
import type { Fields } from './fields.js'

/** The settings by which request bodies are read. */
export interface ParseRules {
  readonly countTokens: (text: string) => number
  /** The tokens of each image. */
  readonly imageTokens: number
  /** The largest `n` of a request. */
  readonly maxChoices: number
  /** The most texts of an embeddings request, and the most tokens of each text. Infinity for no limit. */
  readonly embeddingLimits: { readonly texts: number; readonly tokens: number }
  /** Whether a model thinks if the request does not say so. */
  readonly thinks: (model: string) => boolean
}

/**
 * The tokens of the frame around the messages of a chat.
 *
 * Measured: a one-turn chat in the service's template has about 10 tokens more than its text. The simulator uses the
 * same number for every chat, which is a guess. Another number shifts the input tokens of all chats, in usage and in
 * limits.
 */
const CHAT_FRAME_TOKENS = 10
/**
 * The longest vector that a request may ask for.
 *
 * Chosen, above the dimensions of known embedding models. Larger: one request could make the simulator allocate much
 * memory. Smaller: a valid request would be refused.
 */
const MAX_DIMENSIONS = 8192

type CountInput = (body: Fields, rules: ParseRules) => number

/** Counts the input tokens of a request, by endpoint. @throws InvalidRequest for a body that the service refuses */
export const inputTokensOf = {
  chat: (body, rules) => {
    const { countTokens } = rules
    const { messages, tools } = body
    if (!Array.isArray(messages)) throw new InvalidRequest("'messages' is required and must be an array")
    if (messages.length === 0) throw new InvalidRequest("[] is too short - 'messages'")
    let tokens = CHAT_FRAME_TOKENS
    for (const message of messages as unknown[]) {
      if (!isObject(message) || typeof message['role'] !== 'string') {
        throw new InvalidRequest("each of 'messages' must be an object with a role")
      }
      tokens += contentTokens(message['content'], rules)
      if (message['tool_calls'] !== undefined) tokens += countTokens(JSON.stringify(message['tool_calls']))
    }
    return tokens + toolTokens(tools, countTokens)
  },
  completions: (body, { countTokens }) =>
    promptsOf(body).reduce<number>(
      (sum, prompt) => sum + (typeof prompt === 'string' ? countTokens(prompt) : prompt.length),
      0,
    ),
  embeddings: (body, { countTokens, embeddingLimits }) => {
    if ((optionalInteger(body, 'dimensions') ?? 1) > MAX_DIMENSIONS) {
      throw new InvalidRequest(`Range of dimensions should be [1, ${MAX_DIMENSIONS}]`)
    }
    const { input } = body
    const texts = textsToEmbed(body)
    const lengths = texts.map((text, i) => {
      const item: unknown = isTokenList(input) ? input : Array.isArray(input) ? input[i] : text
      return isTokenList(item) ? item.length : countTokens(text)
    })
    if (lengths.length > embeddingLimits.texts) {
      throw new InvalidRequest(
        `batch size is invalid, it should not be larger than ${embeddingLimits.texts}.: input.contents`,
      )
    }
    if (texts.includes('') || lengths.some((length) => length > embeddingLimits.tokens)) {
      throw new InvalidRequest(`Range of input length should be [1, ${embeddingLimits.tokens}]`)
    }
    return lengths.reduce((sum, length) => sum + length, 0)
  },
  responses: (body, rules) => {
    const { countTokens } = rules
    const { input, instructions, tools } = body
    let tokens = CHAT_FRAME_TOKENS + (typeof instructions === 'string' ? countTokens(instructions) : 0)
    if (typeof input === 'string') tokens += countTokens(input)
    else if (!Array.isArray(input) || input.length === 0) {
      throw new InvalidRequest("'input' is required and must be a string or an array of items")
    } else {
      for (const item of input as unknown[]) {
        if (!isObject(item)) throw new InvalidRequest("each of 'input' must be an object")
        tokens += contentTokens(item['content'], rules) + contentTokens(item['output'], rules)
        if (typeof item['arguments'] === 'string') tokens += countTokens(item['arguments'])
      }
    }
    return tokens + toolTokens(tools, countTokens)
  },
} satisfies Record<string, CountInput>

/** The prompts of a text completion: strings, or lists of token numbers. @throws InvalidRequest */
export function promptsOf({ prompt }: Fields): (string | number[])[] {
  if (typeof prompt === 'string' || isTokenList(prompt)) return [prompt]
  if (Array.isArray(prompt) && prompt.length > 0) {
    const list = prompt as unknown[]
    if (list.every((item) => typeof item === 'string' || isTokenList(item))) return list as (string | number[])[]
  }
  throw new InvalidRequest("'prompt' is required and must be a string or an array of strings")
}

/** The texts to embed. A list of token numbers becomes one text. @throws InvalidRequest */
export function textsToEmbed({ input }: Fields): string[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0)
    throw new InvalidRequest("'input' must be a string or an array of strings")
  if (isTokenList(input)) return [input.join(' ')]
  return input.map((item: unknown) => {
    if (typeof item === 'string') return item
    if (isTokenList(item)) return item.join(' ')
    throw new InvalidRequest("'input' must be a string or an array of strings")
  })
}

/** The tokens of a message's content: a string, or a list of parts. Text parts and images count. */
function contentTokens(content: unknown, { countTokens, imageTokens }: ParseRules): number {
  if (typeof content === 'string') return countTokens(content)
  if (content === null || content === undefined) return 0
  if (!Array.isArray(content)) throw new InvalidRequest("'content' must be a string or an array of parts")
  let tokens = 0
  for (const part of content as unknown[]) {
    if (!isObject(part)) continue
    if (part['type'] === 'image_url' || part['type'] === 'input_image') tokens += imageTokens
    else if (typeof part['text'] === 'string') tokens += countTokens(part['text'])
  }
  return tokens
}

function toolTokens(tools: unknown, countTokens: (text: string) => number): number {
  return tools === undefined || tools === null ? 0 : countTokens(JSON.stringify(tools))
}
