/** The parts of an error body, in any known shape. Missing parts are empty. */
export interface ParsedError {
  readonly code: string
  readonly message: string
  /** The status that the body itself names. */
  readonly status: number | undefined
}

const NOTHING: ParsedError = { code: '', message: '', status: undefined }
/**
 * The number of nested bodies, objects or JSON texts, that are followed. Chosen. More costs time for hostile bodies; fewer
 * misses the code behind several gateways.
 */
const MAX_DEPTH = 6

/**
 * Reads the code and the message of an error body. Known shapes: `{ error: { code, message, type } }`; `error` as a JSON text;
 * flat `{ code, message }`; flat, with an upstream server's JSON body in `message`; plain text; an empty body.
 */
export function parseError(body: unknown, depth = 0): ParsedError {
  if (typeof body === 'string') return readText(body, depth)
  if (typeof body !== 'object' || body === null || depth > MAX_DEPTH) return NOTHING
  const { error, response, code, type, message } = body as Record<string, unknown>
  if (error !== undefined && error !== null) return parseError(error, depth + 1)
  // `response.failed` of the Responses API has the error in its response.
  if (type === 'response.failed') return parseError(response, depth + 1)
  const text = asText(message)
  const own: ParsedError = { code: asText(code) || asText(type), message: text, status: statusIn(text) }
  if (!text.trimStart().startsWith('{')) return own
  // The upstream's code and message are more exact.
  const upstream = readText(text, depth + 1)
  return { code: upstream.code || own.code, message: upstream.message || text, status: upstream.status ?? own.status }
}

function readText(text: string, depth: number): ParsedError {
  if (text.trimStart().startsWith('{')) {
    try {
      return parseError(JSON.parse(text), depth + 1)
    } catch {
      // The text is no JSON. It counts as words.
    }
  }
  return { code: '', message: text.slice(0, 2000), status: statusIn(text) }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** The status of the model server behind the gateway, as in "<429> InternalError.Algo: …". */
function statusIn(message: string): number | undefined {
  const found = /^<(\d{3})>/.exec(message.trimStart())
  return found === null ? undefined : Number(found[1])
}

/**
 * The time in a text like "09-19 07:14:00 UTC" or "2026-09-19 07:14:00", read as UTC. A missing year is the one nearest to
 * `wallMs` (ms since 1970). Undefined if the text has no time.
 */
export function readResetTime(text: string | undefined, wallMs: number): Date | undefined {
  const found = /(?:(\d{4})-)?(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(text ?? '')
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second] = found.map((part) => Number(part ?? 0))
  const at = (y: number) => Date.UTC(y, month! - 1, day, hour, minute, second)
  if (year! > 0) return new Date(at(year!))
  // A quota of December resets in January, and a reset time of December may be read in January.
  const thisYear = new Date(wallMs).getUTCFullYear()
  const candidates = [at(thisYear), at(thisYear + 1), at(thisYear - 1)]
  return new Date(candidates.reduce((a, b) => (Math.abs(b - wallMs) < Math.abs(a - wallMs) ? b : a)))
}
