import { epoch, integer, named, number, oneOf, text } from '../checks.js'
import type { Names } from '../checks.js'
import { errorBodies } from './bodies.js'
import { shapedBody } from './throttling.js'
import type { ErrorShape } from './throttling.js'

/** The states of an account in which it refuses requests for longer than a minute. */
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

/** A lasting state of the account or of one model. Every request in this state gets the same error. */
export interface AccountState {
  /**
   * The state, and the response that it causes:
   *
   * - `'free-tier'`: 403 `AllocationQuota.FreeTierOnly`.
   * - `'free-quota'`: 429 `Throttling.AllocationQuota`, "Free allocated quota exceeded."
   * - `'voice-limit'`: 429 `Throttling.AllocationQuota`, "Maximum voice-clone voice limit exceeded."
   * - `'arrearage'`: 400 `Arrearage`.
   * - `'not-purchased'`, `'prepaid-overdue'`, `'postpaid-overdue'`: 429 with a code of their own.
   * - `'budget'` and `'token-plan'`: 429. Users reported them; they are not documented.
   * - `'billing'`: OpenAI's 429 `insufficient_quota`.
   */
  readonly kind: StateKind
  /** How many tokens are used before the state begins, counted from the simulator's start. @default 0 */
  readonly afterTokens?: number
  /** When the state ends, in epoch milliseconds. A token plan names it in its message. @default never */
  readonly resetAt?: number
  /** The period that the message of a token plan names. @default '1-week' */
  readonly period?: string
  /** Another status. Users also reported 400 for a free tier. @default the status of `kind` */
  readonly status?: number
  /** Another code. Users also reported 403 with `insufficient_quota` for a free tier. @default the code of `kind` */
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

/** @throws InvalidRequest if a field is wrong; `name` names the option in the message */
export function checkState(name: string, state: AccountState): void {
  const { kind, status, afterTokens, resetAt, period, code } = named(name, state, names)
  oneOf(`${name}.kind`, kind, stateKinds)
  if (status !== undefined) integer(`${name}.status`, status, 400, 599)
  if (afterTokens !== undefined) number(`${name}.afterTokens`, afterTokens, 0)
  if (resetAt !== undefined) epoch(`${name}.resetAt`, resetAt)
  if (period !== undefined) text(`${name}.period`, period)
  if (code !== undefined) text(`${name}.code`, code)
}

/** Whether the state is in force after `tokensUsed` tokens, at this time. */
export function isInForce(state: AccountState, tokensUsed: number, epochMs: number): boolean {
  return tokensUsed >= (state.afterTokens ?? 0) && epochMs < (state.resetAt ?? Infinity)
}

/** The response to every request in this state. */
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

/** A time in the form `MM-DD hh:mm:ss`, in UTC. */
function shortTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(5, 19).replace('T', ' ')
}
