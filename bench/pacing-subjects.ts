import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import pThrottle from 'p-throttle'
import { systemClock } from '../src/clock.js'
import { createLimiter } from '../src/index.js'

export interface PacingSubject {
  readonly name: string
  /** The limit, in starts per second. */
  readonly rate: number
  /** The time that the limiter keeps free after each second, in ms. */
  readonly networkJitterMs: number
  /** Whether a bucket that starts empty paces the starts. Otherwise the jobs of the first second start at once. */
  readonly isPaced: boolean
  /** The number of measured periods of 1 s + J. */
  readonly rounds: number
  /** Queues `count` jobs. Each calls `start` once, with the time that it was charged at if that is known. */
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
      // The limiter dates a charge with the last time that it read before it runs the job.
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

/** Each is set up as its documentation says, for this rate in any second or in each second. */
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
    // Measured: it starts a few hundred jobs per second, in a run of any length.
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
