import { getEventListeners } from 'node:events'
import { expect, onTestFinished, vi } from 'vitest'
import { createLimiter, type HeadgateEvents, type Limiter, type LimiterOptions } from '../../src/index.js'
import { withSettings, type ClientSettings } from '../../src/transport/hints.js'
import { content, opening } from './chat-events.js'
import { FakeFetch, type FakeAnswer, type Feed } from './fake-fetch.js'
import { settlePromises, VirtualClock } from './virtual-clock.js'

export const BASE = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
export const CHAT = `${BASE}/chat/completions`
export const chatBody = { model: 'qwen-plus', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 }

const row = { rpm: 600, tpm: 1_000_000 }

/** A limiter on a virtual clock before a fake service. */
export class LimitedFetch {
  readonly clock = new VirtualClock()
  readonly limiter: Limiter
  readonly service: FakeFetch
  readonly admitted: HeadgateEvents['admit'][] = []
  readonly settled: HeadgateEvents['settle'][] = []
  readonly throttled: HeadgateEvents['throttled'][] = []
  readonly moved: HeadgateEvents['fallback'][] = []
  readonly warned: HeadgateEvents['warning'][] = []
  readonly #signals: AbortSignal[] = []

  /** `answers` may need the clock. Backing off takes 500 ms, then 1,000 ms, then 2,000 ms. */
  constructor(answers: FakeAnswer[] | ((clock: VirtualClock) => FakeAnswer[]), options: LimiterOptions = {}) {
    this.service = new FakeFetch(typeof answers === 'function' ? answers(this.clock) : answers)
    this.limiter = createLimiter({
      clock: this.clock,
      limits: { 'qwen-plus': row, 'qwen-flash': row, 'text-embedding-v4': row },
      startFull: true,
      random: () => 0,
      ...options,
    })
    this.limiter.on('admit', (event) => this.admitted.push(event))
    this.limiter.on('settle', (event) => this.settled.push(event))
    this.limiter.on('throttled', (event) => this.throttled.push(event))
    this.limiter.on('fallback', (event) => this.moved.push(event))
    this.limiter.on('warning', (event) => this.warned.push(event))
    vi.stubGlobal('fetch', this.service.fetch)
    onTestFinished(() => {
      vi.unstubAllGlobals()
    })
  }

  /** A signal whose listeners are counted at the end. */
  abortable(): AbortController {
    const controller = new AbortController()
    this.#signals.push(controller.signal)
    return controller
  }

  /** Posts `body`, as the wrapped client would if `settings` are given. */
  post(body: unknown = chatBody, init: RequestInit = {}, settings?: Partial<ClientSettings>): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const whole: RequestInit = { method: 'POST', body: text, headers: { 'content-type': 'application/json' }, ...init }
    const client = { fetch: this.service.fetch, timeoutMs: 600_000, maxRetries: 2, ...settings }
    return this.limiter.fetch(CHAT, settings === undefined ? whole : withSettings(whole, client))
  }

  stream(init?: RequestInit, settings?: Partial<ClientSettings>): Promise<Response> {
    return this.post({ ...chatBody, stream: true }, init, settings)
  }

  /** Lets time pass until the call has ended, in steps of 100 ms. */
  async after<T>(call: Promise<T>): Promise<T> {
    const state = { hasEnded: false }
    const end = () => {
      state.hasEnded = true
    }
    call.then(end, end)
    await settlePromises()
    for (let steps = 0; !state.hasEnded && steps < 10_000; steps++) await this.clock.advance(100)
    return call
  }

  /** Nothing runs or waits, every attempt settled once, no timer and no listener is left. */
  expectAtRest(): void {
    expect(this.limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0, doubleSettles: 0 })
    expect(this.settled).toHaveLength(this.admitted.length)
    expect(this.clock.pending).toBe(0)
    for (const signal of this.#signals) expect(getEventListeners(signal, 'abort')).toEqual([])
  }
}

/** What a promise was rejected with. */
export async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => {
      throw new Error(`it resolved to ${String(value)}`)
    },
    (error: unknown) => error,
  )
}

/** A limiter before a service that sends `feed`, after the first content has come. */
export async function flowing(
  feed: Feed,
  init?: RequestInit,
  timeoutMs?: number,
): Promise<{ world: LimitedFetch; response: Response }> {
  const world = new LimitedFetch([feed.answer()])
  const call = world.stream(init, timeoutMs === undefined ? undefined : { timeoutMs })
  await settlePromises()
  feed.push(opening + content('Hello'))
  return { world, response: await call }
}
