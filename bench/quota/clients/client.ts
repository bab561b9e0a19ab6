import type { Profile } from '../../../src/types.js'
import type { Timeline } from '../clock.js'
import type { OutputForesight } from '../output-foresight.js'
import type { Answer } from '../server.js'
import type { Job } from '../workloads.js'

/** What a client is told of a row, and what it sends requests with. */
export interface Setting {
  readonly timeline: Timeline
  readonly random: () => number
  readonly rpm: number
  readonly tpm: number
  readonly perSecond: boolean
  readonly networkJitterMs: number
  /** Whether the output of a job is known before it is sent; else no more than its `max_tokens` is. */
  readonly knowsOutput: boolean
  /** Whether limits may be higher than told. */
  readonly triesForMore: boolean
  /** What is known of the server beside its limits; undefined: nothing. */
  readonly profile: Profile | undefined
  send(job: Job): Promise<Answer>
}

export interface Client {
  /** Resolves when the job is answered; rejects when the client gives it up. */
  submit(job: Job): Promise<unknown>
  /** How well it foresaw the output; undefined where that was known to it, or where it foresees none. */
  foresight?(): OutputForesight | undefined
  close?(): void
}

export interface ClientKind {
  readonly name: string
  /** The packages that it is made of. */
  readonly packages: readonly string[]
  /** Whether it reads the process's own clocks, which then are replaced. */
  readonly usesGlobals: boolean
  create(setting: Setting): Client
}

/** What a client that reserves charges a job with: the true cost where it is known, else all that it may use. */
export function reservedTokens(job: Job, { knowsOutput }: Pick<Setting, 'knowsOutput'>): number {
  return job.inputTokens + (knowsOutput ? job.outputTokens : job.maxTokens)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
