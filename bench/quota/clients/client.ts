import type { Profile } from '../../../src/types.js'
import type { Timeline } from '../clock.js'
import type { OutputForesight } from '../output-foresight.js'
import type { Answer } from '../server.js'
import type { Job } from '../workloads.js'

/** What a client knows about a row, and the function by which it sends requests. */
export interface Setting {
  readonly timeline: Timeline
  readonly random: () => number
  readonly rpm: number
  readonly tpm: number
  readonly perSecond: boolean
  readonly networkJitterMs: number
  /** Whether the output of a job is known before it is sent. Otherwise only its `max_tokens` is known. */
  readonly knowsOutput: boolean
  /** Whether the server's limits may be higher than the configured ones. */
  readonly triesForMore: boolean
  /** The server's profile. Undefined: only its limits are known. */
  readonly profile: Profile | undefined
  send(job: Job): Promise<Answer>
}

export interface Client {
  /** Resolves when the job is answered. Rejects when the client gives up. */
  submit(job: Job): Promise<unknown>
  /** How well it predicted the output. Undefined if it knew the output, or does not predict it. */
  foresight?(): OutputForesight | undefined
  close?(): void
}

export interface ClientKind {
  readonly name: string
  /** The packages that it uses. */
  readonly packages: readonly string[]
  /** Whether it reads the process's own clocks. They are then replaced. */
  readonly usesGlobals: boolean
  create(setting: Setting): Client
}

/** The tokens that a client reserves for a job: the true cost if it is known, else the largest possible cost. */
export function reservedTokens(job: Job, { knowsOutput }: Pick<Setting, 'knowsOutput'>): number {
  return job.inputTokens + (knowsOutput ? job.outputTokens : job.maxTokens)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
