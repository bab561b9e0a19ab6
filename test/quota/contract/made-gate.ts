import type { AdmissionResult, NotAdmitted } from '../../../src/quota/admission-result.js'
import type { Gate } from '../../../src/quota/gate.js'
import type { Reservation } from '../../../src/quota/reservation.js'
import type { Cost, Limits } from '../../../src/types.js'

/** The conditions that a gate is made for. */
export interface GateSpec {
  readonly limits: Limits
  /** J, in ms. */
  readonly networkJitterMs: number
  readonly now: number
  /** Since when nothing ran, in the clock's ms. */
  readonly idleSince: number
}

/** A gate, and how to set the limits that bind it, where these are not its own alone. */
export interface MadeGate {
  readonly gate: Gate
  readonly setLimits?: (limits: Limits, now: number) => void
}

export type MakeGate = (spec: GateSpec) => MadeGate

export interface ContractOptions {
  /** Whether a hold can leave its buckets empty: it keeps some, and a refusal speaks of them. */
  readonly holdEmpties: boolean
  /** How many limits a minute any 60 s may hold. A bucket that was full lets two of them through, and so do fixed windows. */
  readonly limitsInMinute: 1 | 2
}

/** The time at which the gates of the named cases are made, in ms. */
export const START = 1000
/** A microsecond, in ms. */
export const US = 0.001
export const UNTIL_CHANGE = { kind: 'until-change' }

/** Makes gates that nothing has been charged to for so long that every bucket is full. */
export class Gates {
  readonly #makeGate: MakeGate

  constructor(makeGate: MakeGate) {
    this.#makeGate = makeGate
  }

  of(limits: Limits): Gate {
    return this.#made(limits).gate
  }

  /** A gate, how to set its limits, and how often it said that room may have come. */
  listened(limits: Limits) {
    const { gate, setLimits = gate.setLimits.bind(gate) } = this.#made(limits)
    const heard = { changes: 0 }
    gate.onChange(() => heard.changes++)
    return { gate, setLimits, heard }
  }

  #made(limits: Limits): MadeGate {
    return this.#makeGate({ limits, networkJitterMs: 50, now: START, idleSince: -1e6 })
  }
}

export function tokens(inputTokens: number, more: Partial<Cost> = {}): Cost {
  return { requests: 1, inputTokens, outputTokens: 0, thinkingTokens: 0, ...more }
}

export function reserved(result: AdmissionResult): Reservation {
  if (result.kind !== undefined) throw new Error(`refused: ${JSON.stringify(result)}`)
  return result
}

export const usedOf = (gate: Gate, now: number): number[] => gate.room(now).map(({ used }) => used)

/** The answers to costs of several sizes: all that can be seen of a gate from outside. */
export const outlook = (gate: Gate, now: number): NotAdmitted[] =>
  [1, 10, 100, 500, 1000].flatMap((size) => [
    gate.earliest(tokens(size), now),
    gate.earliest(tokens(size, { requests: 0 }), now),
  ])
