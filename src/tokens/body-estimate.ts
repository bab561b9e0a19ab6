import type { Route } from '../types.js'
import { imageTokens } from './image-tokens.js'
import { countTokens, type Tokenizer } from './text-tokens.js'

/** The estimated size of a request, read from its body. All values are integers. */
export interface BodyEstimate {
  readonly inputTokens: number
  /** The most output tokens of one choice; undefined if the body sets no cap. */
  readonly maxOutputTokens: number | undefined
  /** How many answers the service writes, each with up to `maxOutputTokens`; at least 1. */
  readonly choices: number
}

/**
 * Tokens that Qwen's chat template adds around each message, and once around the chat.
 *
 * Measured with the public Qwen3 vocabulary: a chat of one message costs about 10 tokens beyond its text. Larger:
 * requests reserve more than they use. Smaller: they use more than they reserve, which may cause 429s.
 */
const MESSAGE_TOKENS = 5
const CHAT_TOKENS = 5
/**
 * Tokens of the instructions that Qwen's chat template adds to a request with tools. Read from the public template;
 * other models' instructions differ. Larger or smaller: as for {@link MESSAGE_TOKENS}.
 */
const TOOLS_TOKENS = 90
/**
 * Tokens that Qwen's chat template adds around each call of a tool. Read from the public template. Larger or smaller:
 * as for {@link MESSAGE_TOKENS}.
 */
const TOOL_CALL_TOKENS = 17

/**
 * Tokens and bytes of a second of audio. Qwen's audio models count 25 tokens a second. The bytes are derived from
 * speech at 16 kHz and 16 bits, and half of that for compressed formats, which is chosen. Larger byte rates, or fewer
 * tokens a second: requests use more than they reserve. Otherwise: they reserve more than they use.
 */
const AUDIO_TOKENS_PER_SECOND = 25
const WAV_BYTES_PER_SECOND = 32_000
const COMPRESSED_BYTES_PER_SECOND = 16_000
/**
 * Tokens of audio whose length the request does not contain, such as a URL: half a minute. Chosen; the settlement
 * corrects it. Larger: quota idles meanwhile. Smaller: 429s become possible.
 */
const DEFAULT_AUDIO_TOKENS = 30 * AUDIO_TOKENS_PER_SECOND
/**
 * Frames of a video that is given by its URL. Each has the default image size, and Qwen counts two frames as one image.
 * Chosen; the settlement corrects it. Larger or smaller: as for {@link DEFAULT_AUDIO_TOKENS}.
 */
const DEFAULT_VIDEO_FRAMES = 16

/**
 * The estimated size of a request from its JSON `body`. Missing or malformed fields count nothing, since the service
 * itself refuses the request. It takes time linear in the length of the body.
 *
 * @param tokenizer - counts texts exactly; left out: {@link countTokens} estimates them
 * @throws InvalidRequest if `tokenizer` fails; never because of the body
 */
export function estimateBody(route: Route, body: unknown, model: string, tokenizer?: Tokenizer): BodyEstimate {
  const fields = fieldsOf(body)
  const counter = new Counter(model, tokenizer)
  switch (route) {
    case 'chat':
      return {
        inputTokens: counter.chat(fields),
        maxOutputTokens: largest(tokenCap(fields['max_tokens']), tokenCap(fields['max_completion_tokens'])),
        choices: choiceCount(fields['n']),
      }
    case 'completions':
      return {
        inputTokens: counter.prompt(fields['prompt']) + counter.text(fields['suffix']),
        maxOutputTokens: largest(tokenCap(fields['max_tokens']), tokenCap(fields['max_completion_tokens'])),
        choices: promptCount(fields['prompt']) * Math.max(choiceCount(fields['n']), choiceCount(fields['best_of'])),
      }
    case 'embeddings':
      return { inputTokens: counter.prompt(fields['input']), maxOutputTokens: 0, choices: 1 }
    case 'responses':
      return {
        inputTokens: counter.responses(fields),
        maxOutputTokens: tokenCap(fields['max_output_tokens']),
        choices: 1,
      }
  }
}

type Fields = Readonly<Record<string, unknown>>

class Counter {
  private readonly model: string
  private readonly tokenizer: Tokenizer | undefined

  constructor(model: string, tokenizer: Tokenizer | undefined) {
    this.model = model
    this.tokenizer = tokenizer
  }

  chat(body: Fields): number {
    let tokens = this.tools(body['tools']) + this.tools(body['functions'])
    tokens += this.json(fieldsOf(body['response_format'])['json_schema'])
    const messages = listOf(body['messages'])
    if (messages.length > 0) tokens += CHAT_TOKENS
    for (const message of messages) tokens += this.message(fieldsOf(message))
    return tokens
  }

