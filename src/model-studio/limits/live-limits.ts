import { InvalidLimits, InvalidRequest } from '../../errors.js'
import { toSource } from '../../limits/sources/limits-source.js'
import { isPlain, shown } from '../../limits/limit-values.js'
import type { LimitsHost, LimitsSource, LimitsTable } from '../../types.js'
import { checkNames, duration } from '../resources/arguments.js'
import { ChangingTable } from './changing-table.js'
import { type LimitsScope, quotaTables } from './quota-tables.js'
import { Refresher } from './refresher.js'
import type { Quota, QuotasApi } from '../types.js'

/** Default interval of reads, in ms. Chosen. A larger value notices changed limits later. A smaller value makes more calls. */
const REFRESH_MS = 300_000
/** Minimum interval of reads, in ms. Chosen. A smaller value lets an option flood the control plane. */
const MIN_REFRESH_MS = 1000
/**
 * Default time of one read, in ms. Chosen. A smaller value interrupts long tables. A larger value waits longer for a stalled
 * service.
 */
const TIMEOUT_MS = 120_000

export interface LiveLimitsOptions {
  /** The interval of reads, in ms, at least 1,000. Infinity: read only after a 429. @default 300_000 (five minutes) */
  readonly refreshMs?: number | undefined
  /**
   * The limits until the first read, and for models that the service does not list. The name of a built-in table, or a table.
   * @default 'model-studio/singapore'
   */
  readonly fallbackTable?: string | LimitsTable | undefined
  /**
   * Whose limits these are. `'workspace'`: of the workspace that the client asks for, the lower of its own and the account's.
   * `'account'`: the account's, for a limiter that has workspaces inside, see {@link LiveLimitsSource.workspace}.
   * @default 'workspace'
   */
  readonly scope?: LimitsScope | undefined
  /** Maximum time of one read of the whole table, in ms. @default 120_000 */
  readonly timeoutMs?: number | undefined
}

/** The current limits of the service. */
export interface LiveLimitsSource extends LimitsSource {
  /**
   * What a workspace has less than the account, for `limiter.workspace(name, source.workspace(id))`. It changes with the table
   * that this source reads, and needs a client that is told of that workspace.
   */
  workspace(id: string): LimitsSource
  /** Reads now, or waits for the current read. @throws the error of the read */
  refresh(): Promise<void>
  /** Stops all reads and notifications. Closing a limiter stops those for that limiter. */
  close(): void
}

/**
 * Returns a source with the account's current limits, read from Model Studio.
 *
 * It reads when a limiter is created with it, then every `refreshMs`, and after a 429 that the known limits do not explain. If a
 * read fails, the last known limits remain effective and the limiter emits a `warning`.
 *
 * ```ts
 * const studio = new ModelStudio({ apiKey })
 * const limiter = createLimiter({ limits: liveLimits(studio) })
 * ```
 *
 * @throws InvalidRequest for an option that is wrong; InvalidLimits for a wrong fallback table
 */
export function liveLimits(
  studio: { readonly quotas: Pick<QuotasApi, 'list'> },
  options: LiveLimitsOptions = {},
): LiveLimitsSource {
  checkNames('options', options, ['refreshMs', 'fallbackTable', 'scope', 'timeoutMs'])
  if (typeof (studio as typeof studio | undefined)?.quotas?.list !== 'function') {
    throw new InvalidRequest(`studio is ${shown(studio)}: give a ModelStudio, which has quotas.list()`)
  }
  const {
    refreshMs = REFRESH_MS,
    timeoutMs = TIMEOUT_MS,
    scope = 'workspace',
    fallbackTable,
  } = options as LiveLimitsOptions
  if (refreshMs !== Infinity) duration('refreshMs', refreshMs, MIN_REFRESH_MS)
  duration('timeoutMs', timeoutMs, 1)
  if (scope !== 'workspace' && scope !== 'account') {
    throw new InvalidRequest(`scope is ${shown(scope)}: give 'workspace' or 'account'`)
  }
  return new LiveQuotas(studio.quotas, refreshMs, timeoutMs, scope, tableOf(fallbackTable))
}

