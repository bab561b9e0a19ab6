import { onAbort } from '../abort-signals.js'
import type { Clock, TimerHandle } from '../clock.js'
import { ConnectionFailed, RefusedByServer } from '../throttling/request-errors.js'
import type { Attempt } from '../dispatch/attempt.js'
import { chargedBy } from '../quota/reservation.js'
import type { Usage } from '../types.js'
import { StreamProgress } from './stream-progress.js'
import { rebuilt } from './response.js'
import { append, SseScanner, type SseEvent } from './sse-scanner.js'
import { plainPieces, readStreamEvent, usageOfJson, type StreamEvent } from './stream-event.js'
import { UnreadTimer } from './unread-timer.js'

export interface StreamOptions {
  readonly clock: Clock
  /** Whether to take out the event that carries the usage alone. */
  readonly hidesUsage: boolean
  /** After this long without a reader the stream's place is free again, in ms. */
  readonly unreadMs: number
  /** Aborts where the caller breaks the answer off, read or not. */
  readonly signal: AbortSignal | undefined
  /** For how long events are held back at most while no content comes, in ms. */
  readonly holdBackMs: number
  /** Called once, when nothing more will come. */
  readonly release: () => void
}

/**
 * Observes an answer that comes as a stream, and settles its attempt exactly once, whichever way it ends: read in full,
 * broken off by its reader or by the server, or never read at all.
 *
 * Events are held back until the first content, so that an error before it can still be answered by another attempt. A
 * stream that stalls before it is handed on all the same after a while: its reader waits, as it would without us.
 *
 * @throws RefusedByServer for an error before the first content; ConnectionFailed where the stream breaks off before it
 */
export async function observeStream(response: Response, attempt: Attempt, options: StreamOptions): Promise<Response> {
  const observer = new StreamObserver(response, attempt, options)
  return observer.start()
}

/** Streams whose readers let go of them unread settle when they are collected. */
const unreadStreams = new FinalizationRegistry<StreamObserver>((observer) => observer.abandon())

class StreamObserver {
  readonly #response: Response
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #attempt: Attempt
  readonly #options: StreamOptions
  readonly #scanner = new SseScanner()
  #heldBack: Uint8Array[] = []
  #hasContent = false
  /** Whether the server's stream came to its end while it was held back. */
  #hasEnded = false
  /** A read that the hold-back ended before: its chunk is the next one. */
  #reading: Promise<ReadableStreamReadResult<Uint8Array>> | undefined
  readonly #progress: StreamProgress
  #usage: Usage | undefined
  #isSettled = false
  #forgetAbort: (() => void) | undefined
  readonly #unread: UnreadTimer

