import { profiles } from '../../src/throttling/profiles.js'
import type { Profile } from '../../src/types.js'
import type { LimitChange } from './change.js'
import type { OutputAccounting } from './output-charge.js'
import type { Goal, Row } from './row.js'
import type { ServerRules } from './server.js'
import type { WorkloadName } from './workloads.js'

const MINUTE_MS = 60_000
const RULES = ['fixed', 'sliding', 'bucket'] as const
const UNCHANGED: LimitChange = { kind: 'unchanged', afterMs: 0 }

interface Load {
  readonly workload: WorkloadName
  readonly rpm: number
  readonly tpm: number
  /** The number of jobs for about an hour at full quota. */
  readonly hour: number
  /** The number of jobs for several minutes, enough for a comparison. */
  readonly some: number
  readonly isBoundByRequests: boolean
}

const LOADS = {
  rpm: { workload: 'rpm', rpm: 600, tpm: 1_000_000, hour: 36_000, some: 3000, isBoundByRequests: true },
  chat: { workload: 'chat', rpm: 600, tpm: 100_000, hour: 5500, some: 600, isBoundByRequests: false },
  long: { workload: 'long', rpm: 600, tpm: 1_000_000, hour: 6000, some: 600, isBoundByRequests: false },
  snapshot: { workload: 'chat', rpm: 60, tpm: 100_000, hour: 3600, some: 600, isBoundByRequests: true },
} as const satisfies Record<string, Load>

interface Case {
  readonly name: string
  readonly load: Load
  readonly jobs?: number
  readonly server: Partial<ServerRules>
  readonly goal: Goal
  readonly knowsRules?: boolean
  readonly rest?: Partial<
    Pick<Row, 'arrivals' | 'knowsPhase' | 'triesForMore' | 'measureAfterMs' | 'isCompared' | 'isQuick'>
  >
}

function rowOf({ name, load, jobs = load.some, server, goal, knowsRules = false, rest = {} }: Case): Row {
  const rules: ServerRules = {
    rpm: load.rpm,
    tpm: load.tpm,
    minute: 'sliding',
    second: 'none',
    charging: 'admission',
    networkJitterMs: 50,
    hasSurgeDetector: false,
    change: UNCHANGED,
    beginsByClock: false,
    tellsArrival: false,
    ...server,
  }
  return {
    name,
    workload: load.workload,
    arrivals: 'backlog',
    jobs,
    server: rules,
    knowsOutput: rules.charging === 'admission',
    knowsPhase: false,
    profile: knowsRules ? profileOf(rules) : undefined,
    goal,
    isCompared: false,
    isQuick: false,
    ...rest,
  }
}

/** The name of each rule in `profile.outputAccounting`. */
const CHARGES_OUTPUT: Readonly<Record<OutputAccounting, string>> = {
  admission: 'reserved',
  reserved: 'reserved',
  generated: 'generated',
  end: 'completion',
}

/** A profile with the server's rules. */
function profileOf({ minute, second, charging, beginsByClock }: ServerRules): Profile {
  const profile = {
    ...profiles['model-studio'],
    name: 'told',
    minuteWindow: minute,
    secondWindow: second === 'none' ? 'unknown' : second,
    windowPhase: beginsByClock ? 'clock' : undefined,
    perSecond: second !== 'none',
    outputAccounting: CHARGES_OUTPUT[charging],
  } as const
  return profile as Profile
}

const NONE: Goal = { refusedShare: 0 }

/**
 * Every load under every rule, with output charged at admission and as generated. The other clients run these rows too.
 */
function comparison(): Row[] {
  return (Object.keys(LOADS) as (keyof typeof LOADS)[]).flatMap((name) =>
    (['none', ...RULES] as const).flatMap((second) =>
      (['admission', 'generated'] as const).map((charging) => {
        const load: Load = LOADS[name]
        const known: Goal = second === 'none' ? NONE : { ...NONE, share: load.isBoundByRequests ? 0.945 : 0.9 }
        const learned: Goal = { refusedShare: 0.03, episodesToLearn: 3, share: 0.88 }
        const minuteAlone: Goal = { refusedShare: 0.01 }
        const unknown = second === 'none' ? minuteAlone : learned
        return rowOf({
          name: `${name}-${second === 'none' ? 'minute' : second}-${charging}`,
          load,
          server: { minute: second === 'none' ? 'sliding' : second, second, charging },
          goal: charging === 'admission' ? known : unknown,
          rest: { isCompared: true, isQuick: charging === 'admission' },
        })
      }),
    ),
  )
}

/**
 * Rows with known output:
 *
 * - an hour with limits per minute only;
 * - strict limits per second with a known profile;
 * - the same with windows that begin by the clock, so that a client can learn their phase;
 * - the same counted by a sliding counter;
 * - strict limits per second with one waiting job at a time.
 */
function known(): Row[] {
  const hours = (['rpm', 'chat'] as const).flatMap((name) =>
    RULES.map((minute) => {
      const load = LOADS[name]
      const goal = { ...NONE, share: 0.99 }
      const rest = { isQuick: true }
      return rowOf({ name: `hour-${name}-${minute}`, load, jobs: load.hour, server: { minute }, goal, rest })
    }),
  )
  const told = (['rpm', 'chat', 'long'] as const).flatMap((name) =>
    RULES.map((rule) => {
      const server = { minute: rule, second: rule }
      const goal = { ...NONE, ofCeiling: 0.97 }
      const rest = { isQuick: true }
      return rowOf({ name: `told-${name}-${rule}`, load: LOADS[name], server, goal, knowsRules: true, rest })
    }),
  )
  const phases = (['rpm', 'chat'] as const).map((name) => {
    const server = { minute: 'fixed', second: 'fixed', beginsByClock: true, tellsArrival: true } as const
    const goal = { ...NONE, share: 0.97 }
    const rest = { knowsPhase: true, isQuick: true }
    return rowOf({ name: `phase-${name}`, load: LOADS[name], server, goal, knowsRules: true, rest })
  })
  const counters = (['rpm', 'chat'] as const).map((name) => {
    const server = { minute: 'counter', second: 'counter' } as const
    return rowOf({
      name: `counter-${name}`,
      load: LOADS[name],
      server,
      goal: NONE,
      knowsRules: true,
      rest: { isQuick: true },
    })
  })
  const single = RULES.map((rule) => {
    const server = { minute: rule, second: rule }
    const rest = { arrivals: 'queue-of-one', isQuick: true } as const
    return rowOf({ name: `one-chat-${rule}`, load: LOADS.chat, server, goal: NONE, rest })
  })
  return [...hours, ...told, ...phases, ...counters, ...single]
}

