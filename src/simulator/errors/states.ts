import { epoch, integer, named, number, oneOf, text } from '../checks.js'
import type { Names } from '../checks.js'
import { errorBodies } from './bodies.js'
import { shapedBody } from './throttling.js'
import type { ErrorShape } from './throttling.js'

/** What is wrong with an account, so that waiting a minute does not help. */
export const stateKinds = [
  'free-tier',
  'free-quota',
  'voice-limit',
  'arrearage',
  'not-purchased',
  'prepaid-overdue',
  'postpaid-overdue',
  'budget',
  'token-plan',
  'billing',
] as const

export type StateKind = (typeof stateKinds)[number]

/** A lasting state of the account, or of one model. */
export interface AccountState {
  /**
   * `'free-tier'`: 403 `AllocationQuota.FreeTierOnly`; `'free-quota'`: 429 `Throttling.AllocationQuota`, "Free allocated quota
   * exceeded."; `'voice-limit'`: the same code, "Maximum voice-clone voice limit exceeded."; `'arrearage'`: 400; `'not-purchased'`, `'prepaid-overdue'`, `'postpaid-overdue'`: 429; `'budget'` and
   * `'token-plan'` (both reported by users, not documented): 429; `'billing'`: OpenAI's own 429 `insufficient_quota`.
   */
  readonly kind: StateKind
  /** How many tokens the model may use first, counted from the simulator's start. @default 0 */
  readonly afterTokens?: number
  /** When it ends, in epoch milliseconds; a token plan names it in its message. Left out: never. */
  readonly resetAt?: number
  /** The period that a token plan's message names. @default '1-week' */
  readonly period?: string
  /** Another status: free tiers were reported with 400 too. */
  readonly status?: number
  /** Another code: a free tier was reported with 403 and `insufficient_quota`. */
  readonly code?: string
}

interface Wording {
  readonly status: number
  readonly code: string
  readonly message: string
}

const wordings: Record<Exclude<StateKind, 'token-plan'>, Wording> = {
  'free-tier': {
    status: 403,
    code: 'AllocationQuota.FreeTierOnly',
    message:
      'The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the "use free tier only" mode in the management console.',
  },
  'free-quota': { status: 429, code: 'Throttling.AllocationQuota', message: 'Free allocated quota exceeded.' },
  'voice-limit': {
    status: 429,
    code: 'Throttling.AllocationQuota',
    message: 'Maximum voice-clone voice limit exceeded.',
  },
  arrearage: {
    status: 400,
    code: 'Arrearage',
    message: 'Access denied, please make sure your account is in good standing.',
  },
  'not-purchased': { status: 429, code: 'CommodityNotPurchased', message: 'Commodity has not purchased yet.' },
  'prepaid-overdue': { status: 429, code: 'PrepaidBillOverdue', message: 'The prepaid bill is overdue.' },
  'postpaid-overdue': { status: 429, code: 'PostpaidBillOverdue', message: 'The postpaid bill is overdue.' },
  budget: { status: 429, code: 'BudgetLimitExceeded', message: 'The budget limit has been exceeded.' },
  billing: {
    status: 429,
    code: 'insufficient_quota',
    message:
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
  },
}

const names: Names<AccountState> = {
  kind: true,
  afterTokens: true,
  resetAt: true,
  period: true,
  status: true,
  code: true,
}

/** @throws InvalidRequest */
export function checkState(name: string, state: AccountState): void {
  const { kind, status, afterTokens, resetAt, period, code } = named(name, state, names)
  oneOf(`${name}.kind`, kind, stateKinds)
  if (status !== undefined) integer(`${name}.status`, status, 400, 599)
  if (afterTokens !== undefined) number(`${name}.afterTokens`, afterTokens, 0)
  if (resetAt !== undefined) epoch(`${name}.resetAt`, resetAt)
  if (period !== undefined) text(`${name}.period`, period)
  if (code !== undefined) text(`${name}.code`, code)
}

/** Whether the state holds for a model that used so many tokens. */
export function isInForce(state: AccountState, tokensUsed: number, epochMs: number): boolean {
  return tokensUsed >= (state.afterTokens ?? 0) && epochMs < (state.resetAt ?? Infinity)
}

/** What the state answers every request with. */
export function stateAnswer(
  state: AccountState,
  shape: ErrorShape,
  requestId: string,
): { readonly status: number; readonly body: string } {
  const wording = state.kind === 'token-plan' ? tokenPlan(state) : wordings[state.kind]
  const { status = wording.status, code = wording.code } = state
  if (state.kind === 'arrearage' && state.code === undefined) return { status, body: errorBodies.arrearage(requestId) }
  if (state.kind === 'free-tier' && state.code === undefined) {
    return { status, body: errorBodies.freeTierOnly(requestId) }
  }
  const { message } = wording
  const error = { message, type: code, param: null, code }
  if (state.kind === 'billing') return { status, body: JSON.stringify({ error }) }
  return { status, body: shapedBody(error, { code, message }, status === 429 ? shape : 'openai', requestId) }
}

function tokenPlan({ period = '1-week', resetAt }: AccountState): Wording {
  const exhausted = `Your token-plan ${period} quota has been exhausted.`
  const message = resetAt === undefined ? exhausted : `${exhausted} The quota will reset at ${shortTime(resetAt)} UTC.`
  return { status: 429, code: 'QuotaExhausted', message }
}

/** `MM-DD hh:mm:ss`. */
function shortTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(5, 19).replace('T', ' ')
}
