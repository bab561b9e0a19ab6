import type { Timeline } from './clock.js'
import { foreignRequest, scaleAt, startForeign, type LimitChange } from './change.js'
import { ServerLimit } from './limit.js'
import { OutputCharge, type OutputAccounting } from './output-charge.js'
import { refusalOf, type Refusal, type RefusalClass } from './refusal.js'
import { SurgeDetector } from './surge.js'
import type { CountingRule } from './windows.js'
import { durationMs, type Job } from './workloads.js'

/** How the server of a row counts. */
export interface ServerRules {
  readonly rpm: number
  readonly tpm: number
  readonly minute: CountingRule
  readonly second: CountingRule | 'none'
  readonly charging: OutputAccounting
  /** J: each request is counted up to so much later than another would be. */
  readonly networkJitterMs: number
  readonly hasSurgeDetector: boolean
  readonly change: LimitChange
  /** Whether fixed windows begin at whole seconds and minutes of its clock; else anywhere. */
  readonly beginsByClock: boolean
  /** Whether answers carry `req-arrive-time`. */
  readonly tellsArrival: boolean
}

/** What a request is answered with. */
export interface Answer {
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number }
  readonly headers: Headers
}

export interface Admitted {
  readonly job: Job
  readonly atMs: number
}

export interface Refused {
  readonly job: Job
  readonly class: RefusalClass
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

/** To the server and back, beside what varies. */
const NETWORK_MS = 20
/** The server's clock is not the client's: so far apart are their zero points, by no whole number of seconds. */
export const SERVER_EPOCH_MS = 1_790_000_023_417

/** Counts requests as its rules say, and remembers what it admitted, and when. */
export class Server {
  readonly admitted: Admitted[] = []
  readonly refused: Refused[] = []
  readonly #rules: ServerRules
  readonly #timeline: Timeline
  readonly #random: () => number
  readonly #limits: readonly ServerLimit[]
  readonly #output: OutputCharge
  readonly #surge: SurgeDetector | undefined

  constructor(rules: ServerRules, timeline: Timeline, random: () => number) {
    this.#rules = rules
    this.#timeline = timeline
    this.#random = random
    this.#limits = limitsOf(rules, random)
    this.#output = new OutputCharge(rules.charging, this.#limits)
    this.#surge = rules.hasSurgeDetector ? new SurgeDetector(rules.rpm) : undefined
    scaleAt(rules.change, timeline, this.#limits)
    startForeign(rules, timeline, random, (tokens) => foreignRequest(this.#limits, tokens, this.#now()))
  }

  /** Sends a request: resolves to its answer, or rejects with a 429. */
  send(job: Job): Promise<Answer> {
    const sentAtMs = this.#timeline.now()
    return new Promise((resolve, reject) => {
      const delayMs = NETWORK_MS + this.#rules.networkJitterMs * this.#random()
      this.#timeline.setTimeout(() => this.#arrive(job, sentAtMs, resolve, reject), delayMs)
    })
  }

  #arrive(job: Job, sentAtMs: number, resolve: (answer: Answer) => void, reject: (refusal: Refusal) => void): void {
    const atMs = this.#now()
    const headers = new Headers()
    if (this.#rules.tellsArrival) headers.set('req-arrive-time', String(Math.floor(SERVER_EPOCH_MS + atMs)))
    const tokens = this.#output.atAdmission(job)
    const refusal = this.#refusalOf(tokens, atMs)
    if (refusal !== undefined) {
      this.refused.push({ job, class: refusal, sentAtMs, answeredAtMs: atMs + NETWORK_MS })
      this.#timeline.setTimeout(() => reject(refusalOf(refusal, headers)), NETWORK_MS)
      return
    }
    for (const limit of this.#limits) limit.admit(limit.counts === 'requests' ? 1 : tokens, atMs)
    this.#surge?.admit(atMs)
    this.#output.began(job, atMs)
    this.admitted.push({ job, atMs })
    this.#timeline.setTimeout(() => this.#end(job, atMs, headers, resolve), durationMs(job))
  }

  #end(job: Job, admittedAtMs: number, headers: Headers, resolve: (answer: Answer) => void): void {
    this.#output.ended(job, admittedAtMs, this.#now())
    const { inputTokens, outputTokens } = job
    const usage = {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    }
    this.#timeline.setTimeout(() => resolve({ usage, headers }), NETWORK_MS)
  }

  #refusalOf(tokens: number, atMs: number): RefusalClass | undefined {
    const full = this.#limits.find((limit) => !limit.takes(limit.counts === 'requests' ? 1 : tokens, atMs))
    if (full !== undefined) return full.counts
    return this.#surge?.takes(atMs) === false ? 'surge' : undefined
  }

  /** The time, with all output charged that was generated until then. */
  #now(): number {
    const nowMs = this.#timeline.now()
    this.#output.catchUp(nowMs)
    return nowMs
  }
}

function limitsOf({ rpm, tpm, minute, second, beginsByClock }: ServerRules, random: () => number): ServerLimit[] {
  const windows = [{ rule: minute, windowMs: 60_000 }, ...(second === 'none' ? [] : [{ rule: second, windowMs: 1000 }])]
  return windows.flatMap(({ rule, windowMs }) => {
    const anyPhaseMs = windowMs * random()
    const phaseMs = beginsByClock ? windowMs - (SERVER_EPOCH_MS % windowMs) : anyPhaseMs
    const share = windowMs / 60_000
    return (['requests', 'tokens'] as const).map((counts) => {
      const limit = (counts === 'requests' ? rpm : tpm) * share
      return new ServerLimit({ counts, limit, windowMs, rule, phaseMs })
    })
  })
}
