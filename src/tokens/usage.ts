import type { Usage } from '../types.js'

/**
 * The usage in any of the shapes that services report: OpenAI chat, completions and embeddings (`prompt_tokens`,
 * `completion_tokens`), OpenAI responses and native DashScope (`input_tokens`, `output_tokens`), ours (`inputTokens`,
 * `outputTokens`). Undefined where nothing is usable; fractions are rounded up. Never throws.
 */
export function readUsage(value: unknown): Usage | undefined {
  try {
    return read(value)
  } catch {
    return undefined // a getter threw
  }
}

/**
 * The usage that a returned value carries in its own property `usage`, read as by {@link readUsage}. Never throws. A getter
 * is left alone: with some SDKs it begins to read the answer.
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

/** Embeddings report no output, some services the total alone: what is left of the total is the other part. */
function rest(total: unknown, part: unknown): number | undefined {
  const all = tokenCount(total)
  const known = tokenCount(part)
  return all === undefined || known === undefined ? undefined : Math.max(0, all - known)
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

/** No answer has more tokens than this. A count above it is a fault, and as a charge would be a debt of hours. */
const MAX_COUNT = 1e8

function tokenCount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= MAX_COUNT ? Math.ceil(value) : undefined
}
