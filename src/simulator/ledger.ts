import type { LimitName, WindowUse } from './throttle.js'
import type { SimulatedRoute } from './request.js'

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
  /** The limit that refused it. */
  readonly refusal?: LimitName
  readonly inputTokens: number
  /** What was generated, also where the client did not wait for it. */
  readonly outputTokens: number
  /** The tokens charged at admission; the rest of what it used was charged later, or this much too much given back. */
  readonly chargedAtAdmission: number
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
  /** Refused, by the limit that did. */
  readonly refused: Readonly<Record<LimitName, number>>
  /** Input tokens of the admitted requests. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly inFlight: number
  readonly firstAdmittedAt?: number
  readonly lastAdmittedAt?: number
  /** Each limit that holds. */
  readonly windows: Readonly<Partial<Record<LimitName, WindowUse>>>
}

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

export type ModelTally = Draft<Omit<ModelSummary, 'windows' | 'refused'>> & { refused: Record<LimitName, number> }

export function emptyTally(): ModelTally {
  const refused = { rpm: 0, rps: 0, tpm: 0, tps: 0 }
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

  /** Copies, the oldest first. */
  list(): LedgerEntry[] {
    const oldest = this.dropped % this.#size
    return [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)].map((entry) => ({ ...entry }))
  }
}
