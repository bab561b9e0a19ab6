import type { Clock } from '../clock.js'
import { usageInJson } from '../tokens/usage.js'
import { ConnectionFailed, RefusedByServer } from '../throttling/request-errors.js'
import type { Attempt } from '../dispatch/attempt.js'
import { readResponseMetadata } from '../throttling/response-headers.js'
import { AttemptTimeout } from './attempt-timeout.js'
import type { MeteredRequest } from './metered-request.js'
import { RebuiltResponse } from './rebuilt-response.js'
import { observeStream } from './observe-stream.js'

export interface SendOptions {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  /** How long the head of the answer may take, in ms; undefined: no limit. */
  readonly timeoutMs: number | undefined
  /** Whether the timeout covers the body of a JSON answer too. */
  readonly coversBody: boolean
  /** When a stream goes to its reader at the latest, content or not, in the clock's ms; undefined: at the timeout. */
  readonly handOverBy: number | undefined
}

/**
 * A stream without content goes to its reader after this long, in ms. Chosen. Until then, another attempt can answer an error
 * in the stream; after it, the reader gets the error.
 */
const MAX_HOLD_BACK_MS = 60_000
/**
 * Without a timeout of the client's, a stream that nobody reads keeps its place for this long, in ms. It is the default
 * timeout of the `openai` client.
 */
const UNREAD_MS = 600_000

/**
 * Sends a request once, to the attempt's model, and settles the attempt by the answer.
 *
 * @throws RefusedByServer if the server answers with an error; ConnectionFailed if no answer arrives whole; the reason of the
 * caller's signal if that aborts
 */
export async function send(request: MeteredRequest, attempt: Attempt, options: SendOptions): Promise<Response> {
  // Taken out of `options`: in browsers and workers `fetch` throws when it is called as a method of another object.
  const { clock, fetch, timeoutMs } = options
  const timeout = new AttemptTimeout(request.signal, clock, timeoutMs)
  try {
    const [url, init] = request.sendTo(attempt.model, timeout.signal, attempt.attempt - 1)
    const response = await fetch(url, init)
    const news = readResponseMetadata(response.headers)
    if (news !== undefined) attempt.onMetadata(news)
    if (response.ok && response.body !== null && isStream(response, request)) {
      timeout.stopTimer()
      return await observeStream(response, attempt, {
        clock,
        hidesUsage: request.hidesUsage,
        unreadMs: timeoutMs ?? UNREAD_MS,
        signal: timeout.signal,
        holdBackMs: holdBackMs(options),
        release: () => timeout.release(),
      })
    }
    if (!options.coversBody) timeout.stopTimer()
    const bytes = await readBytes(response, timeout.signal)
    timeout.release()
    if (!response.ok) {
      const whole = new RebuiltResponse(response, response.body === null ? null : bytes)
      throw new RefusedByServer(whole, new TextDecoder().decode(bytes), response.status)
    }
    attempt.firstTokenAt = clock.now()
    const usage = usageInJson(bytes)
    if (usage !== undefined) attempt.close(usage)
    return response.body === null ? response : new RebuiltResponse(response, bytes)
  } catch (error) {
    timeout.release()
    if (error instanceof RefusedByServer) throw error
    if (request.signal?.aborted === true) throw request.signal.reason
    throw error instanceof ConnectionFailed ? error : new ConnectionFailed(error)
  }
}

function holdBackMs({ clock, timeoutMs = MAX_HOLD_BACK_MS, handOverBy }: SendOptions): number {
  const leftMs = handOverBy === undefined ? Infinity : Math.max(0, handOverBy - clock.now())
  return Math.min(timeoutMs, MAX_HOLD_BACK_MS, leftMs)
}

/** Whether the answer is a stream of events: it says so, or the request asks for one and the answer does not say it is JSON. */
function isStream(response: Response, { body }: MeteredRequest): boolean {
  const type = response.headers.get('content-type')?.toLowerCase() ?? ''
  return type.includes('text/event-stream') || (body['stream'] === true && !type.includes('json'))
}

/** The body; empty if the body of an error breaks off, for the status alone says what to do. */
async function readBytes(response: Response, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer()
  } catch (error) {
    if (response.ok || signal?.aborted === true) throw error
    return new ArrayBuffer(0)
  }
}
