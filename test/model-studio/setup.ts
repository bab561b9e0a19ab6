import { expect, onTestFinished } from 'vitest'
import { ModelStudio, ModelStudioError, type ModelStudioOptions } from '../../src/model-studio/index.js'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js'
import { CountedFetch } from '../support/counted-fetch.js'
import { FakeFetch, type FakeAnswer } from '../support/fake-fetch.js'
import { settlePromises, VirtualClock } from '../support/virtual-clock.js'

export const KEY = 'sk-0123456789abcdef'

export interface World {
  readonly studio: ModelStudio
  readonly service: FakeFetch
  readonly clock: VirtualClock
  /** Lets time pass until the call has ended. */
  after<T>(call: Promise<T>): Promise<T>
}

/** A client before a service that answers by a script. Backing off takes 500 ms, then 1,000 ms, then 2,000 ms. */
export function world(answers: FakeAnswer[], options: Partial<ModelStudioOptions> = {}): World {
  const clock = new VirtualClock()
  const service = new FakeFetch(answers)
  const studio = new ModelStudio({ apiKey: KEY, clock, fetch: service.fetch, random: () => 0, ...options })
  return { studio, service, clock, after: (call) => through(clock, call, () => false) }
}

/** A client before a simulator, over HTTP; both live in one virtual time, which stands still while a request is under way. */
export async function simulated(
  options: SimulatorOptions = {},
  own: Partial<ModelStudioOptions> = {},
): Promise<{ studio: ModelStudio; simulator: Simulator; clock: VirtualClock; after<T>(call: Promise<T>): Promise<T> }> {
  const clock = new VirtualClock(0)
  const simulator = await startSimulator({ latency: { firstTokenMs: 0, perTokenMs: 0 }, clock, ...options })
  onTestFinished(() => simulator.close())
  const counted = new CountedFetch()
  const studio = new ModelStudio({ apiKey: KEY, baseURL: simulator.url, clock, fetch: counted.fetch, ...own })
  return { studio, simulator, clock, after: (call) => through(clock, call, () => counted.isBusy) }
}

async function through<T>(clock: VirtualClock, call: Promise<T>, isBusy: () => boolean): Promise<T> {
  const state = { hasEnded: false }
  const end = (): void => {
    state.hasEnded = true
  }
  call.then(end, end)
  await settlePromises()
  for (let steps = 0; !state.hasEnded && steps < 1_000_000; steps++) {
    if (isBusy()) await settlePromises()
    else await clock.advance(100)
  }
  return call
}

/** What a call of the control plane was rejected with, after it was looked through for the key. */
export async function failure(call: Promise<unknown>): Promise<ModelStudioError> {
  const error = await call.then(
    (value) => {
      throw new Error(`it resolved to ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ModelStudioError)
  return error as ModelStudioError
}
