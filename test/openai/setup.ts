import OpenAI from 'openai'
import { expect, onTestFinished } from 'vitest'
import { createLimiter, type HeadgateEvents, type Limiter, type LimiterOptions } from '../../src/index.js'
import { limitOpenAI } from '../../src/openai/index.js'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js'
import { settlePromises, VirtualClock } from '../support/virtual-clock.js'

export const model = 'qwen-plus'
export const messages = [{ role: 'user' as const, content: 'How deep is the water at the gate?' }]
export const chat = { model, messages }

export const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
}

const wide = { rpm: 1_000_000, tpm: 1_000_000_000 }

/** Starts a simulator whose clock stands still. It answers at once, and always the same. */
export async function stillSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    clock: new VirtualClock(),
    epochMs: 1_750_000_000_000,
    latency: { firstTokenMs: 0, perTokenMs: 0, jitter: 0 },
    seed: 7,
    ...options,
  })
  onTestFinished(() => simulator.close())
  return simulator
}

/** A client that is wrapped by a limiter on a virtual clock. The server and the sockets run in real time. */
export class Wrapped {
  readonly clock = new VirtualClock()
  readonly limiter: Limiter
  readonly raw: OpenAI
  readonly client: OpenAI
  readonly admitted: HeadgateEvents['admit'][] = []
  readonly settled: HeadgateEvents['settle'][] = []
  readonly warned: HeadgateEvents['warning'][] = []

  constructor(
    baseURL: string,
    options: LimiterOptions = {},
    clientOptions: ConstructorParameters<typeof OpenAI>[0] = {},
  ) {
    this.limiter = createLimiter({
      clock: this.clock,
      limits: { [model]: wide, 'qwen-flash': wide, 'text-embedding-v4': wide },
      startFull: true,
      ...options,
    })
    this.limiter.on('admit', (event) => this.admitted.push(event))
    this.limiter.on('settle', (event) => this.settled.push(event))
    this.limiter.on('warning', (event) => this.warned.push(event))
    this.raw = new OpenAI({ apiKey: 'sk-test', baseURL, ...clientOptions })
    this.client = limitOpenAI(this.raw, this.limiter)
  }

  /** Advances the limiter's clock while a job waits, and only then, until the call has ended. */
  async after<T>(call: PromiseLike<T>): Promise<T> {
    const state = { hasEnded: false }
    const end = () => {
      state.hasEnded = true
    }
    call.then(end, end)
    while (!state.hasEnded) {
      if (this.limiter.stats().waiting > 0) await this.clock.advance(100)
      else await settlePromises()
    }
    return call
  }

  /** Waits until sockets have made `condition` true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await settlePromises()
  }

  /** Resolves when all calls have settled and no timer is left. */
  async rest(): Promise<void> {
    await this.limiter.drain()
    const { inFlight, waiting, doubleSettles } = this.limiter.stats()
    const { pending } = this.clock
    const state = { inFlight, waiting, doubleSettles, pending, unsettled: this.admitted.length - this.settled.length }
    const atRest = { inFlight: 0, waiting: 0, doubleSettles: 0, pending: 0, unsettled: 0 }
    expect(state, 'at rest').toEqual(atRest)
  }
}

/** The error that a call rejected with. */
export async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).then(
    (value) => {
      throw new Error(`it resolved to ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
}

export async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}
