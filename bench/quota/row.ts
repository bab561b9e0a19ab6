import type { Profile } from '../../src/types.js'
import type { ServerRules } from './server.js'
import type { Arrivals, WorkloadName } from './workloads.js'

/** What is to be reached. That all jobs are done is a goal of every row. */
export interface Goal {
  /** 429s, at most, as a part of the jobs. Undefined: reported only. */
  readonly refusedShare?: number
  /** So many episodes of 429s are for learning, and not counted. */
  readonly episodesToLearn?: number
  readonly episodes?: number
  /** The share of the quota, at least. */
  readonly share?: number
  /** The same as a part of the row's ceiling. */
  readonly ofCeiling?: number
  /** The same, as so much below the row's ceiling. */
  readonly belowCeiling?: number
}

export interface Row {
  readonly name: string
  readonly workload: WorkloadName
  readonly arrivals: Arrivals
  /** How many jobs there are; a trace has its own number. */
  readonly jobs: number
  readonly server: ServerRules
  /** Whether the output is known before a request is sent. */
  readonly knowsOutput: boolean
  /** Whether the server tells enough to know when its windows begin. */
  readonly knowsPhase: boolean
  /** What headgate is told of the server beside its limits. */
  readonly profile: Profile | undefined
  /** Whether headgate is to try for more than the limits that it was told. */
  readonly triesForMore?: boolean
  /** The share is measured from then on, in ms from the beginning. */
  readonly measureAfterMs?: number
  readonly goal: Goal
  /** Whether the peers run it as well: on what lasts an hour some of them take an hour. */
  readonly isCompared: boolean
  /** Whether it belongs to the set that every change is checked with. */
  readonly isQuick: boolean
}
