import { type Clock, type TimerHandle, unref } from '../clock.js'
import type { Attempt } from '../dispatch/attempt.js'
import { chargedBy } from '../quota/reservation.js'
import { usageInJson } from '../tokens/usage.js'
import type { Usage } from '../types.js'
import type { SseEvent } from './sse-scanner.js'
import { readStreamEvent, type StreamEvent } from './stream-event.js'
import { StreamProgress } from './stream-progress.js'

/**
 * Reads the events of a stream for its attempt: the time of the first content, how far the answer has come, errors, the
 * usage. Settles the attempt once, with what is known by then.
 */
export class StreamSettlement {
  readonly #attempt: Attempt
  readonly #clock: Clock
  readonly #progress: StreamProgress
  #usage: Usage | undefined
  #hasContent = false
  #isSettled = false
  #unreadTimer: TimerHandle

  constructor(attempt: Attempt, clock: Clock) {
    this.#attempt = attempt
    this.#clock = clock
    this.#progress = new StreamProgress(attempt)
  }

  /** Whether content has come: from then on, the request cannot be repeated. */
  get hasContent(): boolean {
    return this.#hasContent
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Takes in the next event; returns what it means. */
  note(event: SseEvent): StreamEvent {
    const meaning = readStreamEvent(event, this.#hasContent)
    if (meaning.usage !== undefined) this.#usage = meaning.usage
    if (meaning.isContent) {
      if (!this.#hasContent) this.#attempt.firstTokenAt = this.#clock.now()
      this.#hasContent = true
      this.#progress.add(event.data)
    }
    if (meaning.isError && (this.#hasContent || this.#attempt.isOpen)) {
      this.#attempt.refusedLate({ status: event.status, headers: undefined, body: event.data })
    }
    // The stream may go on after its last event: the server may leave the connection open.
    if (meaning.isLast) this.settle()
    return meaning
  }

  /** Takes in the bytes after the last whole event. Without any event before them, they may be a JSON answer. */
  noteRest({ bytes }: SseEvent): void {
    if (!this.#hasContent) this.#usage ??= usageInJson(bytes)
  }

  /** Settles after `ms`, unless {@link hasReader} is called before. */
  settleAfter(ms: number): void {
    this.#unreadTimer = this.#clock.setTimeout(() => this.settle(), ms)
    // The timer frees a place. That alone must not keep the process alive.
    unref(this.#unreadTimer)
  }

  /** The stream has a reader: it settles when it ends. */
  hasReader(): void {
    if (this.#unreadTimer === undefined) return
    this.#clock.clearTimeout(this.#unreadTimer)
    this.#unreadTimer = undefined
  }

  settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    try {
      this.#attempt.close(this.#usage ?? this.#atLeast())
    } finally {
      // Last: where a stream is collected in Cloudflare Workers, no request is current and timers throw.
      this.hasReader()
    }
  }

  /** Without a usage the charge stands, unless more pieces of content have come than it allows for. */
  #atLeast(): Usage | undefined {
    const { inputTokens, outputTokens } = chargedBy(this.#attempt.reservation)
    const { pieces } = this.#progress
    return pieces > outputTokens ? { inputTokens, outputTokens: pieces } : undefined
  }
}
