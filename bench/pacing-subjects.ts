import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import pThrottle from 'p-throttle'
import { systemClock } from '../src/clock.js'
import { createLimiter } from '../src/index.js'

export interface PacingSubject {
  readonly name: string
  /** Starts a second. */
  readonly rate: number
  /** What it keeps clear after each second, in ms. */
  readonly networkJitterMs: number
  /** Whether a bucket that starts empty paces it from the beginning; else the first second's worth goes at once. */
  readonly isPaced: boolean
  /** Over how many periods of a second and J it is measured. */
  readonly rounds: number
  /** Has `count` jobs wait, each of which calls `start` once: with the time that it was charged at, where that is known. */
  submit(count: number, start: (chargedAt?: number) => void): void
}

function headgate(rate: number, options: { networkJitterMs?: number; startFull?: boolean } = {}): PacingSubject {
  const { networkJitterMs = 50, startFull = false } = options
  return {
    name: `headgate, J ${networkJitterMs} ms${startFull ? ', starting full' : ''}`,
    rate,
    networkJitterMs,
    isPaced: !startFull,
    rounds: 5,
    submit(count, start) {
      let read = 0
      // What was read last before a job runs is what its charge is dated with.
      const clock = { ...systemClock, now: () => (read = performance.now()) }
      const limits = { m: { rpm: 60 * rate, tpm: Infinity } }
      const limiter = createLimiter({ limits, networkJitterMs, startFull, clock })
      const request = { model: 'm', tokens: 1 }
      for (let i = 0; i < count; i++) void limiter.schedule(request, () => start(read))
    },
  }
}

function peer(name: string, submit: PacingSubject['submit'], rounds = 5): PacingSubject {
  return { name, rate: RATE, networkJitterMs: 0, isPaced: false, rounds, submit }
}

const RATE = 10_000

/** Each set up as its documentation says for so many in any second, or in each. */
const peers: readonly PacingSubject[] = [
  peer('p-throttle, strict', (count, start) => {
    const throttled = pThrottle({ limit: RATE, interval: 1000, strict: true })(() => start())
    for (let i = 0; i < count; i++) void throttled()
  }),
  peer('p-throttle', (count, start) => {
    const throttled = pThrottle({ limit: RATE, interval: 1000 })(() => start())
    for (let i = 0; i < count; i++) void throttled()
  }),
  peer('p-queue, strict', (count, start) => {
    const queue = new PQueue({ intervalCap: RATE, interval: 1000, strict: true })
    for (let i = 0; i < count; i++) void queue.add(() => start())
  }),
  peer(
    'bottleneck, reservoir',
    (count, start) => {
      const reservoir = { reservoir: RATE, reservoirRefreshAmount: RATE, reservoirRefreshInterval: 1000 }
      const limiter = new Bottleneck(reservoir)
      for (let i = 0; i < count; i++) void limiter.schedule(async () => start())
    },
    // It starts a few hundred a second, however long one looks.
    2,
  ),
]

export const subjects: readonly PacingSubject[] = [
  headgate(1000),
  headgate(5000),
  headgate(RATE),
  headgate(RATE, { networkJitterMs: 5 }),
  headgate(RATE, { startFull: true }),
  ...peers,
]
