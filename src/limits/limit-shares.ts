import type { Limits } from '../types.js'
import type { LimitField } from './limit-fields.js'
import type { ResolvedLimits } from './resolve-limits.js'
import { pickLimits } from './validation.js'

/** The learned shares of the configured limits, for requests and for tokens; 1 is the configured limit. */
export interface LimitShares {
  readonly requests: number
  readonly tokens: number
}

const REQUESTS: ReadonlySet<LimitField> = new Set(['rpm', 'rps'])
const SECONDS: ReadonlySet<LimitField> = new Set(['rps', 'tps'])

/** `limits` times their shares. Limits per minute are rounded down to integers of at least 1; `concurrency` stays. */
export function atShares(limits: Limits, shares: LimitShares): Limits {
  const scaled = Object.entries(pickLimits(limits)).map(([name, limit]) => {
    const field = name as LimitField
    if (field === 'concurrency') return [field, limit]
    const share = limit * (REQUESTS.has(field) ? shares.requests : shares.tokens)
    return [field, SECONDS.has(field) ? share : Math.max(1, Math.floor(share))]
  })
  return Object.fromEntries(scaled) as Limits
}

/** The same for limits as users see them: `source` says which shares were learned, and of which limits. */
export function withShares(resolved: ResolvedLimits, shares: LimitShares): ResolvedLimits {
  const { requests, tokens } = shares
  if (requests === 1 && tokens === 1) return resolved
  const found = [
    requests !== 1 && `${percent(requests)} of the requests`,
    tokens !== 1 && `${percent(tokens)} of the tokens`,
  ]
  const source = `learned: ${found.filter(Boolean).join(' and ')} of ${resolved.source}`
  return { ...resolved, ...atShares(pickLimits(resolved), shares), source }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
