import type { Exchange } from '../exchange.js'
import type { Latency } from '../options/answer-options.js'
import type { Random } from '../random.js'
import type { Answer } from './answer.js'

/** How fast one answer is generated. */
export interface GenerationPace {
  readonly firstTokenMs: number
  readonly perTokenMs: number
}

/** What a generation tells. */
export interface GenerationListener {
  /** The tokens from one to another were generated, of each answer that is so long. */
  chunk(from: number, to: number): void
  /** What is there for now has been told; `done`: it was all. */
  flush(done: boolean): void
}

/** Forgives the rounding of times that are sums of fractions: a part of a token. */
const ROUNDING = 1e-6

/** The pace of one request. */
export function drawnPace(latency: Required<Latency>, random: Random): GenerationPace {
  const { firstTokenMs, perTokenMs, jitter } = latency
  const vary = (): number => 1 + jitter * (2 * random.unit() - 1)
  return { firstTokenMs: firstTokenMs * vary(), perTokenMs: perTokenMs * vary() }
}

/**
 * Generates the tokens of a request's answers in time, all answers side by side, a chunk at a time. Chunks that are late
 * come at once, so that coarse timers do not make an answer longer.
 */
export class Generation {
  readonly #exchange: Exchange
  readonly #pace: GenerationPace
  readonly #answers: readonly Answer[]
  /** The tokens of the longest answer. */
  readonly #tokens: number
  readonly #chunkTokens: number
  readonly #listener: GenerationListener
  readonly #startedAt: number
  #generated = 0
  #stopped = false

  /** `chunkTokens` Infinity tells the answers in one piece, else the first token comes alone. */
  constructor(
    exchange: Exchange,
    pace: GenerationPace,
    answers: readonly Answer[],
    chunkTokens: number,
    listener: GenerationListener,
  ) {
    this.#exchange = exchange
    this.#pace = pace
    this.#answers = answers
    this.#tokens = Math.max(0, ...answers.map(({ tokens }) => tokens))
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
    // A chunk whose own time has come is ready whatever the division says: the timer was set for that time, and far from
    // the clock's zero it would be set for the same time again.
    while ((next <= ready || this.#timeOf(next) <= now) && this.#generated < this.#tokens && !this.#stopped) {
      const from = this.#generated
      this.#count(from, next)
      this.#generated = next
      this.#listener.chunk(from, next)
      next = this.#nextChunk()
    }
    const done = this.#generated >= this.#tokens
    if (this.#stopped) return
    this.#listener.flush(done)
    if (!done) this.#exchange.after(this.#timeOf(next) - now, () => this.#advance())
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

  #count(from: number, to: number): void {
    let [all, thinking] = [0, 0]
    for (const { tokens, reasoningTokens } of this.#answers) {
      all += within(tokens, from, to)
      thinking += within(reasoningTokens, from, to)
    }
    this.#exchange.generated(all, thinking)
  }

  /** What was generated up to now was generated, whether or not it was sent. */
  #hangUp(): void {
    const ready = this.#readyAt(this.#exchange.clock.now())
    if (ready > this.#generated) this.#count(this.#generated, ready)
  }
}

/** How many of `length` tokens lie between two others. */
function within(length: number, from: number, to: number): number {
  return Math.min(to, length) - Math.min(from, length)
}
