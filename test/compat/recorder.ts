import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SentRequest } from './case.js'

const STARTED = channel('http.server.request.start')

/** Of requests: what the connection decides, and the address. */
const CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

interface Exchange {
  readonly request: IncomingMessage
  readonly chunks: Buffer[]
  readonly closed: Promise<void>
}

/** Notes every request that arrives at a port of this process, to whatever path. */
export class Recorder {
  readonly #port: number
  readonly #exchanges: Exchange[] = []
  readonly #waiting: (() => void)[] = []
  readonly #onStart = (message: unknown) =>
    this.#note(message as { request: IncomingMessage; response: ServerResponse })

  constructor(port: number) {
    this.#port = port
    STARTED.subscribe(this.#onStart)
  }

  stop(): void {
    STARTED.unsubscribe(this.#onStart)
  }

  get count(): number {
    return this.#exchanges.length
  }

  /** Resolves when so many requests have arrived. */
  async arrived(count: number): Promise<void> {
    while (this.count < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Resolves when the connection of request number `n`, from 1, is done with it: answered, or broken off. */
  async closed(n: number): Promise<void> {
    await this.arrived(n)
    await this.#exchanges[n - 1]?.closed
  }

  requests(): SentRequest[] {
    return this.#exchanges.map(({ request, chunks }) => {
      const { method = '', url: path = '' } = request
      const text = Buffer.concat(chunks).toString()
      const boundary = /boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1]
      const hide = (from: string): string => (boundary === undefined ? from : from.replaceAll(boundary, '<boundary>'))
      const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        CONNECTION.has(name) ? [] : [[name, hide(String(value))]],
      )
      return { method, path, headers: Object.fromEntries(headers), body: bodyOf(hide(text)) }
    })
  }

  #note({ request, response }: { request: IncomingMessage; response: ServerResponse }): void {
    if (request.socket.localPort !== this.#port) return
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    const closed = new Promise<void>((resolve) => response.on('close', resolve))
    this.#exchanges.push({ request, chunks, closed })
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** A body as it was meant: parsed, without the usage that the limiter asks for in the caller's place. */
function bodyOf(text: string): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return text
  }
  if (typeof body !== 'object' || body === null) return body
  const { stream_options: options, ...rest } = body as { stream_options?: Record<string, unknown> }
  const { include_usage: _, ...others } = options ?? {}
  return { ...rest, ...(Object.keys(others).length > 0 && { stream_options: others }) }
}
