import type { Limits } from '../types.js'
import type { LimitField } from './limit-fields.js'
import type { ResolvedLimits } from './resolve-limits.js'
import { pickLimits } from './validation.js'

/** Which share of the told limits is there for us. */
export interface LimitShares {
  readonly requests: number
  readonly tokens: number
}

const REQUESTS: ReadonlySet<LimitField> = new Set(['rpm', 'rps'])
const SECONDS: ReadonlySet<LimitField> = new Set(['rps', 'tps'])

/** `limits` with those on requests and on tokens at their shares. A minute's are whole, and at least 1. */
export function atShares(limits: Limits, shares: LimitShares): Limits {
  const scaled = Object.entries(pickLimits(limits)).map(([name, limit]) => {
    const field = name as LimitField
    if (field === 'concurrency') return [field, limit]
    const share = limit * (REQUESTS.has(field) ? shares.requests : shares.tokens)
    return [field, SECONDS.has(field) ? share : Math.max(1, Math.floor(share))]
  })
  return Object.fromEntries(scaled) as Limits
}

/** The same of limits as users are shown them: `source` says how much of what was found. */
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
