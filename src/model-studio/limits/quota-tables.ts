import { validateRow } from '../../limits/validation.js'
import type { LimitsRow } from '../../types.js'
import type { Quota } from '../types.js'

/** For whom limits are asked: for a workspace inside the account, or for all of the account together. */
export type LimitsScope = 'workspace' | 'account'

type Rows = Map<string, LimitsRow>

/** What the table of quotas says. */
export interface QuotaTables {
  /** What holds where no workspace is named. */
  readonly main: Rows
  /** By workspace, what it has less than the account. */
  readonly workspaces: ReadonlyMap<string, Rows>
  /** Rows that cannot be: what is wrong with each. */
  readonly faults: readonly string[]
}

const SOURCE = "Model Studio's table of quotas"

/**
 * Rows by model. With the scope `'workspace'` a model has what holds for the workspace that was asked for: the lower of its own
 * limits and the account's. Where the service tells of several workspaces, it is not known which one is meant, and it is the account's.
 * A row without any limit says nothing.
 */
export function quotaTables(quotas: readonly Quota[], scope: LimitsScope): QuotaTables {
  const main: Rows = new Map()
  const workspaces = new Map<string, Rows>()
  const faults: string[] = []
  const workspaceOf = new Map<string, string | undefined>()
  const add = (rows: Rows, model: string, limits: Quota['limits']): void => {
    if (Object.keys(limits).length === 0) return
    try {
      rows.set(model, validateRow(model, { ...limits, source: SOURCE }, SOURCE))
    } catch (error) {
      faults.push((error as Error).message)
    }
  }
  for (const { model, workspaceId, workspaceLimit, limits, accountLimits } of quotas) {
    const isAgain = workspaceOf.has(model) && workspaceOf.get(model) !== workspaceId
    workspaceOf.set(model, workspaceId)
    add(main, model, scope === 'account' || isAgain ? accountLimits : limits)
    if (workspaceId === undefined || workspaceLimit === undefined) continue
    const own = workspaces.get(workspaceId) ?? new Map<string, LimitsRow>()
    workspaces.set(workspaceId, own)
    add(own, model, limits)
  }
  return { main, workspaces, faults }
}
