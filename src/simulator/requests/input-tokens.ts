import { InvalidRequest } from '../../errors.js'
import { isObject, isTokenList, optionalInteger } from './fields.js'
import type { Fields } from './fields.js'

/** What the endpoints need to know to read a body. */
export interface ParseRules {
  readonly countTokens: (text: string) => number
  /** What each image counts. */
  readonly imageTokens: number
  /** The most answers of one request. */
  readonly maxChoices: number
  /** The most texts of one request for embeddings, and the most tokens of each; Infinity for no limit. */
  readonly embeddingLimits: { readonly texts: number; readonly tokens: number }
  /** Whether the model thinks where a request does not say. */
  readonly thinks: (model: string) => boolean
}

/** Tokens of the frame around the messages of a chat, a guess: about what was measured of the vendor's chat template. */
const CHAT_FRAME_TOKENS = 10
const MAX_DIMENSIONS = 8192

type CountInput = (body: Fields, rules: ParseRules) => number

/** Counts the input of each endpoint's requests, and refuses what cannot be read. */
export const inputTokensOf = {
  chat: (body, rules) => {
    const { countTokens } = rules
    const { messages, tools } = body
    if (!Array.isArray(messages)) throw new InvalidRequest("'messages' is required and must be a list")
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
      throw new InvalidRequest("'input' is required and must be a text or a list of items")
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

/** The prompts of a text completion: texts, or lists of token numbers. */
export function promptsOf({ prompt }: Fields): (string | number[])[] {
  if (typeof prompt === 'string' || isTokenList(prompt)) return [prompt]
  if (Array.isArray(prompt) && prompt.length > 0) {
    const list = prompt as unknown[]
    if (list.every((item) => typeof item === 'string' || isTokenList(item))) return list as (string | number[])[]
  }
  throw new InvalidRequest("'prompt' is required and must be a text or a list of texts")
}

/** The texts to embed, one an entry; a list of token numbers is written out. */
export function textsToEmbed({ input }: Fields): string[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) throw new InvalidRequest("'input' must be a text or a list of texts")
  if (isTokenList(input)) return [input.join(' ')]
  return input.map((item: unknown) => {
    if (typeof item === 'string') return item
    if (isTokenList(item)) return item.join(' ')
    throw new InvalidRequest("'input' must be a text or a list of texts")
  })
}

/** The tokens of a message's content: a text, or a list of parts of which those with a text count, and images. */
function contentTokens(content: unknown, { countTokens, imageTokens }: ParseRules): number {
  if (typeof content === 'string') return countTokens(content)
  if (content === null || content === undefined) return 0
  if (!Array.isArray(content)) throw new InvalidRequest("'content' must be a text or a list of parts")
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