  responses(body: Fields): number {
    const { input } = body
    let tokens = this.tools(body['tools']) + this.json(fieldsOf(fieldsOf(body['text'])['format'])['schema'])
    if (typeof body['instructions'] === 'string') tokens += MESSAGE_TOKENS + this.text(body['instructions'])
    if (typeof input === 'string') return tokens + CHAT_TOKENS + MESSAGE_TOKENS + this.text(input)
    const items = listOf(input)
    if (items.length > 0) tokens += CHAT_TOKENS
    for (const item of items) tokens += this.message(fieldsOf(item))
    return tokens
  }

  /**
   * The tokens of a prompt or an input for embeddings: a text, a list of texts, a list of tokens, or a list of token
   * lists.
   */
  prompt(value: unknown): number {
    if (typeof value === 'string') return this.text(value)
    let tokens = 0
    for (const item of listOf(value)) {
      if (typeof item === 'number') tokens += 1
      else tokens += Array.isArray(item) ? item.length : this.text(item)
    }
    return tokens
  }

  /** The tokens of a text; 0 for any other value. */
  text(value: unknown): number {
    return typeof value === 'string' && value !== '' ? countTokens(value, this.tokenizer) : 0
  }

  /**
   * The tokens of a message of a chat, or of an item of a response's input. An item is a message, a call of a tool, its
   * result, or reasoning.
   */
  private message(message: Fields): number {
    let tokens = MESSAGE_TOKENS + this.content(message['content']) + this.text(message['name'])
    tokens += this.text(message['reasoning_content']) + this.text(message['refusal'])
    for (const call of listOf(message['tool_calls'])) tokens += this.call(fieldsOf(fieldsOf(call)['function']))
    if (isFields(message['function_call'])) tokens += this.call(message['function_call'])
    tokens += this.textOrJson(message['arguments']) + this.content(message['output'])
    return tokens + this.content(message['summary'])
  }

  private call(call: Fields): number {
    return TOOL_CALL_TOKENS + this.text(call['name']) + this.textOrJson(call['arguments'])
  }

  private content(content: unknown): number {
    if (typeof content === 'string') return this.text(content)
    let tokens = 0
    for (const part of listOf(content)) tokens += typeof part === 'string' ? this.text(part) : this.part(fieldsOf(part))
    return tokens
  }

  private part(part: Fields): number {
    const type = part['type']
    if (type === 'image_url' || type === 'input_image') return this.image(part['image_url'])
    if (type === 'input_audio') return audioTokens(fieldsOf(part['input_audio']))
    if (type === 'video') {
      let tokens = 0
      for (const frame of listOf(part['video'])) tokens += this.image(frame)
      return Math.ceil(tokens / 2)
    }
    if (type === 'video_url') return Math.ceil((DEFAULT_VIDEO_FRAMES * imageTokens('', this.model)) / 2)
    return this.text(part['text']) + this.text(part['refusal'])
  }

  private image(image: unknown): number {
    const url = typeof image === 'string' ? image : fieldsOf(image)['url']
    return imageTokens(typeof url === 'string' ? url : '', this.model)
  }

  private tools(tools: unknown): number {
    return listOf(tools).length > 0 ? TOOLS_TOKENS + this.json(tools) : 0
  }

  private textOrJson(value: unknown): number {
    return typeof value === 'string' ? this.text(value) : this.json(value)
  }

  /** The tokens of a value as JSON, which is how the template writes it into the prompt. */
  private json(value: unknown): number {
    return isFields(value) ? this.text(serialised(value)) : 0
  }
}

/** The value as JSON; undefined if JSON cannot hold it or it is nested too deep. */
function serialised(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function audioTokens(audio: Fields): number {
  const { data, format } = audio
  if (typeof data !== 'string' || /^https?:/i.test(data)) return DEFAULT_AUDIO_TOKENS
  const bytes = (data.length * 3) / 4
  const bytesPerSecond = format === 'wav' ? WAV_BYTES_PER_SECOND : COMPRESSED_BYTES_PER_SECOND
  return Math.ceil((bytes / bytesPerSecond) * AUDIO_TOKENS_PER_SECOND)
}

/** How many prompts are completed: a list of texts or of token lists holds several, a list of tokens is one. */
function promptCount(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(1, prompt.length) : 1
}

/**
 * The most choices of a request that count. A larger `n` counts as 1, so that the request is sent and the service
 * refuses it. Chosen, far above what services accept. Larger: the limiter itself rejects an absurd `n` as too large.
 * Smaller: a legal `n` could be missed.
 */
const MAX_CHOICES = 10_000

function choiceCount(value: unknown): number {
  return typeof value === 'number' && value >= 1 && value <= MAX_CHOICES ? Math.ceil(value) : 1
}

function tokenCap(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Infinity ? Math.ceil(value) : undefined
}

/** The larger cap: if both are set, services differ in which one they apply. */
function largest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.max(a, b)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
