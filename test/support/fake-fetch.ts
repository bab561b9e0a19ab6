import type { Clock } from '../../src/clock.js'

/** A call of the fake `fetch`, read. */
export interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly text: string
  /** The text as JSON. */
  readonly body: Record<string, unknown>
  readonly signal: AbortSignal | undefined
  readonly init: RequestInit
}

export type FakeAnswer = (sent: Sent) => Response | Promise<Response>

/** A `fetch` that answers by a script, the last answer again and again, and keeps what it was sent. */
export class FakeFetch {
  readonly sent: Sent[] = []
  readonly #answers: readonly FakeAnswer[]

  constructor(answers: readonly FakeAnswer[]) {
    this.#answers = answers
  }

  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined
    const text = typeof init.body === 'string' ? init.body : ''
    const sent: Sent = {
      url: request?.url ?? String(input),
      method: init.method ?? request?.method ?? 'GET',
      headers: new Headers(init.headers ?? request?.headers),
      text,
      body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
      signal: init.signal ?? undefined,
      init,
    }
    this.sent.push(sent)
    if (sent.signal?.aborted === true) throw sent.signal.reason
    return this.#answers[Math.min(this.sent.length, this.#answers.length) - 1]!(sent)
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): FakeAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return () => new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } })
}

export function throwing(error: unknown): FakeAnswer {
  return async () => {
    throw error
  }
}

/** No answer, until the signal aborts. */
export const silence: FakeAnswer = ({ signal }) => new Promise((_, reject) => onAbort(signal, reject))

/** `answer`, after a while. */
export function later(clock: Clock, ms: number, answer: FakeAnswer): FakeAnswer {
  return (sent) =>
    new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => resolve(answer(sent)), ms)
      onAbort(sent.signal, (reason) => {
        clock.clearTimeout(timer)
        reject(reason)
      })
    })
}

function onAbort(signal: AbortSignal | undefined, abort: (reason: unknown) => void): void {
  signal?.addEventListener('abort', () => abort(signal.reason), { once: true })
}

const encoder = new TextEncoder()

/** A body that a test feeds as it goes; it breaks off where the signal of its request aborts, as a socket does. */
export class Feed {
  cancelled: unknown
  readonly #headers: Record<string, string>
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined

  constructor(contentType = 'text/event-stream') {
    this.#headers = { 'content-type': contentType }
  }

  answer(status = 200): FakeAnswer {
    return ({ signal }) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.#controller = controller
          onAbort(signal, (reason) => {
            if (this.cancelled === undefined) controller.error(reason)
          })
        },
        cancel: (reason) => {
          this.cancelled = reason ?? 'cancelled'
        },
      })
      return new Response(body, { status, headers: this.#headers })
    }
  }

  push(bytes: string | Uint8Array): void {
    this.#controller!.enqueue(typeof bytes === 'string' ? encoder.encode(bytes) : bytes)
  }

  end(): void {
    this.#controller!.close()
  }

  fail(error: unknown): void {
    this.#controller!.error(error)
  }
}

/** A stream of these pieces, one for each read, that ends or breaks off with `error`. */
export function streamed(pieces: readonly (string | Uint8Array)[], error?: unknown): FakeAnswer {
  return () => {
    const left = [...pieces]
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          const piece = left.shift()
          if (piece !== undefined) controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
          else if (error === undefined) controller.close()
          else controller.error(error)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}
