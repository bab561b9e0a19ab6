import type { IncomingHttpHeaders } from 'node:http'
import { InvalidRequest } from '../../errors.js'
import type { Route } from '../../types.js'
import { isObject, optionalBoolean, optionalInteger, parseObject } from './fields.js'
import type { Fields } from './fields.js'
import { inputTokensOf, promptsOf } from './input-tokens.js'
import type { ParseRules } from './input-tokens.js'

/** The metered endpoints. */
export type SimulatedRoute = Route

/** A request as the simulator read it. */
export interface SimulatedRequest {
  /** The id of the request, which the headers of its response contain. */
  readonly id: string
  /** The number of the request since the simulator's start, in order of arrival, from 1. */
  readonly n: number
  readonly route: SimulatedRoute
  readonly model: string
  readonly stream: boolean
  /** Whether the stream reports usage at its end. */
  readonly includeUsage: boolean
  /** The value of `max_completion_tokens`, `max_tokens` or `max_output_tokens`. It bounds each answer. */
  readonly maxTokens: number | undefined
  /** How many answers it asks for: `n` for each of its prompts. */
  readonly choices: number
  /** Whether the model thinks before it answers. */
  readonly thinking: boolean
  /** The value of `thinking_budget`. */
  readonly thinkingBudget: number | undefined
  readonly inputTokens: number
  /** The API key. */
  readonly apiKey: string | undefined
  readonly headers: IncomingHttpHeaders
  /** The parsed body. */
  readonly body: Fields
}

/** A request without the properties that its headers decide. */
export type ParsedBody = Omit<SimulatedRequest, 'id' | 'n' | 'apiKey' | 'headers'>

/**
 * The request that a body contains. `model` replaces the body's own model.
 *
 * @throws InvalidRequest if the service would answer 400. Its message goes into the response.
 */
export function parseBody(route: SimulatedRoute, text: string, rules: ParseRules, model?: string): ParsedBody {
  return parseFields(route, parseObject(text), rules, model)
}

/** The request in a body that is already parsed. See {@link parseBody}. */
export function parseFields(route: SimulatedRoute, body: Fields, rules: ParseRules, named?: string): ParsedBody {
  const model: unknown = named ?? body['model']
  if (typeof model !== 'string' || model === '') throw new InvalidRequest('you must provide a model parameter')
  const stream = optionalBoolean(body, 'stream') === true && route !== 'embeddings'
  const inputTokens = inputTokensOf[route](body, rules)
  return {
    route,
    model,
    stream,
    includeUsage:
      route === 'responses' ||
      (stream && isObject(body['stream_options']) && body['stream_options']['include_usage'] === true),
    maxTokens: maxTokensOf(route, body),
    choices: choicesOf(route, body, rules.maxChoices),
    thinking: thinkingOf(route, body, model, rules),
    thinkingBudget: optionalInteger(body, 'thinking_budget'),
    inputTokens,
    body,
  }
}

function maxTokensOf(route: SimulatedRoute, body: Fields): number | undefined {
  if (route === 'responses') return optionalInteger(body, 'max_output_tokens')
  return optionalInteger(body, 'max_completion_tokens') ?? optionalInteger(body, 'max_tokens')
}

function choicesOf(route: SimulatedRoute, body: Fields, maxChoices: number): number {
  if (route === 'responses' || route === 'embeddings') return 1
  const n = optionalInteger(body, 'n', maxChoices) ?? 1
  return route === 'completions' ? n * promptsOf(body).length : n
}

function thinkingOf(route: SimulatedRoute, body: Fields, model: string, rules: ParseRules): boolean {
  const asked = optionalBoolean(body, 'enable_thinking')
  if (route === 'embeddings') return false
  if (asked !== undefined) return asked
  const effort = isObject(body['reasoning']) ? body['reasoning']['effort'] : body['reasoning_effort']
  if (typeof effort === 'string') return effort !== 'none'
  return rules.thinks(model)
}
