import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../src/throttling/classify.js'
import { decide, type Decision } from '../../src/throttling/decide.js'
import { modelAfterWait, type Candidate } from '../../src/throttling/fallback.js'

type State = 'free' | 'tried' | 'held' | 'held, tried' | 'closed' | 'closed, tried'

/** `startsAt` is a mistake to ask for where it does not matter. */
function chainOf(states: readonly State[], startsAt?: readonly number[]): Candidate[] {
  return states.map((state, i) => ({
    model: 'ABC'[i]!,
    tried: state.includes('tried'),
    held: state.includes('held'),
    closed: state.includes('closed'),
    startsAt: () => startsAt?.[i] ?? expect.unreachable(),
  }))
}

const limit = (kind: 'requests' | 'tokens' | 'surge' | 'capacity'): Verdict => ({
  kind: 'throttled',
  class: kind,
  code: '',
  message: '',
  retryAfterMs: undefined,
})
const exhausted: Verdict = { kind: 'exhausted', class: 'exhausted', code: '', message: '', resetText: undefined }
const billing: Verdict = { ...exhausted, class: 'billing' }
const transient = (retryAfterMs?: number): Verdict => ({ kind: 'transient', retryAfterMs })

function shown(decision: Decision<Candidate>): string {
  if ('to' in decision) return `${decision.do} ${decision.to.model}`
  return decision.do === 'back-off' ? `back-off ${decision.delayMs}` : decision.do
}

function decided(verdict: Verdict, chain: readonly Candidate[], retries = 0, maxRetries = 4): string {
  return shown(decide(verdict, { retries, maxRetries, chain, random: () => 0 }))
}

describe('after a limit', () => {
  test.each<[states: State[], startsAt: number[] | undefined, expected: string]>([
    [['tried', 'free', 'free'], undefined, 'move B'],
    [['tried', 'held', 'free'], undefined, 'move C'],
    [['tried', 'closed', 'free'], undefined, 'move C'],
    [['held, tried', 'tried', 'free'], undefined, 'move C'],
    // The one that failed need not be the first: what was asked for comes before the backups.
    [['free', 'tried', 'free'], undefined, 'move A'],
    [['held', 'tried', 'free'], undefined, 'move C'],
    // None left: whichever can start first, the earlier in the chain where equal.
    [['held, tried'], [9], 'requeue A'],
    [['held, tried', 'held, tried'], [9, 7], 'requeue B'],
    [['held, tried', 'held, tried'], [7, 7], 'requeue A'],
    [['held, tried', 'held', 'tried'], [9, 8, 10], 'requeue B'],
    [['held, tried', 'closed', 'held, tried'], [9, 1, 8], 'requeue C'],
    [['held, tried', 'held, tried'], [Infinity, 5], 'requeue B'],
    [['held, tried', 'held, tried'], [Infinity, Infinity], 'requeue A'],
    [['closed, tried', 'closed'], undefined, 'reject'],
  ])('%j: %j, %s', (states, startsAt, expected) => {
    for (const kind of ['requests', 'tokens', 'surge', 'capacity'] as const) {
      expect(decided(limit(kind), chainOf(states, startsAt))).toBe(expected)
    }
  })

  test('moving needs no retry, going back does', () => {
    expect(decided(limit('tokens'), chainOf(['tried', 'free']), 4, 4)).toBe('move B')
    expect(decided(limit('tokens'), chainOf(['tried', 'held']), 4, 4)).toBe('reject')
    expect(decided(limit('tokens'), chainOf(['tried', 'held'], [1, 2]), 3, 4)).toBe('requeue A')
    expect(decided(limit('tokens'), chainOf(['tried']), 0, 0)).toBe('reject')
  })
})

describe('after a quota that is used up, or a model that cannot serve', () => {
  test.each<[states: State[], startsAt: number[] | undefined, expected: string]>([
    [['closed', 'free', 'free'], undefined, 'move B'],
    [['closed', 'held', 'free'], undefined, 'move C'],
    [['free', 'closed', 'free'], undefined, 'move A'],
    // Held or tried is still able to serve, later.
    [['closed', 'held', 'held'], [0, 9, 8], 'move C'],
    [['held, tried', 'closed'], [9, 0], 'move A'],
    [['closed'], undefined, 'reject'],
    [['closed', 'closed', 'closed, tried'], undefined, 'reject'],
  ])('%j: %j, %s', (states, startsAt, expected) => {
    // No retry is used.
    for (const verdict of [exhausted, billing]) expect(decided(verdict, chainOf(states, startsAt), 4, 4)).toBe(expected)
  })
})

describe('after a fault', () => {
  test('the same model again, later and later', () => {
    const chain = chainOf(['tried', 'free'])
    expect([0, 1, 2, 3].map((retries) => decided(transient(), chain, retries))).toEqual([
      'back-off 500',
      'back-off 1000',
      'back-off 2000',
      'back-off 4000',
    ])
    expect(decided(transient(), chain, 4)).toBe('reject')
    expect(decided(transient(), chain, 0, 0)).toBe('reject')
  })

  test('the server’s word', () => {
    expect(decided(transient(3000), chainOf(['tried']))).toBe('back-off 3000')
  })
})

test('what is the caller’s business is not repeated', () => {
  expect(decided({ kind: 'final' }, chainOf(['tried', 'free']))).toBe('reject')
})

describe('a request that was not sent yet, by when each model could start it', () => {
  test.each<[states: State[], startsAt: number[], fallbackAfterWaitMs: number, expected: string | undefined]>([
    // Now is 1000.
    [['free', 'free'], [1000, 1000], 0, 'A'],
    [['free', 'free'], [1001, 1000], 0, 'B'],
    [['free', 'free'], [1500, 1000], 500, 'A'],
    [['free', 'free'], [1501, 1000], 500, 'B'],
    [['free', 'free'], [9000, 9000], 500, 'A'],
    [['free', 'free'], [9000, 9001], 500, 'A'],
    [['free', 'free', 'free'], [9000, 8000, 7000], 500, 'C'],
    [['free', 'free', 'free'], [9000, 7000, 7000], 500, 'B'],
    [['held', 'free'], [61_000, 1000], 500, 'B'],
    [['held', 'held'], [61_000, 2000], 500, 'B'],
    [['free', 'closed', 'free'], [9000, 1000, 8000], 500, 'C'],
    [['closed', 'free'], [1000, 9000], 500, 'B'],
    [['closed', 'closed'], [1000, 1000], 500, undefined],
    [['free'], [9000], 0, 'A'],
    [['free', 'free'], [Infinity, 5000], 500, 'B'],
    [['free', 'free'], [Infinity, Infinity], 500, 'A'],
    [['free', 'free'], [9000, 1000], Infinity, 'A'],
  ])('%j at %j, spilling after %d ms: %s', (states, startsAt, fallbackAfterWaitMs, expected) => {
    expect(modelAfterWait(chainOf(states, startsAt), 1000, fallbackAfterWaitMs)?.model).toBe(expected)
  })
})
