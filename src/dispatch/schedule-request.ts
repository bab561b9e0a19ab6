import { InvalidRequest } from '../errors.js'
import { didYouMean } from '../limits/did-you-mean.js'
import type { Profile, Route } from '../types.js'
import { checkHintValues, type Hints, mergedHints, shown } from './hints.js'

/** What `limiter.schedule` needs to know of a request. */
export interface ScheduleRequest extends Hints {
  /** The exact model name: limits are per name. */
  readonly model: string
  /** Input tokens, as exactly as they are known. @default 0 */
  readonly inputTokens?: number | undefined
  /** The most output tokens that the request allows; what is reserved is learned, up to this. */
  readonly maxOutputTokens?: number | undefined
  /** Input and output tokens together, where the total is known beforehand: embeddings, replays. */
  readonly tokens?: number | undefined
  /** Aborting takes the request out of the queue at once; once it runs, `run` sees the same signal. */
  readonly signal?: AbortSignal | null | undefined
}

/** A request as transport makes it: with what only an HTTP request tells. */
export interface JobRequest extends ScheduleRequest {
  readonly route?: Route | undefined
  /** How many answers are asked for (`n`). */
  readonly choices?: number | undefined
  readonly profile?: Profile | undefined
  readonly maxRetries?: number | undefined
  /** Whether the caller repeats by itself what failed without an answer. @default false */
  readonly callerRetries?: boolean | undefined
}

/** The most that all answers to a request may have together; undefined where it does not say. */
export function mostOutput({ maxOutputTokens, choices = 1 }: JobRequest): number | undefined {
  return maxOutputTokens === undefined ? undefined : Math.ceil(maxOutputTokens) * choices
}

/** Sums of as many requests as a program makes stay exact integers. */
const MAX_TOKENS = 1e12

const FIELDS: ReadonlySet<string> = new Set<keyof ScheduleRequest>([
  'model',
  'inputTokens',
  'maxOutputTokens',
  'tokens',
  'priority',
  'tenant',
  'deadlineMs',
  'signal',
  'fallback',
])

/** @throws InvalidRequest for a field that `limiter.schedule` does not know: misspelt, it would be without effect */
export function checkFields(request: ScheduleRequest): void {
  for (const name in request) {
    if (FIELDS.has(name)) continue
    throw new InvalidRequest(`A request has no field '${name}'.${didYouMean(name, [...FIELDS])}`)
  }
}

/** `request`, completed by `hints`. What is no object comes back as it is: {@link checkRequest} refuses it. @throws InvalidRequest */
export function hintedRequest(request: ScheduleRequest, hints: Hints): ScheduleRequest {
  if (typeof request !== 'object' || request === null) return request
  checkFields(request)
  const { model, inputTokens, maxOutputTokens, tokens, signal } = request
  return { model, inputTokens, maxOutputTokens, tokens, signal, ...mergedHints(hints, request) }
}

/** @throws InvalidRequest that says which value is wrong */
export function checkRequest(request: JobRequest, run: unknown): void {
  if (typeof request !== 'object' || request === null)
    throw new InvalidRequest('schedule(request, run): give request as an object with a model')
  if (typeof run !== 'function') {
    throw new InvalidRequest('schedule(request, run): give run as a function that sends the request')
  }
  const { model, inputTokens, maxOutputTokens, tokens, signal } = request
  if (typeof model !== 'string' || model === '') {
    throw new InvalidRequest(`model is ${shown(model)}: give the model's exact name`)
  }
  // One by one: a loop over their names would take longer than all the rest.
  if (inputTokens !== undefined) checkCount('inputTokens', inputTokens)
  if (maxOutputTokens !== undefined) checkCount('maxOutputTokens', maxOutputTokens)
  if (tokens !== undefined) checkCount('tokens', tokens)
  checkHintValues(request)
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== 'function') {
    throw new InvalidRequest(`signal is ${shown(signal)}: give an AbortSignal, such as controller.signal`)
  }
}

function checkCount(name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value <= MAX_TOKENS)) {
    throw new InvalidRequest(`${name} is ${shown(value)}: give a number of tokens from 0 to ${MAX_TOKENS}`)
  }
}
