import type { Clock } from '../clock.js'
import { usageOf } from '../cost/usage.js'
import { ConnectionFailed, RefusedByServer } from '../dispatch/answer.js'
import type { Attempt } from '../dispatch/attempt.js'
import type { MeteredRequest } from './request.js'
import { rebuilt } from './response.js'
import { observeStream } from './stream.js'

export interface SendOptions {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  /** How long the answer's head, or a whole JSON answer, may take, in ms; undefined: as long as it likes. */
  readonly timeoutMs: number | undefined
}

/** Without a timeout of the client's: how long a stream may lie unread before its place is free again. */
const UNREAD_MS = 600_000

/**
 * Sends a request once, to the attempt's model, and settles the attempt by what comes back.
 *
 * @throws RefusedByServer for an answer that is no success, ConnectionFailed where none arrives whole, and the reason of
 * the caller's signal where that aborts
 */
export async function send(request: MeteredRequest, attempt: Attempt, options: SendOptions): Promise<Response> {
  const leash = new Leash(request.signal, options)
  try {
    const [url, init] = request.sendTo(attempt.model, leash.signal)
    const response = await options.fetch(url, init)
    if (response.ok && response.body !== null && isEventStream(response)) {
      leash.stopTimer()
      const { clock, timeoutMs = UNREAD_MS } = options
      const { hidesUsage } = request
      return await observeStream(response, attempt, {
        clock,
        hidesUsage,
        unreadMs: timeoutMs,
        release: () => leash.release(),
      })
    }
    const text = await response.text()
    leash.release()
    const whole = rebuilt(response, response.body === null ? null : text)
    if (!response.ok) throw new RefusedByServer(whole, text)
    attempt.firstTokenAt = options.clock.now()
    const usage = usageOf(parse(text))
    if (usage !== undefined) attempt.close(usage)
    return whole
  } catch (error) {
    leash.release()
    if (error instanceof RefusedByServer) throw error
    if (request.signal?.aborted === true) throw request.signal.reason
    throw error instanceof ConnectionFailed ? error : new ConnectionFailed(error)
  }
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.toLowerCase().includes('text/event-stream') === true
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The signal of one attempt: aborts with the caller's, or when its time is up. Leaves no timer and no listener behind. */
class Leash {
  readonly signal: AbortSignal | undefined
  readonly #clock: Clock
  readonly #caller: AbortSignal | undefined
  #timer: unknown
  #onAbort: (() => void) | undefined

  constructor(caller: AbortSignal | undefined, { clock, timeoutMs }: SendOptions) {
    this.#clock = clock
    this.#caller = caller
    if (timeoutMs === undefined) {
      this.signal = caller
      return
    }
    const controller = new AbortController()
    this.signal = controller.signal
    this.#timer = clock.setTimeout(() => {
      controller.abort(new DOMException(`The request timed out after ${timeoutMs} ms`, 'TimeoutError'))
    }, timeoutMs)
    if (caller === undefined) return
    if (caller.aborted) controller.abort(caller.reason)
    this.#onAbort = () => controller.abort(caller.reason)
    caller.addEventListener('abort', this.#onAbort)
  }

  stopTimer(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  release(): void {
    this.stopTimer()
    if (this.#onAbort === undefined) return
    this.#caller?.removeEventListener('abort', this.#onAbort)
    this.#onAbort = undefined
  }
}
