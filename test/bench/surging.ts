import { drive, EventTimeline, START_MS } from '../../bench/quota/clock.js'
import { seeded } from '../../bench/quota/random.js'
import { refusalOf } from '../../bench/quota/refusal.js'
import { createLimiter, type LimiterOptions } from '../../src/index.js'

const RPM = 600
const NETWORK_MS = 20
const J_MS = 50
const ANSWER_MS = 800

/** Says whether a request that arrives now rises too quickly; what it says yes to is admitted, unless the minute is full. */
export interface Detector {
  takes(atMs: number): boolean
  admit(atMs: number): void
}

export interface Surging {
  /** How many come at once, how often, and how far apart. */
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
  /** Times at which a request was refused that was sent after all answers of the last episode could be known, in s. */
  readonly episodes: readonly number[]
  /** Admissions by the minute. */
  readonly byMinute: readonly number[]
  /** When the last was admitted, in s. */
  readonly lastAt: number
}

/** Requests that are there at once, again and again, sent to a server with a minute's limit of 600 and a detector. */
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
  /** What the short window may always take. */
  readonly always: number
  /** Whether the short window is part of the long one. */
  readonly isWithin: boolean
}

/** A short window held against the mean of a long one. */
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
