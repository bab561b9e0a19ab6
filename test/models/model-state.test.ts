import { describe, expect, test } from 'vitest'
import { InvalidRequest, QuotaExhausted, RequestTooLarge } from '../../src/errors.js'
import { ClockPhaseEstimator } from '../../src/learning/clock-phase-estimator.js'
import { resolveLimits } from '../../src/limits/resolve-limits.js'
import type { HeadgateEvents } from '../../src/metrics/events.js'
import { Account } from '../../src/models/account.js'
import type { ModelState } from '../../src/models/model-state.js'
import type { QueuedRequest } from '../../src/models/queued-request.js'
import type { SentRequest } from '../../src/models/sent-request.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import type { LimitRefusal } from '../../src/throttling/classify.js'
import { profiles } from '../../src/throttling/profiles.js'
import type { Cost, LimitsRow, LimitsTable } from '../../src/types.js'
import { VirtualClock } from '../support/virtual-clock.js'

const PROFILE = profiles['model-studio']

/** A model `m` of an account in virtual time, and the events that it makes. */
function setup(row: LimitsRow = { rpm: 10, tpm: 1000 }) {
  const clock = new VirtualClock()
  const scheduler = new Scheduler<QueuedRequest>(
    clock,
    { maxWaiting: Infinity, maxBackfillDelayMs: 0, weightOf: () => 1 },
    { onStart() {}, onNever() {}, onLate() {} },
  )
  const configured = (table: LimitsTable) => resolveLimits('m', { table, perSecond: false })
  const options = {
    clock,
    random: () => 0,
    fallback: {},
    networkJitterMs: () => 0,
    probeHigherLimits: false,
    phase: () => undefined,
    idleSince: -Infinity,
    jitter: undefined,
    phases: new ClockPhaseEstimator(),
  }
  const account = new Account(options, () => configured({ m: row }), scheduler)
  const heard: { [E in keyof HeadgateEvents]?: HeadgateEvents[E][] } = {}
  for (const event of ['admit', 'throttled', 'settle', 'limits', 'warning'] as const) {
    account.main.events.on(event, (payload) => void ((heard[event] ??= []) as unknown[]).push(payload))
  }
  const state = account.main.models.of('m', PROFILE)
  const used = (of = state) => Object.fromEntries(statsOf(of).windows.map(({ limit, used }) => [limit, used]))
  const statsOf = (of: ModelState) => of.stats({ waiting: 0, output: undefined }, Infinity, clock.now())

  /** Admits a request and starts it. */
  function start(tokens = 100, of = state): SentRequest {
    const cost: Cost = { requests: 1, inputTokens: tokens, outputTokens: 0, thinkingTokens: 0 }
    const reservation = of.lane.gate.admit(cost, clock.now())
    if (reservation.kind !== undefined) throw new Error(`not admitted: ${reservation.kind}`)
    const job: QueuedRequest = {
      id: 7,
      tenant: 'web',
      priority: 0,
      cost,
      startBy: Infinity,
      inList: undefined,
      before: undefined,
      after: undefined,
      reject() {},
      forgetAbort() {},
    }
    const recorder = of.recorderOf(job.tenant)
    const sent = { job, reservation, recorder, share: undefined, attempt: 1, waitMs: 5 }
    const request: SentRequest = { ...sent, isEstimated: false, mostOutputTokens: undefined }
    of.started(request)
    return request
  }

  return { clock, account, state, heard, start, used, statsOf, configured }
}

function throttled(kind: 'requests' | 'tokens' | 'surge' | 'capacity', retryAfterMs?: number): LimitRefusal {
  return { kind: 'throttled', class: kind, code: 'c', message: 'slow down', retryAfterMs }
}

function exhausted(resetText?: string): LimitRefusal {
  return { kind: 'exhausted', class: 'exhausted', code: 'c', message: 'used up', resetText }
}

const usage = { inputTokens: 80, outputTokens: 10 }
const actual: Cost = { requests: 1, inputTokens: 80, outputTokens: 10, thinkingTokens: 0 }

