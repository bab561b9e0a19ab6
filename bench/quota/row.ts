import type { Profile } from '../../src/types.js'
import type { ServerRules } from './server.js'
import type { Arrivals, WorkloadName } from './workloads.js'

/** The goal of a row. Every row also requires that all jobs are done. */
export interface Goal {
  /** The most 429s, as a share of the jobs. Undefined: they are only reported. */
  readonly refusedShare?: number
  /** The number of first episodes of 429s that do not count, because the client learns from them. */
  readonly episodesToLearn?: number
  /** The most episodes before the client has found the limits. */
  readonly episodes?: number
  /** The smallest share of the quota. */
  readonly share?: number
  /** The smallest share, as a fraction of the row's ceiling. */
  readonly ofCeiling?: number
  /** The smallest share, as a distance below the row's ceiling. */
  readonly belowCeiling?: number
}

export interface Row {
  readonly name: string
  readonly workload: WorkloadName
  readonly arrivals: Arrivals
  /** The number of jobs. A trace ignores it. */
  readonly jobs: number
  readonly server: ServerRules
  /** Whether the client knows the output before it sends a request. */
  readonly knowsOutput: boolean
  /** Whether a client can learn from responses when the server's windows begin. */
  readonly knowsPhase: boolean
  /** What headgate knows about the server beside its limits. Undefined: nothing. */
  readonly profile: Profile | undefined
  /** Whether headgate probes for higher limits than the configured ones. */
  readonly triesForMore?: boolean
  /** When the measurement of the share begins, in ms after the start. */
  readonly measureAfterMs?: number
  readonly goal: Goal
  /** Whether the other clients run it too. Some of them take an hour for a row of an hour. */
  readonly isCompared: boolean
  /** Whether it belongs to the quick set, which checks every change. */
  readonly isQuick: boolean
}
