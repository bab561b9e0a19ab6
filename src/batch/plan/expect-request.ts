import { estimateBody } from '../../tokens/body-estimate.js'
import { DEFAULT_OUTPUT_TOKENS } from '../../tokens/output-estimator.js'
import type { Tokenizer } from '../../tokens/text-tokens.js'
import type { Route } from '../../types.js'

/**
 * What an expected output follows from: `'given'`: the caller said it; `'max_tokens'`: the request's own cap; `'default'`: what
 * is expected of a model that has not answered yet; `'none'`: embeddings.
 */
export type OutputBasis = 'given' | 'max_tokens' | 'default' | 'none'

/** A request as a plan counts it. All numbers are integers ≥ 0. */
export interface PlannedRequest {
  /** The model that it names; undefined where it names none. */
  readonly model: string | undefined
  readonly inputTokens: number
  /** Of all its answers, thinking included. */
  readonly outputTokens: number
  readonly outputBasis: OutputBasis
  /** Whether its answer thinks: some models have another price for that. */
  readonly thinks: boolean
}

export interface ExpectOptions {
  /** The kind of endpoint. @default by the fields of the body */
  readonly route?: Route | undefined
  /** The model whose way of counting images holds, and whose name the request gets where it has none. */
  readonly model?: string | undefined
  /**
   * The output tokens of one answer: a number, as far as `max_tokens` allows it; `'max'`: `max_tokens`, where it is set;
   * `'expected'`: what the limiter begins with, 256, as far as `max_tokens` allows it.
   * @default 'expected'
   */
  readonly outputTokens?: number | 'max' | 'expected' | undefined
  /** Counts the tokens of a text exactly, in place of the heuristic by classes of characters. */
  readonly tokenizer?: Tokenizer | undefined
}

/** What a request with this JSON body will use. A body that is malformed counts as nothing: the service answers for it. */
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

/** Chats have messages and completions a prompt; embeddings and responses both have an input. */
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
