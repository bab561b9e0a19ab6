import type { Usage } from '../types.js'

/**
 * The usage of a request, from any shape in which services report it; undefined if none is usable. Never throws.
 * Fractions are rounded up.
 *
 * The shapes: OpenAI chat, completions and embeddings (`prompt_tokens`, `completion_tokens`), OpenAI responses and
 * native DashScope (`input_tokens`, `output_tokens`), and ours (`inputTokens`, `outputTokens`).
 */
export function readUsage(value: unknown): Usage | undefined {
  try {
    return read(value)
  } catch {
    return undefined // a getter threw
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

type Fields = Readonly<Record<string, unknown>>

function read(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  if (usage === undefined) return undefined
  const input = usage['prompt_tokens'] ?? usage['input_tokens'] ?? usage['inputTokens']
  const output = usage['completion_tokens'] ?? usage['output_tokens'] ?? usage['outputTokens']
  const total = usage['total_tokens']
  const inputTokens = tokenCount(input ?? rest(total, output ?? 0))
  const outputTokens = tokenCount(output ?? rest(total, input ?? total))
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  const details = fieldsOf(usage['completion_tokens_details'] ?? usage['output_tokens_details'])
  const thinking = tokenCount(details?.['reasoning_tokens'] ?? usage['thinkingTokens'])
  if (thinking === undefined) return { inputTokens, outputTokens }
  return { inputTokens, outputTokens, thinkingTokens: Math.min(thinking, outputTokens) }
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