describe('an attempt that succeeds', () => {
  test('is in flight from its start until it is settled, and counts what it used', () => {
    const { clock, state, start, used, statsOf } = setup()
    const sent = start(100)
    expect([state.inFlight, used()]).toEqual([1, { rpm: 1, tpm: 100 }])
    state.succeeded(sent, clock.now())
    expect(state.inFlight).toBe(1)
    state.settled(sent, actual, usage, clock.now())
    state.completed(sent, undefined, clock.now())
    expect([state.inFlight, used()]).toEqual([0, { rpm: 1, tpm: 90 }])
    expect(statsOf(state)).toMatchObject({ calls: 1, failures: 0, latencyMs: { p50: 0 } })
  })

  test('is announced with its request, its tenant and its duration', async () => {
    const { clock, state, start, heard } = setup()
    const sent = start(100)
    await clock.advance(30)
    state.settled(sent, actual, usage, clock.now())
    const request = { requestId: 7, tenant: 'web', model: 'm' }
    expect(heard.admit).toEqual([{ ...request, attempt: 1, waitMs: 5 }])
    const reserved = { inputTokens: 100, outputTokens: 0, thinkingTokens: 0 }
    expect(heard.settle).toEqual([{ ...request, reserved, usage, durationMs: 30 }])
  })

  test('without a usage leaves its reservation standing', () => {
    const { clock, state, start, used } = setup()
    state.settled(start(100), undefined, undefined, clock.now())
    expect(used()).toEqual({ rpm: 1, tpm: 100 })
  })

  test('is charged with output beyond its reservation while it runs', () => {
    const { clock, state, start, used } = setup()
    state.grew(start(100), 50, clock.now())
    expect(used()).toEqual({ rpm: 1, tpm: 150 })
  })

  test('ends the episode of the refusal before it: the next one is a first one again', async () => {
    const { clock, state, start } = setup({ rpm: 6000 })
    const hold = (): number => state.refused(start(), throttled('capacity'), clock.now()).holdMs
    expect(hold()).toBe(1000)
    await clock.advance(2000)
    const served = start()
    await clock.advance(1000)
    state.succeeded(served, clock.now())
    expect(hold()).toBe(1000)
    await clock.advance(2000)
    expect(hold()).toBe(2000)
  })
})

test('a request that is not sent gets all of its charge back', () => {
  const { clock, state, used, statsOf } = setup()
  const reservation = state.lane.gate.admit(actual, clock.now())
  if (reservation.kind !== undefined) throw new Error('not admitted')
  expect(used()).toEqual({ rpm: 1, tpm: 90 })
  state.withdrawn(reservation, clock.now())
  expect(used()).toEqual({ rpm: 0, tpm: 0 })
  expect(statsOf(state).calls).toBe(0)
})

describe('an attempt that fails', () => {
  test('not because of a limit, is counted and holds nothing', () => {
    const { clock, state, start, statsOf, heard } = setup()
    state.failed(start(), clock.now())
    expect(state.isHeld(clock.now())).toBe(false)
    expect(statsOf(state)).toMatchObject({ failures: 1, heldMs: 0 })
    expect(heard.throttled).toBeUndefined()
  })

  test('because of a limit, holds the model, once for all that were sent before', async () => {
    const { clock, state, start, statsOf, heard } = setup()
    const [first, second] = [start(), start()]
    const effect = state.refused(first, throttled('requests', 2000), clock.now())
    expect(effect).toEqual({ holdMs: 2000, isExhausted: false })
    expect(state.isHeld(clock.now())).toBe(true)
    expect(state.refused(second, throttled('requests', 2000), clock.now()).holdMs).toBe(0)
    expect(statsOf(state)).toMatchObject({ failures: 2, throttled: { requests: 2 }, heldMs: 2000 })
    const told = { requestId: 7, tenant: 'web', model: 'm', class: 'requests', code: 'c', message: 'slow down' }
    expect(heard.throttled).toEqual([
      { ...told, holdMs: 2000 },
      { ...told, holdMs: 0 },
    ])
    await clock.advance(2000)
    expect(state.isHeld(clock.now())).toBe(false)
  })

  test('because of a sudden increase, sets a pace', () => {
    const { clock, state, start, statsOf } = setup({ rpm: 600 })
    state.refused(start(), throttled('surge'), clock.now())
    expect(statsOf(state).pace).toMatchObject({ origin: 'learned' })
  })

  test('far below the limit, teaches that the limit is lower, until new limits are configured', () => {
    const { clock, state, start, configured, heard } = setup({ rpm: 100 })
    const sent = Array.from({ length: 60 }, () => start())
    state.refused(sent[0]!, throttled('requests'), clock.now())
    expect(state.limits.rpm).toBeLessThan(100)
    expect(state.limits.source).toMatch(/^learned/)
    expect(state.configuredLimits.rpm).toBe(100)
    state.configure(configured({ m: { rpm: 200 } }), undefined, clock.now())
    expect([state.limits.rpm, state.configuredLimits.rpm]).toEqual([200, 200])
    expect(heard.limits!.map(({ to }) => to.rpm)).toEqual([expect.any(Number), 200])
  })
})

