import { drive, EventTimeline, START_MS } from '../../bench/quota/clock.js'
import { seeded } from '../../bench/quota/random.js'
import { refusalOf } from '../../bench/quota/refusal.js'
import { createLimiter, type LimiterOptions } from '../../src/index.js'

const RPM = 600
const NETWORK_MS = 20
const J_MS = 50
const ANSWER_MS = 800

/**
 * Decides whether a request that arrives now is part of a surge. One that it takes is admitted unless the minute is
 * full.
 */
export interface Detector {
  takes(atMs: number): boolean
  admit(atMs: number): void
}

export interface Surging {
  /** How many jobs arrive at once, how often, and with which interval. */
  readonly jobs: number
  readonly times?: number
  readonly everyMs?: number
  /** Options of the limiter. */
  readonly options?: Pick<LimiterOptions, 'startFull' | 'maxRetries'>
}

export interface Surged {
  readonly done: number
  readonly lost: number
  readonly refusals: number
  /**
   * The start of each episode, in s. A new episode begins with a refused request that was sent after the last episode's
   * first refusal was received.
   */
  readonly episodes: readonly number[]
  /** The number of admissions in each minute. */
  readonly byMinute: readonly number[]
  /** When the last request was admitted, in s. */
  readonly lastAt: number
}

/** Sends bursts of requests to a server with a limit of 600 requests per minute and a surge detector. */
export async function surge(
  detector: Detector,
  { jobs, times = 1, everyMs = 0, options = {} }: Surging,
): Promise<Surged> {
  const timeline = new EventTimeline()
  const random = seeded(1, 'server')
  const limiter = createLimiter({
    limits: { m: { rpm: RPM, tpm: 1_000_000_000 } },
    perSecond: false,
    networkJitterMs: J_MS,
    ...options,
    clock: timeline,
    random: seeded(1, 'client'),
  })
  const admitted: number[] = []
  const episodes: number[] = []
  let first = 0
  let receivedAtMs = -Infinity
  let refusals = 0
  let done = 0
  let lost = 0
  const arrive = (sentAtMs: number): object | undefined => {
    const atMs = timeline.now()
    while (admitted[first]! <= atMs - 60_000) first++
    const isFull = admitted.length - first >= RPM
    if (!isFull && detector.takes(atMs)) {
      detector.admit(atMs)
      admitted.push(atMs)
      return undefined
    }
    refusals++
    if (sentAtMs > receivedAtMs) {
      episodes.push(Math.round((sentAtMs - START_MS) / 1000))
      receivedAtMs = atMs + NETWORK_MS
    }
    return refusalOf(isFull ? 'requests' : 'surge', new Headers())
  }
  const send = () =>
    new Promise((resolve, reject) => {
      const sentAtMs = timeline.now()
      timeline.setTimeout(
        () => {
          const refusal = arrive(sentAtMs)
          if (refusal === undefined) timeline.setTimeout(() => resolve({}), ANSWER_MS)
          else timeline.setTimeout(() => reject(refusal), NETWORK_MS)
        },
        NETWORK_MS + J_MS * random(),
      )
    })
  const submitAll = () => {
    for (let i = 0; i < jobs; i++) {
      const request = { model: 'm', inputTokens: 1, tokens: 2 }
      limiter.schedule(request, send).then(
        () => done++,
        () => lost++,
      )
    }
  }
  for (let i = 0; i < times; i++) timeline.setTimeout(submitAll, i * everyMs)
  await drive(timeline, () => done + lost === jobs * times || timeline.now() > START_MS + 48 * 3_600_000)
  timeline.end()
  const byMinute: number[] = []
  for (const atMs of admitted) {
    const minute = Math.floor((atMs - START_MS) / 60_000)
    byMinute[minute] = (byMinute[minute] ?? 0) + 1
  }
  return { done, lost, refusals, episodes, byMinute, lastAt: (admitted.at(-1)! - START_MS) / 1000 }
}

export interface Shape {
  readonly shortMs: number
  readonly longMs: number
  readonly factor: number
  /** The number of requests that the short window always admits. */
  readonly always: number
  /** Whether the short window is a part of the long one. */
  readonly isWithin: boolean
}

/** A detector that compares a short window with the mean of a long one. */
export class WindowDetector implements Detector {
  readonly #shape: Shape
  readonly #admitted: number[] = []
  #short = 0
  #long = 0
  constructor(shape: Shape) {
    this.#shape = shape
  }

  takes(atMs: number): boolean {
    const { shortMs, longMs, factor, always, isWithin } = this.#shape
    const admitted = this.#admitted
    const from = isWithin ? atMs : atMs - shortMs
    while (admitted[this.#short]! <= atMs - shortMs) this.#short++
    while (admitted[this.#long]! <= from - longMs) this.#long++
    const short = admitted.length - this.#short
    const long = (isWithin ? admitted.length : this.#short) - this.#long
    return short + 1 <= Math.max(always, (factor * long * shortMs) / longMs)
  }

  admit(atMs: number): void {
    this.#admitted.push(atMs)
  }
}
