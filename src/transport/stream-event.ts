import { readUsage } from '../tokens/usage.js'
import type { Usage } from '../types.js'
import type { SseEvent } from './sse-scanner.js'

/** What an event of an answer's stream means to the limiter. */
export interface StreamEvent {
  /** Part of the answer that the reader sees. From then on, the request cannot be repeated. */
  readonly isContent: boolean
  /** The usage of the whole answer, if the event states it. */
  readonly usage: Usage | undefined
  /** Whether the event carries the usage and nothing else. Services send it only if the request asks for it. */
  readonly isUsageAlone: boolean
  /** The server refuses the request, or fails. */
  readonly isError: boolean
  /** The last event of the answer. */
  readonly isLast: boolean
}

const DELTA: StreamEvent = { isContent: true, usage: undefined, isUsageAlone: false, isError: false, isLast: false }
const OTHER: StreamEvent = { ...DELTA, isContent: false }
const LAST: StreamEvent = { ...OTHER, isLast: true }
const ERROR: StreamEvent = { ...OTHER, isError: true }

/** Matches an event that may be more than a piece of content. Once content has come, only these are parsed: most are not. */
const NOTABLE =
  /"usage"\s*:\s*\{|"error"\s*:|^\s*\{\s*"(?:code|message|request_id)"|"type"\s*:\s*"(?:error|response\.(?:completed|incomplete|failed))"/

/**
 * Reads an event of a stream of chat completions, completions or responses. With `afterContent`, an event that does not
 * match {@link NOTABLE} counts as content unparsed.
 */
export function readStreamEvent(event: SseEvent, afterContent: boolean): StreamEvent {
  const { data, name, status } = event
  if (name === 'error' || (status !== undefined && status >= 400)) return ERROR
  if (data === '') return OTHER
  if (data.startsWith('[DONE]')) return LAST
  if (afterContent && !NOTABLE.test(data)) return DELTA
  let parsed: unknown
  try {
    parsed = JSON.parse(data)
  } catch {
    // Not JSON: the caller gets it as it is.
    return DELTA
  }
  return typeof parsed === 'object' && parsed !== null ? readObject(parsed as Record<string, unknown>) : DELTA
}

function readObject(data: Record<string, unknown>): StreamEvent {
  const { error, type, choices, usage, response } = data
  if (type === 'error' || type === 'response.failed' || (error !== undefined && error !== null)) return ERROR
  if (typeof type === 'string' && type.startsWith('response.')) return readResponseEvent(type, response)
  if (!Array.isArray(choices))
    return typeof data['code'] === 'string' && typeof data['message'] === 'string' ? ERROR : OTHER
  const read = readUsage(usage)
  const isUsageAlone = choices.length === 0 && read !== undefined
  return { isContent: choices.some(hasContent), usage: read, isUsageAlone, isError: false, isLast: false }
}

/** The Responses API: typed events, the usage in the last one. */
function readResponseEvent(type: string, response: unknown): StreamEvent {
  if (type !== 'response.completed' && type !== 'response.incomplete') return type.endsWith('.delta') ? DELTA : OTHER
  const usage = readUsage((response as { usage?: unknown } | undefined)?.usage)
  return { isContent: true, usage, isUsageAlone: false, isError: false, isLast: true }
}

function hasContent(choice: unknown): boolean {
  const { delta, text, finish_reason: finished } = (choice ?? {}) as Record<string, unknown>
  if (typeof text === 'string' && text !== '') return true
  if (finished !== undefined && finished !== null) return true
  if (typeof delta !== 'object' || delta === null) return false
  return Object.entries(delta).some(
    ([key, value]) => key !== 'role' && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  )
}
