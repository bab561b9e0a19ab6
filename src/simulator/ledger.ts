import type { Charged } from './metering/charge.js'
import { limitNames } from './metering/enforced-limits.js'
import type { LimitName } from './metering/enforced-limits.js'
import type { WindowUse } from './metering/throttle.js'
import type { SimulatedRoute } from './requests/request.js'

/** The reason for a refusal: a limit, the surge detector, or the state of the account. */
export type RefusedBy = LimitName | 'surge' | 'state'

/** The simulator's record of one request. Times are in milliseconds of its clock. */
export interface LedgerEntry {
  readonly id: string
  /** The number of the request, from 1. */
  readonly n: number
  readonly route: SimulatedRoute
  /** The model. Empty if the body was not read. */
  readonly model: string
  /**
   * When the request was received and judged. The windows count it at this time, and the header `req-arrive-time` has
   * it.
   */
  readonly at: number
  /** Whether the limits admitted it. */
  readonly admitted: boolean
  /** The reason for the refusal, if the limits or the account's state refused it. */
  readonly refusal?: RefusedBy
  /** The workspace that the request names. */
  readonly workspace?: string
  /** A limit of its workspace refused it, not one of the account. */
  readonly refusedByWorkspace?: true
  /** It left its provisioned throughput and was judged by the public limits. */
  readonly overflow?: true
  /** It was admitted above limits that are a floor. */
  readonly aboveFloor?: true
  readonly inputTokens: number
  /** The tokens that were generated, also if the client did not wait for them. */
  readonly outputTokens: number
  /** The tokens that were charged at admission. `charges` has the later charges and refunds. */
  readonly chargedAtAdmission: number
  /**
   * All charges in tokens, in order of time. A negative charge is a refund. A refund applies only to windows that still
   * hold the charge.
   */
  readonly charges: readonly Charged[]
  /** The HTTP status of the response. 0 if none was sent yet, or none was ever sent. */
  readonly status: number
  /** When the response was complete or the connection was closed. */
  readonly doneAt?: number
  /** The client disconnected before the response was complete. */
  readonly hungUp?: true
}

/** The totals of one model. */
export interface ModelSummary {
  /** All requests for the model, admitted or not. */
  readonly requests: number
  readonly admitted: number
  /** How many requests were refused, by the reason. */
  readonly refused: Readonly<Record<RefusedBy, number>>
  /** The input tokens of the admitted requests. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly inFlight: number
  readonly firstAdmittedAt?: number
  readonly lastAdmittedAt?: number
  /** The use of each limit. */
  readonly windows: Windows
  /** The use of the provisioned throughput. */
  readonly provisioned?: Windows
  /** The use of the limits of each workspace that has its own. */
  readonly workspaces?: Readonly<Record<string, Windows>>
}

export type Windows = Readonly<Partial<Record<LimitName, WindowUse>>>

/** What the simulator counted. */
export interface Ledger {
  /** When the ledger was read, in clock milliseconds. */
  readonly at: number
  /** The kept entries, in order of arrival. */
  readonly entries: readonly LedgerEntry[]
  /** How many of the oldest entries are no longer kept. The totals still include them. */
  readonly dropped: number
  readonly models: Readonly<Record<string, ModelSummary>>
}

/** An entry or a summary that can still be changed. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] }

export type ModelTally = Draft<Omit<ModelSummary, 'windows' | 'provisioned' | 'workspaces' | 'refused'>> & {
  refused: Record<RefusedBy, number>
}

export function emptyTally(): ModelTally {
  const names: RefusedBy[] = [...limitNames, 'surge', 'state']
  const refused = Object.fromEntries(names.map((name) => [name, 0])) as Record<RefusedBy, number>
  return { requests: 0, admitted: 0, refused, inputTokens: 0, outputTokens: 0, inFlight: 0 }
}

/** The latest `size` entries. */
export class EntryLog {
  readonly #size: number
  #entries: Draft<LedgerEntry>[] = []
  #total = 0

  constructor(size: number) {
    this.#size = size
  }

  add(entry: Draft<LedgerEntry>): void {
    if (this.#entries.length < this.#size) this.#entries.push(entry)
    else this.#entries[this.#total % this.#size] = entry
    this.#total += 1
  }

  get dropped(): number {
    return this.#total - this.#entries.length
  }

  /** Copies of the last `last` entries, the oldest first. */
  list(last = Infinity): LedgerEntry[] {
    const oldest = this.dropped % this.#size
    const ordered = [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)]
    return ordered.slice(Math.max(0, ordered.length - last)).map((entry) => ({
      ...entry,
      charges: entry.charges.slice(),
    }))
  }
}
