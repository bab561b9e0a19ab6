import type { IncomingHttpHeaders } from 'node:http'
import { InvalidRequest } from '../errors.js'

/** The endpoints that are metered. */
export type SimulatedRoute = 'chat' | 'completions' | 'embeddings'

/** A request as the simulator understood it. */
export interface SimulatedRequest {
  /** The request id, as the headers of its answer give it. */
  readonly id: string
  /** The number of the request since the simulator's start, in the order of arrival; the first is 1. */
  readonly n: number
  readonly route: SimulatedRoute
  readonly model: string
  readonly stream: boolean
  /** Whether the stream is to end with its usage. */
  readonly includeUsage: boolean
  /** `max_completion_tokens`, else `max_tokens`. */
  readonly maxTokens: number | undefined
  readonly inputTokens: number
  /** The key that it came with. */
  readonly apiKey: string | undefined
  readonly headers: IncomingHttpHeaders
  /** The body, parsed. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What a body says, apart from who sent it. */
export type ParsedBody = Omit<SimulatedRequest, 'id' | 'n' | 'apiKey' | 'headers'>

/** Tokens of the frame around the messages of a chat; about what the vendor's chat template adds. */
const CHAT_FRAME_TOKENS = 10
const MAX_DIMENSIONS = 8192

/**
 * Reads a request's body.
 *
 * @throws InvalidRequest where the service would answer 400; the message is the one to answer with.
 */
export function parseBody(route: SimulatedRoute, text: string, countTokens: (text: string) => number): ParsedBody {
  const body = parseObject(text)
  const { model } = body
  if (typeof model !== 'string' || model === '') throw new InvalidRequest('you must provide a model parameter')
  const stream = optionalBoolean(body, 'stream') && route !== 'embeddings'
  const inputTokens = inputOf[route](body, countTokens)
  const choices = optionalInteger(body, 'n')
  if (choices !== undefined && choices > 1) throw new InvalidRequest('Range of n should be [1, 1]')
  return {
    route,
    model,
    stream,
    includeUsage: stream && isObject(body['stream_options']) && body['stream_options']['include_usage'] === true,
    maxTokens: optionalInteger(body, 'max_completion_tokens') ?? optionalInteger(body, 'max_tokens'),
    inputTokens,
    body,
  }
}

/** The texts to embed, one an entry; a list of token numbers is written out. */
export function textsToEmbed(body: Readonly<Record<string, unknown>>): string[] {
  const { input } = body
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) throw new InvalidRequest("'input' must be a text or a list of texts")
  if (input.every((item) => typeof item === 'number')) return [input.join(' ')]
  return input.map((item: unknown) => {
    if (typeof item === 'string') return item
    if (isTokenList(item)) return item.join(' ')
    throw new InvalidRequest("'input' must be a text or a list of texts")
  })
}

type CountInput = (body: Record<string, unknown>, countTokens: (text: string) => number) => number

const inputOf: Record<SimulatedRoute, CountInput> = {
  chat: (body, countTokens) => {
    const { messages, tools } = body
    if (!Array.isArray(messages)) throw new InvalidRequest("'messages' is required and must be a list")
    if (messages.length === 0) throw new InvalidRequest("[] is too short - 'messages'")
    let tokens = CHAT_FRAME_TOKENS
    for (const message of messages as unknown[]) {
      if (!isObject(message) || typeof message['role'] !== 'string') {
        throw new InvalidRequest("each of 'messages' must be an object with a role")
      }
      tokens += contentTokens(message['content'], countTokens)
    }
    return tools === undefined ? tokens : tokens + countTokens(JSON.stringify(tools))
  },
  completions: (body, countTokens) => {
    const prompt: unknown =
      Array.isArray(body['prompt']) && body['prompt'].length === 1 ? body['prompt'][0] : body['prompt']
    if (typeof prompt !== 'string') throw new InvalidRequest("'prompt' is required and must be one text")
    return countTokens(prompt)
  },
  embeddings: (body, countTokens) => {
    const { input } = body
    if ((optionalInteger(body, 'dimensions') ?? 1) > MAX_DIMENSIONS) {
      throw new InvalidRequest(`Range of dimensions should be [1, ${MAX_DIMENSIONS}]`)
    }
    if (isTokenList(input)) return input.length
    const texts = textsToEmbed(body)
    if (!Array.isArray(input)) return countTokens(texts[0] ?? '')
    return texts.reduce((sum, text, i) => {
      const item: unknown = input[i]
      return sum + (isTokenList(item) ? item.length : countTokens(text))
    }, 0)
  },
}

/** The tokens of a message's content: a text, or a list of parts of which those with a text count. */
function contentTokens(content: unknown, countTokens: (text: string) => number): number {
  if (typeof content === 'string') return countTokens(content)
  if (content === null || content === undefined) return 0
  if (!Array.isArray(content)) throw new InvalidRequest("'content' must be a text or a list of parts")
  let tokens = 0
  for (const part of content as unknown[]) {
    if (isObject(part) && typeof part['text'] === 'string') tokens += countTokens(part['text'])
  }
  return tokens
}

function parseObject(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new InvalidRequest('Required body invalid, please check the request body format.', { cause: error })
  }
  if (!isObject(body)) throw new InvalidRequest('Required body invalid, please check the request body format.')
  return body
}

function optionalBoolean(body: Record<string, unknown>, name: string): boolean {
  const value = body[name]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new InvalidRequest(`'${name}' must be a boolean`)
  return value
}

function optionalInteger(body: Record<string, unknown>, name: string): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new InvalidRequest(`Range of ${name} should be [1, 2147483647]`)
  }
  return value
}

function isTokenList(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
