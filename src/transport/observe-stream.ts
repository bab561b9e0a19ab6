import { onAbort } from '../abort-signals.js'
import type { Clock, TimerHandle } from '../clock.js'
import { ConnectionFailed, RefusedByServer } from '../throttling/request-errors.js'
import type { Attempt } from '../dispatch/attempt.js'
import { RebuiltResponse } from './rebuilt-response.js'
import { append, SseScanner, type SseEvent } from './sse-scanner.js'
import type { StreamEvent } from './stream-event.js'
import { StreamSettlement } from './stream-settlement.js'

export interface StreamOptions {
  readonly clock: Clock
  /** Whether to take out the event that carries the usage alone. */
  readonly hidesUsage: boolean
  /** A stream without a reader frees its place after this long, in ms. */
  readonly unreadMs: number
  /** Aborts when the caller breaks the answer off, read or not. */
  readonly signal: AbortSignal | undefined
  /** How long events are held back at most while no content comes, in ms. */
  readonly holdBackMs: number
  /** Called when nothing more will come. */
  readonly release: () => void
}

/**
 * Observes an answer that comes as a stream. Settles its attempt once, however the stream ends: its reader reads it in full
 * or breaks it off, the server breaks it off, or nobody reads it.
 *
 * Events are held back until the first content, so that another attempt can still answer an error before it. A stream that
 * stalls before its content is handed on after `holdBackMs`: its reader then waits as it would without the limiter.
 *
 * @throws RefusedByServer for an error before the first content; ConnectionFailed where the stream breaks off before it
 */
export async function observeStream(response: Response, attempt: Attempt, options: StreamOptions): Promise<Response> {
  const observer = new StreamObserver(response, attempt, options)
  return observer.start()
}

/**
 * Settles streams that are collected before they are read to their end. Some runtimes lack it (workerd before the
 * compatibility date 2025-05-05): there, such a stream settles after `unreadMs`.
 */
const unreadStreams =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<StreamObserver>((observer) => observer.abandon())

class StreamObserver {
  readonly #response: Response
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #attempt: Attempt
  readonly #options: StreamOptions
  readonly #settlement: StreamSettlement
  readonly #scanner = new SseScanner()
  #heldBack: Uint8Array[] = []
  /** Whether the server's stream ended while it was held back. */
  #hasEnded = false
  /** A read that was under way when the hold-back ended: the next chunk comes from it. */
  #reading: Promise<ReadableStreamReadResult<Uint8Array>> | undefined
  #forgetAbort: (() => void) | undefined

  constructor(response: Response, attempt: Attempt, options: StreamOptions) {
    this.#response = response
    this.#reader = response.body!.getReader()
    this.#attempt = attempt
    this.#options = options
    this.#settlement = new StreamSettlement(attempt, options.clock)
  }

  async start(): Promise<Response> {
    await this.#holdBack()
    this.#attempt.isOpen = true
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#pull(controller),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    )
    if (this.#hasEnded) this.#end()
    else {
      unreadStreams?.register(stream, this, this)
      const { signal, unreadMs } = this.#options
      this.#forgetAbort = signal && onAbort(signal, () => this.#end())
      if (signal?.aborted === true) this.#end()
      // A late reader still gets the answer: only the place is freed.
      else if (!this.#settlement.isSettled) this.#settlement.settleAfter(unreadMs)
    }
    return new RebuiltResponse(this.#response, stream)
  }

  /** Frees the place of a stream that was collected before its end. Its reservation stays charged. */
  abandon(): void {
    try {
      this.#end()
    } catch {
      // In Cloudflare Workers no request is current here, so timers throw. The attempt has settled before that.
    }
    this.#reader.cancel().catch(() => {})
  }

  /** Holds events back until the first content, the last event, the stream's end, or the time is up. */
  async #holdBack(): Promise<void> {
    const { clock, holdBackMs, signal } = this.#options
    let timer: TimerHandle
    let forgetAbort: (() => void) | undefined
    const timeIsUp = new Promise<undefined>((resolve, reject) => {
      timer = clock.setTimeout(() => resolve(undefined), holdBackMs)
      // Some `fetch` functions react to an abort late, or never.
      if (signal?.aborted === true) reject(signal.reason)
      forgetAbort = signal && onAbort(signal, () => reject(signal.reason))
    })
    try {
      while (!this.#settlement.hasContent && !this.#hasEnded && !this.#settlement.isSettled) {
        this.#reading ??= this.#reader.read()
        const chunk = await Promise.race([this.#reading, timeIsUp])
        if (chunk === undefined) return
        this.#reading = undefined
        this.#hold(chunk)
      }
    } catch (error) {
      this.#reader.cancel().catch(() => {})
      this.#options.release()
      throw error instanceof RefusedByServer ? error : new ConnectionFailed(error)
    } finally {
      clock.clearTimeout(timer)
      forgetAbort?.()
    }
  }

  #hold(chunk: ReadableStreamReadResult<Uint8Array>): void {
    this.#hasEnded = chunk.done
    for (const event of this.#eventsOf(chunk)) {
      const hadContent = this.#settlement.hasContent
      const meaning = this.#settlement.note(event)
      if (!this.#isHidden(meaning)) append(this.#heldBack, event.bytes)
      if (meaning.isError && !hadContent) throw this.#refused(event)
    }
  }

  #refused(event: SseEvent): RefusedByServer {
    const body = new Blob(this.#heldBack as Uint8Array<ArrayBuffer>[]).stream()
    return new RefusedByServer(new RebuiltResponse(this.#response, body), event.data, event.status)
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#settlement.hasReader()
    if (this.#heldBack.length > 0) {
      for (const bytes of this.#heldBack) controller.enqueue(bytes)
      this.#heldBack = []
      if (this.#hasEnded) controller.close()
      return
    }
    try {
      for (;;) {
        const chunk = await (this.#reading ?? this.#reader.read())
        this.#reading = undefined
        const hasPassed = this.#pass(this.#eventsOf(chunk), controller)
        if (chunk.done) {
          this.#end()
          controller.close()
          return
        }
        if (hasPassed) return
      }
    } catch (error) {
      this.#end()
      const [rest] = this.#rest()
      if (rest !== undefined) controller.enqueue(rest.bytes)
      controller.error(error)
    }
  }

  /** Passes events on; false if all of them are hidden. */
  #pass(events: readonly SseEvent[], controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    const passed: Uint8Array[] = []
    for (const event of events) if (!this.#isHidden(this.#settlement.note(event))) append(passed, event.bytes)
    for (const bytes of passed) controller.enqueue(bytes)
    return passed.length > 0
  }

  #eventsOf(chunk: ReadableStreamReadResult<Uint8Array>): SseEvent[] {
    return chunk.done ? this.#rest() : this.#scanner.push(chunk.value)
  }

  #rest(): SseEvent[] {
    const rest = this.#scanner.takeRest()
    if (rest === undefined) return []
    this.#settlement.noteRest(rest)
    return [rest]
  }

  #isHidden(meaning: StreamEvent): boolean {
    return this.#options.hidesUsage && meaning.isUsageAlone
  }

  async #cancel(reason: unknown): Promise<void> {
    this.#end()
    await this.#reader.cancel(reason)
  }

  /** Nothing more will come, or nobody wants it. */
  #end(): void {
    try {
      this.#settlement.settle()
    } finally {
      unreadStreams?.unregister(this)
      this.#forgetAbort?.()
      this.#options.release()
    }
  }
}
