import type { Usage } from '../types.js'

/** The details of a count. Their fields differ by service; the tokens of reasoning are read. */
type Details = object | null | undefined

/** A `usage` of OpenAI's chat and completions, and of services compatible with them. */
export interface ChatUsage {
  readonly prompt_tokens: number
  /** Thinking included. */
  readonly completion_tokens: number
  readonly total_tokens?: number | undefined
  readonly prompt_tokens_details?: Details
  readonly completion_tokens_details?: Details
}

/** A `usage` of OpenAI's responses, of Anthropic, of native DashScope, and LangChain's `usage_metadata`. */
export interface ResponsesUsage {
  readonly input_tokens: number
  /** Thinking included. */
  readonly output_tokens: number
  readonly total_tokens?: number | undefined
  readonly input_tokens_details?: Details
  readonly output_tokens_details?: Details
}

/** A `usage` that gives the total: embeddings have no output. */
export interface TotalUsage {
  readonly total_tokens: number
  readonly prompt_tokens?: number | undefined
}

/** The `usage` of a result of Vercel's AI SDK. A count that the provider does not report is undefined. */
export interface AiSdkUsage {
  readonly inputTokens: number | undefined
  /** Thinking included. */
  readonly outputTokens: number | undefined
  readonly totalTokens: number | undefined
  readonly inputTokenDetails?: Details
  readonly outputTokenDetails?: Details
}

/** The `usage` of an embedding of Vercel's AI SDK. */
export interface AiSdkEmbeddingUsage {
  readonly tokens: number
}

/** A usage in one of the shapes that {@link readUsage} reads. */
export type UsageLike = Usage | ChatUsage | ResponsesUsage | TotalUsage | AiSdkUsage | AiSdkEmbeddingUsage

/**
 * The usage of a request, from any of the shapes of {@link UsageLike}; undefined if none is usable. Fractions are
 * rounded up. Never throws.
 */
export function readUsage(value: unknown): Usage | undefined {
  try {
    return read(value)
  } catch {
    return undefined // a getter threw
  }
}

/** Whether `value` is a usage whose provider did not report a count, as Vercel's AI SDK gives it. Never throws. */
export function isUsageUnknown(value: unknown): boolean {
  try {
    const usage = fieldsOf(value)
    if (usage === undefined) return false
    // Vercel's AI SDK gives NaN for the tokens of an embedding whose provider reports none.
    const isMissing = (name: string): boolean =>
      (usage[name] ?? undefined) === undefined || (name === 'tokens' && Number.isNaN(usage[name]))
    const given = COUNTS.filter((name) => name in usage)
    return given.some(isMissing) && given.every((name) => isMissing(name) || tokenCount(usage[name]) !== undefined)
  } catch {
    return false
  }
}

/**
 * The usage in the own property `usage` of a returned value, read as by {@link readUsage}; undefined if there is none.
 * Never throws. A getter is not called, since in some SDKs it starts to read the answer.
 */
export function usageOf(result: unknown): Usage | undefined {
  try {
    const own = fieldsOf(result)
    return own && read(Object.getOwnPropertyDescriptor(own, 'usage')?.value)
  } catch {
    return undefined
  }
}

/** The usage that the body of a JSON answer carries; undefined if it is not JSON or carries none. Never throws. */
export function usageInJson(bytes: ArrayBuffer | Uint8Array): Usage | undefined {
  try {
    return usageOf(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return undefined
  }
}

type Fields = Readonly<Record<string, unknown>>

const COUNTS = [
  'inputTokens',
  'outputTokens',
  'prompt_tokens',
  'completion_tokens',
  'input_tokens',
  'output_tokens',
  'tokens',
  'total_tokens',
  'totalTokens',
] as const

function read(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  if (usage === undefined) return undefined
  const input = usage['prompt_tokens'] ?? usage['input_tokens'] ?? usage['inputTokens']
  const output = usage['completion_tokens'] ?? usage['output_tokens'] ?? usage['outputTokens']
  const total = usage['total_tokens'] ?? usage['totalTokens'] ?? usage['tokens']
  const inputTokens = tokenCount(input ?? rest(total, output ?? 0))
  const outputTokens = tokenCount(output ?? rest(total, input ?? total))
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  const thinking = tokenCount(thinkingOf(usage))
  if (thinking === undefined) return { inputTokens, outputTokens }
  return { inputTokens, outputTokens, thinkingTokens: Math.min(thinking, outputTokens) }
}

function thinkingOf(usage: Fields): unknown {
  const details = fieldsOf(
    usage['completion_tokens_details'] ?? usage['output_tokens_details'] ?? usage['outputTokenDetails'],
  )
  return details?.['reasoning_tokens'] ?? details?.['reasoningTokens'] ?? usage['thinkingTokens']
}

/** The missing part of the total: embeddings report no output, and some services report the total alone. */
function rest(total: unknown, part: unknown): number | undefined {
  const all = tokenCount(total)
  const known = tokenCount(part)
  return all === undefined || known === undefined ? undefined : Math.max(0, all - known)
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

/**
 * The largest count that is believed, in tokens. Chosen, a hundred times the longest context. Larger: a wrong count
 * becomes a debt of hours. Smaller: a real count could be ignored. A usage with a larger count counts as none.
 */
const MAX_COUNT = 1e8

function tokenCount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= MAX_COUNT ? Math.ceil(value) : undefined
}
