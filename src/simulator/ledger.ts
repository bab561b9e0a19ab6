import type { Charged } from './metering/charge.js'
import { limitNames } from './metering/enforced-limits.js'
import type { LimitName } from './metering/enforced-limits.js'
import type { WindowUse } from './metering/throttle.js'
import type { SimulatedRoute } from './requests/request.js'

/** What refused a request: a limit, the detector of surges, or the state of the account. */
export type RefusedBy = LimitName | 'surge' | 'state'

/** What the simulator did with one request. Times are milliseconds of its clock. */
export interface LedgerEntry {
  readonly id: string
  /** The number of the request, from 1. */
  readonly n: number
  readonly route: SimulatedRoute
  /** Empty where the body did not get so far as to be read. */
  readonly model: string
  /** When it was judged: the time that the windows count it at, and that the header `req-arrive-time` is made of. */
  readonly at: number
  /** Whether the limits let it in. */
  readonly admitted: boolean
  /** What refused it. */
  readonly refusal?: RefusedBy
  /** The workspace that it named. */
  readonly workspace?: string
  /** The lower limit of its workspace refused it, not the account's. */
  readonly refusedByWorkspace?: true
  /** It left its provisioned throughput, and was judged by the public limits. */
  readonly overflow?: true
  /** It was let in above limits that are a floor. */
  readonly aboveFloor?: true
  readonly inputTokens: number
  /** What was generated, also where the client did not wait for it. */
  readonly outputTokens: number
  /** The tokens charged at admission; the rest of what it used was charged later, or this much too much given back. */
  readonly chargedAtAdmission: number
  /**
   * All that it was charged in tokens, and when, in the order of time; what is less than 0 was given back, to those windows in
   * which it still stood.
   */
  readonly charges: readonly Charged[]
  /** The HTTP status that was sent; 0 while none was, and where none ever was. */
  readonly status: number
  /** When the last of the answer was written, or the connection was gone. */
  readonly doneAt?: number
  /** The client hung up before its answer was whole. */
  readonly hungUp?: true
}

/** The sums of one model. */
export interface ModelSummary {
  /** All requests for it, whatever became of them. */
  readonly requests: number
  readonly admitted: number
  /** Refused, by what did. */
  readonly refused: Readonly<Record<RefusedBy, number>>
  /** Input tokens of the admitted requests. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly inFlight: number
  readonly firstAdmittedAt?: number
  readonly lastAdmittedAt?: number
  /** Each limit that holds. */
  readonly windows: Windows
  /** The windows of its provisioned throughput. */
  readonly provisioned?: Windows
  /** The windows of each workspace with lower limits. */
  readonly workspaces?: Readonly<Record<string, Windows>>
}

export type Windows = Readonly<Partial<Record<LimitName, WindowUse>>>

/** What the server counted. */
export interface Ledger {
  /** When it was taken. */
  readonly at: number
  /** In the order of arrival. */
  readonly entries: readonly LedgerEntry[]
  /** How many of the oldest entries are no longer kept. */
  readonly dropped: number
  readonly models: Readonly<Record<string, ModelSummary>>
}

/** An entry or a summary while it is written. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] }

export type ModelTally = Draft<Omit<ModelSummary, 'windows' | 'provisioned' | 'workspaces' | 'refused'>> & {
  refused: Record<RefusedBy, number>
}

export function emptyTally(): ModelTally {
  const names: RefusedBy[] = [...limitNames, 'surge', 'state']
  const refused = Object.fromEntries(names.map((name) => [name, 0])) as Record<RefusedBy, number>
  return { requests: 0, admitted: 0, refused, inputTokens: 0, outputTokens: 0, inFlight: 0 }
}

/** The latest entries, as many as are kept. */
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

  /** Copies of the last so many, the oldest first. */
  list(last = Infinity): LedgerEntry[] {
    const oldest = this.dropped % this.#size
    const ordered = [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)]
    return ordered.slice(Math.max(0, ordered.length - last)).map((entry) => ({
      ...entry,
      charges: entry.charges.slice(),
    }))
  }
}