/**
 * Rows with unknown output:
 *
 * - output that the server reserves;
 * - an hour with limits per minute only;
 * - strict limits per second, with and without a known profile.
 */
function unknown(): Row[] {
  const reserved = [
    ...RULES.map((minute) => ({ name: `reserved-${minute}`, server: { minute } })),
    ...RULES.map((rule) => ({ name: `reserved-strict-${rule}`, server: { minute: rule, second: rule } })),
  ].map(({ name, server }) => {
    const goal = { ...NONE, belowCeiling: 0.05 }
    return rowOf({ name, load: LOADS.chat, server: { ...server, charging: 'reserved' }, goal, knowsRules: true })
  })
  const later = (['generated', 'end'] as const).flatMap((charging) =>
    RULES.flatMap((rule) => {
      const strict = { minute: rule, second: rule, charging }
      const hour: Goal = { refusedShare: 0.01, share: 0.96 }
      const seconds: Goal = { refusedShare: 0.03, share: 0.88 }
      const load = LOADS.chat
      const hourRow = rowOf({
        name: `hour-${charging}-${rule}`,
        load,
        jobs: load.hour,
        server: { minute: rule, charging },
        goal: hour,
      })
      const toldRow = rowOf({ name: `told-${charging}-${rule}`, load, server: strict, goal: seconds, knowsRules: true })
      const goal = { ...seconds, episodesToLearn: 3 }
      // With 'generated', the comparison already has this row.
      const learned =
        charging === 'end' ? [rowOf({ name: `learn-${charging}-${rule}`, load, server: strict, goal })] : []
      return [hourRow, toldRow, ...learned]
    }),
  )
  return [...reserved, ...later]
}

/** Rows with other network jitter, with a surge detector, and with limits that differ from the configured ones. */
function changes(): Row[] {
  const jitters = [0, 200].flatMap((networkJitterMs) =>
    (['rpm', 'chat'] as const).map((name) => {
      const server = { minute: 'sliding', second: 'sliding', networkJitterMs } as const
      const rest = { isQuick: true }
      return rowOf({ name: `jitter${networkJitterMs}-${name}`, load: LOADS[name], server, goal: NONE, rest })
    }),
  )
  const surge = rowOf({
    name: 'surge-rpm',
    load: LOADS.rpm,
    server: { hasSurgeDetector: true },
    goal: { episodes: 1, share: 0.75 },
  })
  const afterMs = 10 * MINUTE_MS
  const backAfterMs = 20 * MINUTE_MS
  const learnedMs = 10 * MINUTE_MS
  const moved = (['none', 'sliding'] as const).flatMap((second) => {
    const of = (change: LimitChange, load: Load, minutes: number, goal: Goal, rest: Case['rest'] = {}) => {
      const perMinute = load.isBoundByRequests ? load.rpm : load.hour / 60
      const name = `${change.kind}-${second === 'none' ? 'minute' : 'strict'}`
      return rowOf({ name, load, jobs: Math.round(minutes * perMinute), server: { second, change }, goal, rest })
    }
    // With unchanged limits, strict limits per second leave 90 % of the tokens.
    const goal: Goal = { share: second === 'none' ? 0.95 : 0.95 * 0.9 }
    // While others send a request every quarter of a second, a request larger than a second's tokens would never be
    // admitted.
    const shared = second === 'none' ? LOADS.chat : LOADS.rpm
    return [
      of({ kind: 'halved', afterMs }, LOADS.chat, 25, { episodes: 1 }),
      of({ kind: 'doubled', afterMs }, LOADS.chat, 65, goal, {
        triesForMore: true,
        measureAfterMs: afterMs + learnedMs,
      }),
      of({ kind: 'restored', afterMs, backAfterMs }, LOADS.chat, 35, goal, { measureAfterMs: backAfterMs + learnedMs }),
      of({ kind: 'shared', afterMs }, shared, 28, { episodes: 3 }),
    ]
  })
  return [...jitters, surge, ...moved]
}

/** Rows with a recorded trace. Its jobs arrive at their recorded times, so the waits matter and the share does not. */
function traces(): Row[] {
  const load: Load = {
    workload: 'trace',
    rpm: 600,
    tpm: 1_000_000,
    hour: 0,
    some: 0,
    isBoundByRequests: false,
  }
  const rest = { arrivals: 'own' } as const
  return [
    rowOf({ name: 'trace-minute', load, server: {}, goal: NONE, rest }),
    rowOf({ name: 'trace-strict', load, server: { second: 'sliding' }, goal: NONE, rest }),
  ]
}

export const rows: readonly Row[] = [...comparison(), ...known(), ...unknown(), ...changes(), ...traces()]

/** Whether the row has limits per second and all clients run it. */
export function isComparedStrictly(row: Row): boolean {
  return row.isCompared && row.server.second !== 'none'
}
