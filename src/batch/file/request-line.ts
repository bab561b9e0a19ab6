import { isJsonObject, type JsonObject } from '../../json.js'
import type { Route } from '../../types.js'

/** A line that can be sent. */
export interface LineRequest {
  readonly line: number
  readonly customId: string
  /** The path below the service's base URL, such as `/chat/completions`. */
  readonly path: string
  readonly route: Route
  readonly model: string
  readonly body: Readonly<Record<string, unknown>>
  /** The body as JSON text. */
  readonly text: string
}

/** The reason why a line cannot be sent, with a code of the Batch API. */
export interface LineFault {
  readonly line: number
  readonly customId: string | null
  readonly code: string
  readonly message: string
}

export interface ReadOptions {
  /** The model for lines without a model. */
  readonly model?: string | undefined
}

const PATHS: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
  '/v1/embeddings': 'embeddings',
  '/v1/responses': 'responses',
}

/** The fields of a plain line that are sent. Other fields belong to the user's data set and are dropped. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  'enable_search',
  'enable_thinking',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'model',
  'n',
  'parallel_tool_calls',
  'presence_penalty',
  'reasoning_effort',
  'repetition_penalty',
  'response_format',
  'seed',
  'stop',
  'temperature',
  'thinking_budget',
  'tool_choice',
  'tools',
  'top_k',
  'top_logprobs',
  'top_p',
  'user',
])

/** Returns the request of a line of JSON, or its fault. */
export function readRequestText(text: string, line: number, options: ReadOptions): LineRequest | LineFault {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The engine's message quotes the line. A prompt must not appear in errors or logs.
    const at = /at position (\d+)/.exec((error as Error).message)?.[1]
    const where = at === undefined ? '' : `, at column ${Number(at) + 1}`
    return { line, customId: null, code: 'invalid_json_line', message: `it is not valid JSON${where}` }
  }
  return readRequest(value, line, options)
}

/**
 * Returns the request of a parsed line, or its fault. The line is a Batch API request `{ custom_id, method, url, body }`, or a
 * plain `{ prompt }` or `{ messages }` with optional chat parameters. The id of a plain line is its `custom_id`, else its `id`,
 * else `line-` and its number.
 */
export function readRequest(value: unknown, line: number, options: ReadOptions): LineRequest | LineFault {
  if (!isJsonObject(value)) {
    return { line, customId: null, code: 'invalid_json_line', message: 'it is no JSON object: { "custom_id": …, … }' }
  }
  const isPlain = value['body'] === undefined && (value['prompt'] !== undefined || value['messages'] !== undefined)
  return isPlain ? readPlain(value, line, options) : readBatch(value, line, options)
}

export function isFault(read: LineRequest | LineFault): read is LineFault {
  return 'code' in read
}

function readBatch(fields: JsonObject, line: number, options: ReadOptions): LineRequest | LineFault {
  const { custom_id: customId, method, url, body } = fields
  const fault = (code: string, message: string): LineFault => ({ line, customId: idOf(customId), code, message })
  const missing = (what: string): LineFault => fault('missing_required_parameter', `it has no ${what}`)
  if (idOf(customId) === null) return missing('custom_id, a text of its own')
  if (method !== undefined && method !== 'POST') return fault('invalid_method', `its method must be "POST"`)
  if (typeof url !== 'string') return missing(`url: there are ${Object.keys(PATHS).join(', ')}`)
  const route = Object.hasOwn(PATHS, url) ? PATHS[url] : undefined
  if (route === undefined) {
    return fault(
      'invalid_url',
      `its url is ${JSON.stringify(url.slice(0, 80))}: there are ${Object.keys(PATHS).join(', ')}`,
    )
  }
  if (!isJsonObject(body)) return missing('body, an object')
  return requestOf(body, { line, customId: customId as string, url, route }, fault, options)
}

function readPlain(fields: JsonObject, line: number, options: ReadOptions): LineRequest | LineFault {
  const { custom_id: customId, id, prompt, messages } = fields
  const name = plainIdOf(customId) ?? plainIdOf(id) ?? `line-${line}`
  const fault = (code: string, message: string): LineFault => ({ line, customId: name, code, message })
  if (messages === undefined && typeof prompt !== 'string') return fault('invalid_request', 'its prompt is no text')
  if (messages !== undefined && !Array.isArray(messages)) return fault('invalid_request', 'its messages are no array')
  const said = Object.fromEntries(Object.entries(fields).filter(([field]) => PLAIN_FIELDS.has(field)))
  const body = { ...said, messages: messages ?? [{ role: 'user', content: prompt }] }
  return requestOf(body, { line, customId: name, url: '/v1/chat/completions', route: 'chat' }, fault, options)
}

function requestOf(
  given: JsonObject,
  { line, customId, url, route }: { line: number; customId: string; url: string; route: Route },
  fault: (code: string, message: string) => LineFault,
  options: ReadOptions,
): LineRequest | LineFault {
  const body = given['model'] === undefined && options.model !== undefined ? { model: options.model, ...given } : given
  const model = body['model']
  if (typeof model !== 'string' || model === '') {
    return fault('missing_required_parameter', 'it names no model, and none was given for lines without one')
  }
  if (body['stream'] === true) {
    return fault('invalid_request', 'its body asks for a stream: a line of output holds a whole answer')
  }
  return { line, customId, path: url.slice('/v1'.length), route, model, body, text: JSON.stringify(body) }
}

function idOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Accepts text and exact integers. JSON rounds larger numbers, so two lines could get the same id. */
function plainIdOf(value: unknown): string | null {
  const isExact = typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return isExact ? String(value) : idOf(value)
}
