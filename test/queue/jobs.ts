import type { JobList, Waiting } from '../../src/queue/job-list.js'
import type { Cost } from '../../src/types.js'

/** A job as its queue sees it, with a name. */
export interface NamedJob extends Waiting {
  readonly name: string
  readonly startBy: number
}

export function costOf(inputTokens: number, outputTokens = 0): Cost {
  return { requests: 1, inputTokens, outputTokens, thinkingTokens: 0 }
}

export interface JobFields {
  readonly priority?: number
  readonly tenant?: string | undefined
  readonly tokens?: number
  readonly startBy?: number
}

export function job(name: string, fields: JobFields = {}): NamedJob {
  const { priority = 0, tenant, tokens = 0, startBy = Infinity } = fields
  const links = { inList: undefined as JobList | undefined, before: undefined, after: undefined }
  return { name, priority, tenant, cost: costOf(tokens), startBy, ...links }
}

export function names(jobs: Iterable<NamedJob>): string {
  return [...jobs].map(({ name }) => name).join(' ')
}
