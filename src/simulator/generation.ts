import type { Exchange } from './exchange.js'
import type { Latency } from './options.js'
import type { Random } from './random.js'

/** How fast one answer is generated. */
export interface Pace {
  readonly firstTokenMs: number
  readonly perTokenMs: number
}

/** What a generation tells. */
export interface GenerationListener {
  /** The tokens from one to another were generated. */
  chunk(from: number, to: number): void
  /** What is there for now has been told; `done`: it was all. */
  flush(done: boolean): void
}

/** Forgives the rounding of times that are sums of fractions: a part of a token. */
const ROUNDING = 1e-6

/** The pace of one request. */
export function drawnPace(latency: Required<Latency>, random: Random): Pace {
  const { firstTokenMs, perTokenMs, jitter } = latency
  const vary = (): number => 1 + jitter * (2 * random.unit() - 1)
  return { firstTokenMs: firstTokenMs * vary(), perTokenMs: perTokenMs * vary() }
}

/**
 * Generates the tokens of one answer in time, a chunk at a time. Chunks that are late come at once, so that coarse timers do
 * not make an answer longer.
 */
export class Generation {
  readonly #exchange: Exchange
  readonly #pace: Pace
  readonly #tokens: number
  readonly #chunkTokens: number
  readonly #listener: GenerationListener
  readonly #startedAt: number
  #generated = 0
  #stopped = false

  /** `chunkTokens` Infinity tells the answer in one piece, else the first token comes alone. */
  constructor(exchange: Exchange, pace: Pace, tokens: number, chunkTokens: number, listener: GenerationListener) {
    this.#exchange = exchange
    this.#pace = pace
    this.#tokens = tokens
    this.#chunkTokens = chunkTokens
    this.#listener = listener
    this.#startedAt = exchange.clock.now()
  }

  start(): void {
    this.#exchange.onHangUp = () => this.#hangUp()
    this.#exchange.after(this.#pace.firstTokenMs, () => this.#advance())
  }

  /** No more tokens, and no more calls; for use by the listener. */
  stop(): void {
    this.#stopped = true
  }

  #advance(): void {
    const now = this.#exchange.clock.now()
    const ready = this.#readyAt(now)
    let next = this.#nextChunk()
    while (next <= ready && this.#generated < this.#tokens && !this.#stopped) {
      this.#exchange.generated(next - this.#generated)
      const from = this.#generated
      this.#generated = next
      this.#listener.chunk(from, next)
      next = this.#nextChunk()
    }
    const done = this.#generated >= this.#tokens
    if (this.#stopped) return
    this.#listener.flush(done)
    if (!done) this.#exchange.after(Math.max(this.#timeOf(next) - now, Number.MIN_VALUE), () => this.#advance())
  }

  #nextChunk(): number {
    const whole = this.#chunkTokens === Infinity
    return Math.min(this.#tokens, this.#generated === 0 && !whole ? 1 : this.#generated + this.#chunkTokens)
  }

  /** When the given token, counted from 1, is there. */
  #timeOf(token: number): number {
    return this.#startedAt + this.#pace.firstTokenMs + (token - 1) * this.#pace.perTokenMs
  }

  #readyAt(now: number): number {
    const { firstTokenMs, perTokenMs } = this.#pace
    const elapsedMs = now - this.#startedAt - firstTokenMs
    if (perTokenMs === 0) return elapsedMs > -ROUNDING ? this.#tokens : 0
    return Math.min(this.#tokens, Math.max(0, 1 + Math.floor(elapsedMs / perTokenMs + ROUNDING)))
  }

  /** What was generated up to now was generated, whether or not it was sent. */
  #hangUp(): void {
    this.#exchange.generated(this.#readyAt(this.#exchange.clock.now()) - this.#generated)
  }
}