describe('a model whose quota is used up', () => {
  test('is closed for ten minutes where the server does not say until when', async () => {
    const { clock, state, start } = setup()
    const effect = state.refused(start(), exhausted(), clock.now())
    expect(effect).toEqual({ holdMs: 600_000, isExhausted: true })
    expect([state.isExhausted(clock.now()), state.whyClosed(actual, clock.now())]).toEqual([true, 'exhausted'])
    expect(state.closedError(actual, clock.now())).toBeInstanceOf(QuotaExhausted)
    await clock.advance(600_000)
    expect([state.isExhausted(clock.now()), state.whyClosed(actual, clock.now())]).toEqual([false, undefined])
    expect(state.closedError(actual, clock.now())).toBeUndefined()
  })

  test('is told by a limit a minute that asks for longer than ten minutes', () => {
    const { clock, state, start } = setup()
    const effect = state.refused(start(), throttled('tokens', 3_600_000), clock.now())
    expect(effect).toEqual({ holdMs: 3_600_000, isExhausted: true })
    const error = state.closedError(actual, clock.now())
    expect((error as QuotaExhausted).resetAt!.getTime() - Date.now()).toBeGreaterThan(3_590_000)
  })
})

test('what a model can never serve is said as a code and as an error', () => {
  const { clock, state } = setup({ rpm: 10, tpm: 1000 })
  const large = { ...actual, inputTokens: 2000 }
  expect([state.canEverPass(actual), state.whyClosed(actual, clock.now())]).toEqual([true, undefined])
  expect([state.canEverPass(large), state.whyClosed(large, clock.now())]).toEqual([false, 'too_large'])
  expect(state.closedError(large, clock.now())).toBeInstanceOf(RequestTooLarge)
  const retired = setup({ rpm: 0, tpm: 0 }).state
  expect(retired.whyClosed(actual, 0)).toBe('retired')
  expect(retired.closedError(actual, 0)).toBeInstanceOf(InvalidRequest)
})

test('limits in the service’s headers are news once, and hold when the limits are configured anew', () => {
  const { clock, state, configured } = setup({ rpm: 10, source: 'a table' })
  expect(state.reportLimits({ rpm: 5 })).toBe(true)
  expect(state.reportLimits({ rpm: 5 })).toBe(false)
  expect(state.limits.rpm).toBe(10)
  state.configure(configured({ m: { rpm: 10, source: 'a table' } }), undefined, clock.now())
  expect(state.limits).toMatchObject({ rpm: 5, source: expect.stringContaining('headers') })
})

describe('the model of a workspace', () => {
  function inside(row: LimitsRow = {}) {
    const made = setup({ rpm: 100 })
    const workspace = made.account.add('w', () => made.configured({ m: row }))
    return { ...made, own: workspace.models.of('m', PROFILE) }
  }

  test('is charged and counted at the account, too', () => {
    const { clock, state, own, start, used, statsOf } = inside({ rpm: 50 })
    const sent = start(100, own)
    expect([state.inFlight, own.inFlight]).toEqual([1, 1])
    expect([used(), used(own)]).toEqual([{ rpm: 1 }, { rpm: 1 }])
    own.settled(sent, actual, usage, clock.now())
    expect([state.inFlight, own.inFlight]).toEqual([0, 0])
    expect([statsOf(state).calls, statsOf(own).calls]).toEqual([1, 1])
  })

  test.each<[string, LimitsRow, account: boolean, own: boolean]>([
    ['without limits of its own is refused for the account’s', { rpm: Infinity }, true, false],
    ['with limits of its own is refused for those', { rpm: 100 }, false, true],
  ])('%s', (_, row, account, workspace) => {
    const { clock, state, own, start } = inside(row)
    const sent = Array.from({ length: 60 }, () => start(100, own))
    own.refused(sent[0]!, throttled('requests'), clock.now())
    const isLearned = ({ limits }: ModelState): boolean => limits.source.startsWith('learned')
    expect([isLearned(state), isLearned(own)]).toEqual([account, workspace])
  })
})
