import { onAbort } from '../../abort-signals.js'
import { parsedJson } from '../../json.js'

/** An answer of the service, read to its end. */
export interface ControlPlaneAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** What `text` is as JSON; undefined where it is none. */
  readonly json: unknown
}

/**
 * Maximum length of an answer, in bytes. Chosen. A page of 100 rows has about 50 kB.
 * A larger value lets a wrong server fill the memory. A smaller value may reject a long page.
 */
const MAX_BYTES = 16 * 1024 * 1024

/** The body exceeds the maximum length of an answer. */
export class AnswerTooLong extends Error {
  constructor() {
    super(`a body of more than ${MAX_BYTES / 1024 / 1024} MiB`)
  }
}

/** The answer is JSON of the wrong form. The message describes the content. */
export class MalformedAnswer extends Error {}

/** Reads an answer to its end. @throws AnswerTooLong, or the error that interrupts the body */
export async function readAnswer(response: Response, signal: AbortSignal | undefined): Promise<ControlPlaneAnswer> {
  const { status, headers } = response
  const text = await textOf(response, signal)
  return { status, headers, text, json: parsedJson(text) }
}

async function textOf({ body }: Response, signal: AbortSignal | undefined): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const stop = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  const forget = signal && onAbort(signal, stop)
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      bytes += value.byteLength
      if (bytes > MAX_BYTES) throw new AnswerTooLong()
      text += decoder.decode(value, { stream: true })
    }
  } catch (error) {
    stop()
    throw error
  } finally {
    forget?.()
  }
}

/** Returns the service's request id, or undefined. */
export function requestIdOf({ headers, json }: ControlPlaneAnswer): string | undefined {
  const { request_id: id } = (json ?? {}) as { request_id?: unknown }
  return typeof id === 'string' && id !== '' ? id : (headers.get('x-request-id') ?? undefined)
}

/** What a body that is no JSON looks like, in a few words. `hide` makes a text fit to be shown. */
export function described({ headers, text }: ControlPlaneAnswer, hide: (text: string) => string): string {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (text.trim() === '') return 'with an empty body'
  // Cut after it was hidden what is not to be shown, and well before where this cuts.
  const begin = hide(text.slice(0, 4000)).replace(/\s+/g, ' ').trim()
  const shown = begin.length > 100 ? `${begin.slice(0, 100)}…` : begin
  if (type === 'text/html' || /^<(?:!doctype|html|head|body)\b/i.test(begin)) {
    return `with a page of HTML, as a proxy does: ${shown}`
  }
  return `with what is no JSON${type === undefined ? '' : ` (${hide(type)})`}: ${shown}`
}