  constructor(response: Response, attempt: Attempt, options: StreamOptions) {
    this.#response = response
    this.#reader = response.body!.getReader()
    this.#attempt = attempt
    this.#options = options
    this.#progress = new StreamProgress(attempt)
    this.#unread = new UnreadTimer(options.clock)
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
      unreadStreams.register(stream, this, this)
      const { signal } = this.#options
      this.#forgetAbort = signal && onAbort(signal, () => this.#end())
      if (signal?.aborted === true) this.#end()
      // A late reader still gets the answer; only the place is free.
      else if (!this.#isSettled) this.#unread.start(this.#options.unreadMs, () => this.#settle())
    }
    return rebuilt(this.#response, stream)
  }

  /** Frees the place of a stream that was let go of unread. What it held stays charged. */
  abandon(): void {
    this.#end()
    this.#reader.cancel().catch(() => {})
  }

  /** Reads and holds back until the first content, the last event, the end, or the time is up. */
  async #holdBack(): Promise<void> {
    const { clock, holdBackMs, signal } = this.#options
    let timer: TimerHandle
    let forgetAbort: (() => void) | undefined
    const timeIsUp = new Promise<undefined>((resolve, reject) => {
      timer = clock.setTimeout(() => resolve(undefined), holdBackMs)
      // Some `fetch` hear of an abort late, or never.
      if (signal?.aborted === true) reject(signal.reason)
      forgetAbort = signal && onAbort(signal, () => reject(signal.reason))
    })
    try {
      while (!this.#hasContent && !this.#hasEnded && !this.#isSettled) {
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
    for (const event of chunk.done ? this.#rest() : this.#scanner.push(chunk.value)) {
      const hadContent = this.#hasContent
      const meaning = this.#note(event)
      if (!this.#isHidden(meaning)) append(this.#heldBack, event.bytes)
      if (meaning.isError && !hadContent) throw this.#refused(event)
    }
  }

  #refused(event: SseEvent): RefusedByServer {
    const answer = rebuilt(this.#response, new Blob(this.#heldBack as Uint8Array<ArrayBuffer>[]).stream())
    return new RefusedByServer(answer, event.data, event.status)
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#unread.stop()
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
        if (!chunk.done && this.#passPlain(chunk.value, controller)) return
        const passed = this.#pass(chunk.done ? this.#rest() : this.#scanner.push(chunk.value), controller)
        if (chunk.done) {
          this.#end()
          controller.close()
          return
        }
        if (passed) return
      }
    } catch (error) {
      this.#end()
      const [rest] = this.#rest()
      if (rest !== undefined) controller.enqueue(rest.bytes)
      controller.error(error)
    }
  }

  /** Passes a chunk on as it is if it holds nothing but pieces of content; false if it has to be looked at closely. */
  #passPlain(chunk: Uint8Array, controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    if (!this.#hasContent) return false
    const text = this.#scanner.wholeEvents(chunk)
    const pieces = text === undefined ? 0 : plainPieces(text)
    if (pieces === 0) return false
    this.#progress.add(pieces, text!)
    controller.enqueue(chunk)
    return true
  }

  /** Passes events on; false if none was to be. */
  #pass(events: readonly SseEvent[], controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    const passed: Uint8Array[] = []
    for (const event of events) if (!this.#isHidden(this.#note(event))) append(passed, event.bytes)
    for (const bytes of passed) controller.enqueue(bytes)
    return passed.length > 0
  }

  #note(event: SseEvent): StreamEvent {
    const meaning = readStreamEvent(event, this.#hasContent)
    if (meaning.usage !== undefined) this.#usage = meaning.usage
    if (meaning.isContent) {
      if (!this.#hasContent) this.#attempt.firstTokenAt = this.#options.clock.now()
      this.#hasContent = true
      this.#progress.add(1, event.data)
    }
    if (meaning.isError && (this.#hasContent || this.#attempt.isOpen)) {
      this.#attempt.refusedLate({ status: event.status, headers: undefined, body: event.data })
    }
    // Not its end yet: the server may leave the connection open, and the caller abort it.
    if (meaning.isLast) this.#settle()
    return meaning
  }

  #isHidden(meaning: StreamEvent): boolean {
    return this.#options.hidesUsage && meaning.isUsageAlone
  }

  #rest(): SseEvent[] {
    const rest = this.#scanner.takeRest()
    // No events at all: a JSON answer that does not say what it is.
    if (rest !== undefined && !this.#hasContent) this.#usage ??= usageOfJson(rest.bytes)
    return rest === undefined ? [] : [rest]
  }

  async #cancel(reason: unknown): Promise<void> {
    this.#end()
    await this.#reader.cancel(reason)
  }

  /** Nothing more will come, or nobody wants it. */
  #end(): void {
    this.#settle()
    unreadStreams.unregister(this)
    this.#forgetAbort?.()
    this.#options.release()
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#unread.stop()
    this.#attempt.close(this.#usage ?? this.#atLeast())
  }

  /** Without a usage what is charged stands, unless more than that has come. */
  #atLeast(): Usage | undefined {
    const { inputTokens, outputTokens } = chargedBy(this.#attempt.reservation)
    const { pieces } = this.#progress
    return pieces > outputTokens ? { inputTokens, outputTokens: pieces } : undefined
  }
}