class LiveQuotas implements LiveLimitsSource {
  readonly #scope: LimitsScope
  readonly #fallback: LimitsTable
  readonly #main: ChangingTable
  readonly #workspaces = new Map<string, ChangingTable>()
  readonly #refresher: Refresher<Quota[]>
  readonly #refreshMs: number
  /** What was wrong with rows of the last read: it is said once. */
  #faults: ReadonlySet<string> = new Set()
  #known: LimitsTable = {}
  readonly subscribe: LimitsSource['subscribe']

  constructor(
    quotas: Pick<QuotasApi, 'list'>,
    refreshMs: number,
    timeoutMs: number,
    scope: LimitsScope,
    fallback: LimitsTable,
  ) {
    this.#scope = scope
    this.#fallback = fallback
    this.#refreshMs = refreshMs
    this.#main = new ChangingTable(fallback)
    this.subscribe = this.#main.subscribe
    this.#refresher = new Refresher({
      what: 'The table of quotas of Model Studio',
      refreshMs,
      timeoutMs,
      read: (signal) => quotas.list({ pageSize: 100, signal }).all(),
      take: (rows) => this.#take(rows),
    })
  }

  current(): LimitsTable {
    return this.#main.current()
  }

  attach(host: LimitsHost): () => void {
    return this.#refresher.attach(host)
  }

  refused(): void {
    this.#refresher.refused()
  }

  workspace(id: string): LimitsSource {
    if (typeof id !== 'string' || id === '') {
      throw new InvalidRequest(`workspace(id): id is ${shown(id)}: give the identifier of a workspace`)
    }
    const { current, subscribe } = this.#tableOf(id)
    return { current, subscribe }
  }

  refresh(): Promise<void> {
    return this.#refresher.refresh()
  }

  close(): void {
    this.#refresher.close()
    for (const table of [this.#main, ...this.#workspaces.values()]) table.close()
  }

  #take(rows: readonly Quota[]): number {
    // An account has limits: a list of none is no news, but a fault.
    if (rows.length === 0) throw new InvalidLimits('the service names no model')
    const { main, workspaces, faults } = quotaTables(rows, this.#scope)
    // What it names no more, or says nonsense of, stands as it was.
    this.#known = { ...this.#known, ...Object.fromEntries(main) }
    const changed: ChangingTable[] = []
    if (this.#main.set({ ...this.#fallback, ...this.#known })) changed.push(this.#main)
    for (const id of new Set([...this.#workspaces.keys(), ...workspaces.keys()])) {
      const table = this.#tableOf(id)
      if (table.set(Object.fromEntries(workspaces.get(id) ?? []))) changed.push(table)
    }
    // The account's first, which those of workspaces are held to; and each finds all of them changed.
    for (const table of changed) table.notify()
    for (const fault of faults) {
      if (!this.#faults.has(fault)) this.#refresher.warn(`A row of the quotas is passed over: ${fault}`)
    }
    this.#faults = new Set(faults)
    return this.#refreshMs
  }

  #tableOf(id: string): ChangingTable {
    const table = this.#workspaces.get(id) ?? new ChangingTable({})
    this.#workspaces.set(id, table)
    return table
  }
}

function tableOf(fallback: unknown): LimitsTable {
  if (fallback !== undefined && typeof fallback !== 'string' && !isPlain(fallback)) {
    throw new InvalidLimits(`fallbackTable is ${shown(fallback)}: give the name of a built-in table, or a table`)
  }
  if (typeof (fallback as Partial<LimitsSource> | undefined)?.current === 'function') {
    throw new InvalidLimits('fallbackTable is a source: give a table, or join the sources with joinLimits')
  }
  return toSource(fallback as string | LimitsTable | undefined).current()
}
