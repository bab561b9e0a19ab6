import { expect } from 'vitest'
import * as errors from '../../src/errors.js'
import type { Grant } from '../../src/index.js'
import { fault, refusal, type Ending, type refusals } from '../dispatch/setup.js'

export type Part = 'account' | 'workspace'
/** What an attempt comes to. What hangs ends when it is told to, or with the signal's reason. */
export type End = 'less' | 'equal' | 'more' | 'throws' | 'aborts' | 'hangs' | 'fault' | keyof typeof refusals

export interface Plan {
  readonly part: Part
  readonly tenant: string | undefined
  readonly priority: number
  readonly tokens: number
  readonly deadlineMs: number | undefined
  readonly signal: 'none' | 'own' | 'shared'
  /** By attempt; the last one stands for all further ones. `atOnce`: without a promise. */
  readonly attempts: readonly { readonly ends: End; readonly atOnce: boolean }[]
}

export interface Attempt {
  readonly grant: Grant
  readonly ends: End
  isRunning: boolean
  isSettled: boolean
  result?: { readonly returned: unknown } | { readonly thrown: unknown }
  tell?: () => void
}

export interface Job {
  readonly name: string
  readonly plan: Plan
  readonly controller: AbortController | undefined
  readonly startBy: number
  readonly attempts: Attempt[]
  ending: Ending
}

/** After these another attempt may follow. */
export const repeated: ReadonlySet<End> = new Set<End>([
  'fault',
  'requests',
  'tokens',
  'surge',
  'capacity',
  'exhausted',
  'billing',
])

export function resultOf(ends: End, tokens: number, signal: AbortSignal): NonNullable<Attempt['result']> {
  const used = (prompt_tokens: number) => ({ returned: { usage: { prompt_tokens, completion_tokens: 0 } } })
  const thrown = (outcome: ReturnType<typeof fault>) => ({ thrown: (outcome as { throws: unknown }).throws })
  if (ends === 'aborts' || (ends === 'hangs' && signal.aborted)) return { thrown: signal.reason ?? new Error('stops') }
  if (ends === 'less' || ends === 'hangs') return used(Math.floor(tokens / 2))
  if (ends === 'equal') return used(tokens)
  if (ends === 'more') return used(tokens * 3 + 1)
  if (ends === 'throws') return { thrown: new Error('of its own') }
  return thrown(ends === 'fault' ? fault(500) : refusal(ends))
}

export function isRunning({ attempts }: Job): boolean {
  return attempts.at(-1)?.isRunning === true
}

/** What befell the limiter of a job, as far as it may be the cause of a refusal. */
export interface Past {
  readonly leastTpm: number
  readonly isBounded: boolean
  readonly isClosed: boolean
  readonly ends: ReadonlySet<End>
}

/** What its last attempt came to, the reason of its abort, or a refusal of ours that there is a cause for. */
export function expectAllowed({ name, plan, controller, attempts, ending }: Job, past: Past): void {
  const { state, value, error } = ending
  expect(state, `${name} has ended`).not.toBe('pending')
  const result = attempts.at(-1)?.result
  if (state === 'done') {
    const isItsOwn = result !== undefined && 'returned' in result && result.returned === value
    expect(isItsOwn, `${name} has its value`).toBe(true)
    return
  }
  const isOwn = result !== undefined && 'thrown' in result && result.thrown === error
  if (isOwn || (controller?.signal.aborted && error === controller.signal.reason)) return
  const isUsedUp = (['exhausted', 'billing', 'tokens'] as const).some((end) => past.ends.has(end))
  const causes: [type: unknown, is: boolean][] = [
    [errors.RequestTooLarge, plan.tokens > past.leastTpm],
    [errors.QueueFull, attempts.length === 0 && past.isBounded],
    [errors.DeadlineImpossible, plan.deadlineMs !== undefined],
    [errors.QuotaExhausted, isUsedUp],
    [errors.LimiterClosed, past.isClosed],
  ]
  const cause = causes.find(([type]) => error instanceof (type as new () => Error))
  expect(cause?.[1], `${name} failed with ${String(error)}`).toBe(true)
}
