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
  /** How long the answer's head may take, in ms; undefined: as long as it likes. */
  readonly timeoutMs: number | undefined
  /** Whether that covers the body of a JSON answer too. */
  readonly coversBody: boolean
  /** Until when a stream goes to its reader, content or not, in the clock's ms; undefined: by the timeout. */
  readonly handOverBy: number | undefined
}

/** A stream that has no content after this long goes to its reader as it is, an error that is still to come included. */
const MAX_HOLD_BACK_MS = 60_000
/** Without a timeout of the client's: how long a stream may lie unread before its place is free again. */
const UNREAD_MS = 600_000

/**
 * Sends a request once, to the attempt's model, and settles the attempt by what comes back.
 *
 * @throws RefusedByServer for an answer that is no success, ConnectionFailed where none arrives whole, and the reason of
 * the caller's signal where that aborts
 */
export async function send(request: MeteredRequest, attempt: Attempt, options: SendOptions): Promise<Response> {
  // A bare name: in browsers and workers `fetch` refuses to be called as a method of something else.
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

/** Whether the answer comes in events: it says so, or it was asked to and does not say that it is JSON. */
function isStream(response: Response, { body }: MeteredRequest): boolean {
  const type = response.headers.get('content-type')?.toLowerCase() ?? ''
  return type.includes('text/event-stream') || (body['stream'] === true && !type.includes('json'))
}

/** The body. Of a refusal the status says enough: one that breaks off is a refusal still. */
async function readBytes(response: Response, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer()
  } catch (error) {
    if (response.ok || signal?.aborted === true) throw error
    return new ArrayBuffer(0)
  }
}
