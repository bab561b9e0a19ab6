import { estimateBody } from '../../tokens/body-estimate.js'
import { DEFAULT_OUTPUT_TOKENS } from '../../tokens/output-estimator.js'
import type { Tokenizer } from '../../tokens/text-tokens.js'
import type { Route } from '../../types.js'

/**
 * The source of an expected output. `'given'`: the caller's option. `'max_tokens'`: the request's own cap. `'default'`: the
 * limiter's initial expectation for a model. `'none'`: embeddings have no output.
 */
export type OutputBasis = 'given' | 'max_tokens' | 'default' | 'none'

/** The expected use of one request. All numbers are integers ≥ 0. */
export interface PlannedRequest {
  /** The model in the request, or undefined if it has none. */
  readonly model: string | undefined
  readonly inputTokens: number
  /** Output tokens of all answers of the request, including thinking. */
  readonly outputTokens: number
  readonly outputBasis: OutputBasis
  /** Whether the answer includes thinking, which some models price differently. */
  readonly thinks: boolean
}

export interface ExpectOptions {
  /** The kind of endpoint. @default derived from the fields of the body */
  readonly route?: Route | undefined
  /** The model for a request without one. It also decides how images are counted. */
  readonly model?: string | undefined
  /**
   * The output tokens of one answer. A number, or `'expected'` for the limiter's initial 256; both are capped at `max_tokens`.
   * `'max'` means `max_tokens` where the request sets it.
   * @default 'expected'
   */
  readonly outputTokens?: number | 'max' | 'expected' | undefined
  /** Counts the tokens of a text exactly. @default a heuristic by character class */
  readonly tokenizer?: Tokenizer | undefined
}

/** Returns the expected use of a request with this JSON body. A malformed body counts as 0 tokens, because the service rejects it. */
export function expectRequest(body: unknown, options: ExpectOptions = {}): PlannedRequest {
  const fields = fieldsOf(body)
  const own = typeof fields['model'] === 'string' && fields['model'] !== '' ? fields['model'] : undefined
  const model = own ?? options.model
  const route = options.route ?? routeOf(fields, model)
  const estimate = estimateBody(route, body, options.model ?? model ?? '', options.tokenizer)
  const { tokens, basis } = outputOf(route, estimate.maxOutputTokens, options.outputTokens ?? 'expected')
  return {
    model,
    inputTokens: estimate.inputTokens,
    outputTokens: tokens * estimate.choices,
    outputBasis: basis,
    thinks: fields['enable_thinking'] === true,
  }
}

function outputOf(
  route: Route,
  cap: number | undefined,
  asked: number | 'max' | 'expected',
): { tokens: number; basis: OutputBasis } {
  if (route === 'embeddings') return { tokens: 0, basis: 'none' }
  if (asked === 'max' && cap !== undefined) return { tokens: cap, basis: 'max_tokens' }
  const tokens = typeof asked === 'number' ? Math.ceil(asked) : DEFAULT_OUTPUT_TOKENS
  if (cap !== undefined && cap < tokens) return { tokens: cap, basis: 'max_tokens' }
  return { tokens, basis: typeof asked === 'number' ? 'given' : 'default' }
}

/** Derives the endpoint. Chats have messages, completions have a prompt, embeddings and responses have an input. */
function routeOf(body: Fields, model: string | undefined): Route {
  if (body['messages'] !== undefined) return 'chat'
  if (body['prompt'] !== undefined) return 'completions'
  if (body['input'] === undefined) return 'chat'
  return /embedding/i.test(model ?? '') ? 'embeddings' : 'responses'
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
