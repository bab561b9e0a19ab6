import { strict as assert } from 'node:assert'
import type { Limiter, LimiterOptions } from 'headgate'
import type { Simulator } from 'headgate/simulator'
import type { OpenAI } from 'openai'
import type { Case, Outcome } from './case.js'
import { Recorder } from './recorder.js'
import type { Headgate, OpenAISdk } from './sdk.js'
import { seen } from './seen.js'

type ClientOptions = NonNullable<ConstructorParameters<typeof OpenAI>[0]>

export const MODEL = 'qwen-plus'
export const EMBEDDINGS = 'text-embedding-v4'
const WIDE = { rpm: 600_000, tpm: 600_000_000 }
const EPOCH_MS = 1_750_000_000_000
/** How long a run may go on after its case has ended. */
const REST_MS = 5000

/** A service of its own, and a client of it: raw, or wrapped. */
export class World<Sdk> {
  readonly sdk: Sdk
  readonly headgate: Headgate
  readonly simulator: Simulator
  readonly http: Recorder
  /** Of the wrapped run alone. */
  readonly limiter: Limiter | undefined

  constructor(sdk: Sdk, headgate: Headgate, simulator: Simulator, options: LimiterOptions | undefined) {
    this.sdk = sdk
    this.headgate = headgate
    this.simulator = simulator
    this.http = new Recorder(simulator.port)
    this.limiter = options && headgate.createLimiter(options)
  }

  get origin(): string {
    return `127.0.0.1:${this.simulator.port}`
  }

  /** What an SDK is given that takes a `fetch`. */
  get fetch(): { fetch?: typeof globalThis.fetch } {
    return this.limiter === undefined ? {} : { fetch: this.limiter.fetch }
  }

  /** A client of the service. */
  client(this: World<OpenAISdk>, options: ClientOptions = {}): OpenAI {
    return this.wrap(new this.sdk.OpenAI({ apiKey: 'sk-test', baseURL: this.simulator.url, ...options }))
  }

  /** The client itself in the raw run. */
  wrap<C extends OpenAI>(client: C): C {
    return this.limiter === undefined ? client : this.headgate.limitOpenAI(client, this.limiter)
  }

  /** Everything has ended and was settled once; nothing is left over. */
  async rest(): Promise<void> {
    if (this.limiter === undefined) return
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), REST_MS)
    })
    const ended = await Promise.race([this.limiter.drain(), tooLate])
    clearTimeout(timer)
    const { inFlight, waiting, doubleSettles } = this.limiter.stats()
    assert.notEqual(ended, 'late', `${inFlight} in flight and ${waiting} waiting ${REST_MS} ms after the end`)
    assert.deepEqual([inFlight, waiting, doubleSettles], [0, 0, 0], 'in flight, waiting, settled twice')
  }
}

/** Runs a case once. */
export async function runOnce<Sdk>(one: Case<Sdk>, sdk: Sdk, headgate: Headgate, isWrapped: boolean): Promise<Outcome> {
  const simulator = await headgate.startSimulator({
    seed: 7,
    epochMs: EPOCH_MS,
    latency: { firstTokenMs: 0, perTokenMs: 0, jitter: 0 },
    ...(one.timed !== true && { clock: STILL }),
    ...one.service,
  })
  const limits = { [MODEL]: WIDE, 'qwen-flash': WIDE, [EMBEDDINGS]: WIDE }
  const world = new World(sdk, headgate, simulator, isWrapped ? { limits, startFull: true } : undefined)
  try {
    const value = await one.run(world)
    await world.rest()
    return { seen: seen(value, world.origin), requests: world.http.requests() }
  } finally {
    world.http.stop()
    await world.limiter?.close({ abandon: true })
    await simulator.close()
  }
}

/** Time that stands still, so that answers come at once and say the same second; what is delayed takes its time. */
const STILL = {
  now: () => 0,
  setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms),
  clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
}
