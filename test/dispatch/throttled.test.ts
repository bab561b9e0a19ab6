import { APIError, RateLimitError } from 'openai'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isHeadgateError, QuotaExhausted } from '../../src/index.js'
import { BODIES } from '../throttling/bodies.js'
import { fault, ok, refusal, refusals, setup, type Outcome } from './setup.js'

/** An error as the `openai` client makes it of an answer. */
function clientError(status: number, body: string, headers: Record<string, string> = {}): Outcome {
  const json: unknown = body === '' ? undefined : JSON.parse(body)
  return {
    throws: APIError.generate(status, json as object, json === undefined ? body : undefined, new Headers(headers)),
  }
}

const LIMITS = { a: { rpm: 100, tpm: 100_000 }, b: { rpm: 100, tpm: 100_000 }, c: { rpm: 100, tpm: 100_000 } }
const plain = { limits: LIMITS }
const withBackups = { limits: LIMITS, fallback: { a: ['b', 'c'] } }

describe('a 429 that run throws', () => {
  test.each<[form: string, outcome: Outcome, expected: string]>([
    ['an object of one’s own', refusal('tokens'), 'tokens'],
    ['one with headers', refusal('requests', { 'retry-after': '3' }), 'requests'],
    ['code and message alone', { throws: { status: 429, ...refusals.surge } }, 'surge'],
    ['a status alone', { throws: { status: 429 } }, 'requests'],
    [
      'an Error with a status',
      { throws: Object.assign(new Error('Allocated quota exceeded'), { status: 429 }) },
      'tokens',
    ],
    ['the openai client’s, body 1', clientError(429, BODIES[1]), 'requests'],
    ['the openai client’s, body 2', clientError(429, BODIES[2]), 'tokens'],
    ['the openai client’s, body 3', clientError(429, BODIES[3]), 'surge'],
    ['the openai client’s, body 4', clientError(429, BODIES[4]), 'requests'],
    // That client keeps nothing of a flat body.
    ['the openai client’s, body 5', clientError(429, BODIES[5]), 'requests'],
    ['the openai client’s, body 11', clientError(429, BODIES[11]), 'requests'],
  ])('%s', async (_, outcome, expected) => {
    const { clock, limiter, heard, send } = setup(plain)
    const ending = send({ model: 'a' }, 'j', [outcome, ok])
    await clock.run()
    expect(ending.state).toBe('done')
    expect(heard.throttled).toMatchObject([{ model: 'a', class: expected }])
    expect(limiter.stats().models['a']!.throttled).toMatchObject({ [expected]: 1 })
  })

  test('is the openai client’s own RateLimitError, and reaches the caller as it is when nothing else helps', async () => {
    const { clock, send } = setup({ ...plain, maxRetries: 1 })
    const outcome = clientError(429, BODIES[1])
    const ending = send({ model: 'a' }, 'j', [outcome])
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', error: expect.any(RateLimitError) })
    expect(ending.error).toBe((outcome as { throws: unknown }).throws)
  })

  test.each(['retry-after', 'Retry-After', 'RETRY-AFTER'])('its %s is honoured', async (name) => {
    for (const headers of [{ [name]: '7' }, new Headers({ [name]: '7' }), new Map([['retry-after', '7']])]) {
      const { clock, sends, send } = setup(plain)
      send({ model: 'a' }, 'j', [{ throws: { status: 429, code: 'limit_burst_rate', headers } }, ok])
      await clock.run()
      expect(sends()).toEqual(['j a@0', 'j a@7010'])
    }
  })

  test('other errors are the caller’s at once', async () => {
    for (const throws of [new TypeError('mine'), 'text', undefined, null, { status: '429' }, { status: 401 }]) {
      const { clock, sends, send } = setup(withBackups)
      const ending = send({ model: 'a' }, 'j', [{ throws }])
      await clock.run()
      expect(ending).toMatchObject({ state: 'failed', at: 10 })
      expect(ending.error).toBe(throws)
      expect(sends()).toEqual(['j a@0'])
    }
  })
})

describe('the hold', () => {
  test('nothing of the group starts during it, not even what the refund has room for', async () => {
    // Without the hold the place of the refused one would let the next one in at once.
    const { clock, limiter, sends, send } = setup({ limits: { a: { concurrency: 2 }, b: { rpm: 2 } } })
    send({ model: 'a' }, 'first', [refusal('surge'), ok])
    send({ model: 'a' }, 'second', [ok], 2000)
    for (const name of ['third', 'fourth']) send({ model: 'a' }, name)
    await clock.advance(10)
    expect(limiter.stats().models['a']).toMatchObject({ heldMs: 1000, waiting: 3, inFlight: 1 })
    send({ model: 'a' }, 'new, urgent')
    send({ model: 'b' }, 'elsewhere')
    await clock.advance(999)
    expect(sends()).toEqual(['first a@0', 'second a@0', 'elsewhere b@10'])
    await clock.run()
    // Then at a pace: one a second, for nothing is known.
    expect(sends().slice(3, 5)).toEqual(['first a@1010', 'third a@2010'])
  })

  test('nor with a higher priority', async () => {
    const { clock, sends, send } = setup(plain)
    send({ model: 'a' }, 'first', [refusal('surge'), ok])
    await clock.advance(10)
    send({ model: 'a', priority: 9 }, 'urgent')
    await clock.run()
    expect(sends()).toEqual(['first a@0', 'urgent a@1010', 'first a@5810'])
  })

  test('the second first, and with no success between, the minute', async () => {
    const { clock, sends, heard, send } = setup({ limits: { a: { rpm: 600 } }, perSecond: true, networkJitterMs: 50 })
    send({ model: 'a' }, 'j', [refusal('requests'), refusal('requests'), refusal('requests'), ok])
    await clock.run()
    // The refusal empties the bucket, and what was refused lowers the limit: so a little more passes until it has room for one.
    expect(heard.throttled.map(({ holdMs }) => holdMs)).toEqual([1050, 60_050, 60_050])
    const at = sends().map((each) => Number(each.split('@')[1]))
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(1060)
    expect(at[1]! - at[0]!).toBeLessThan(2000)
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(60_060)
    expect(at[3]! - at[2]!).toBeLessThan(63_000)
  })

  test('many refusals of one burst are one episode', async () => {
    const { clock, limiter, sends, heard, send } = setup(plain)
    const endings = Array.from({ length: 20 }, (_, i) =>
      send({ model: 'a' }, `${i}`, [refusal('surge'), ok], 10 + (i % 4)),
    )
    await clock.run()
    expect(endings.every(({ state }) => state === 'done')).toBe(true)
    expect(heard.throttled.filter(({ holdMs }) => holdMs > 0).map(({ holdMs }) => holdMs)).toEqual([5990])
    expect(heard.throttled).toHaveLength(20)
    // An eighth of the limit of 100 a minute.
    expect(sends().slice(20, 22)).toEqual(['0 a@6000', '4 a@10800'])
    expect(limiter.stats().models['a']).toMatchObject({ calls: 40, failures: 20, failureRate: 0.5, heldMs: 0 })
  })

  test('those that come back start in the order in which they came back, before the new ones', async () => {
    const { clock, sends, send } = setup({ limits: { a: { rpm: 100, concurrency: 3 } } })
    for (const [i, name] of ['1', '2', '3'].entries()) send({ model: 'a' }, name, [refusal('surge'), ok], 10 + i)
    send({ model: 'a' }, 'new')
    await clock.run()
    expect(
      sends()
        .slice(3)
        .map((each) => each.split(' ')[0]),
    ).toEqual(['1', '2', '3', 'new'])
  })
})

describe('the retries', () => {
  test('four by default: five attempts, and then the last error', async () => {
    const { clock, sends, send } = setup(plain)
    const ending = send({ model: 'a' }, 'j', [refusal('surge')])
    await clock.run()
    expect(sends()).toHaveLength(5)
    expect(ending).toMatchObject({ state: 'failed', error: { status: 429 } })
  })

  test.each([0, 1, 7])('maxRetries: %i', async (maxRetries) => {
    for (const outcome of [refusal('capacity'), fault(503)]) {
      const { clock, sends, send, sent } = setup({ ...plain, maxRetries })
      send({ model: 'a' }, 'j', [outcome])
      await clock.run()
      expect(sends()).toHaveLength(maxRetries + 1)
      expect(sent.map(({ grant }) => grant.attempt)).toEqual(Array.from({ length: maxRetries + 1 }, (_, i) => i + 1))
    }
  })

  test('limits and faults share them', async () => {
    const { clock, sends, send } = setup({ ...plain, maxRetries: 2 })
    const ending = send({ model: 'a' }, 'j', [fault(500), refusal('surge'), fault(500), ok])
    await clock.run()
    expect(sends()).toHaveLength(3)
    expect(ending.state).toBe('failed')
  })

  test('with none, going to a backup still is no retry', async () => {
    const { clock, sends, send } = setup({ ...withBackups, maxRetries: 0 })
    const ending = send({ model: 'a' }, 'j', [refusal('tokens'), refusal('tokens'), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j b@10', 'j c@20'])
    expect(ending.state).toBe('done')
  })

  test('waitMs is what this attempt waited', async () => {
    const { clock, send, sent, heard } = setup(plain)
    send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sent.map(({ grant }) => [grant.attempt, grant.waitMs])).toEqual([
      [1, 0],
      [2, 1000],
    ])
    expect(heard.admit).toEqual([
      { requestId: 1, model: 'a', attempt: 1, waitMs: 0 },
      { requestId: 1, model: 'a', attempt: 2, waitMs: 1000 },
    ])
  })
})

describe('the backups', () => {
  test('the job goes to the next at once, and new ones still to the model that they name', async () => {
    const { clock, sends, send, heard } = setup(withBackups)
    send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.advance(20)
    send({ model: 'a' }, 'new')
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j b@10', 'new a@1010'])
    expect(heard.fallback).toEqual([{ requestId: 1, from: 'a', to: 'b', reason: 'throttled', class: 'surge' }])
  })

  test('one that is held is passed over', async () => {
    const { clock, sends, send } = setup(withBackups)
    send({ model: 'b' }, 'b holder', [refusal('surge'), ok])
    await clock.advance(10)
    send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['b holder b@0', 'j a@10', 'j c@20', 'b holder b@1010'])
  })

  test('one that is full is not: it goes to the head of its queue', async () => {
    const { clock, sends, send } = setup({ limits: { ...LIMITS, b: { rpm: 1 } }, fallback: { a: ['b'] } })
    for (const name of ['b1', 'b2', 'b3']) send({ model: 'b' }, name)
    send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['b1 b@0', 'j a@0', 'j b@60000', 'b2 b@120000', 'b3 b@180000'])
  })

  test('with none left, back to the head of the queue of the one that can start first, the chain anew', async () => {
    const { clock, sends, send } = setup(withBackups)
    const hold = (seconds: number) => refusal('surge', { 'retry-after': `${seconds}` })
    const ending = send({ model: 'a' }, 'j', [hold(30), hold(20), hold(40), hold(50), hold(60), ok])
    await clock.advance(25)
    send({ model: 'b' }, 'new')
    await clock.run()
    expect(sends()).toEqual([
      'j a@0',
      'j b@10',
      'j c@20',
      // b's hold ends first; a is held still, c too; so it goes back to the first that can start: a.
      'j b@20020',
      'j a@30010',
      'j c@40030',
      // At a pace it had to wait for the answer to j's.
      'new b@70030',
    ])
    expect(ending.state).toBe('done')
  })

  test('the chain begins anew: a model that refused before is tried again without a retry', async () => {
    const { clock, sends, send } = setup({ limits: LIMITS, fallback: { a: ['b'] }, maxRetries: 1 })
    const hold = (seconds: number) => refusal('surge', { 'retry-after': `${seconds}` })
    const ending = send({ model: 'a' }, 'j', [hold(5), hold(5), hold(5), ok])
    await clock.run()
    // a is free again first; refused once more, it moves to b, which was tried only before the retry.
    expect(sends()).toEqual(['j a@0', 'j b@10', 'j a@5010', 'j b@5020'])
    expect(ending.state).toBe('done')
  })

  test('fallback: false on a request', async () => {
    const { clock, sends, send, heard } = setup(withBackups)
    send({ model: 'a', fallback: false }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j a@1010'])
    expect(heard.fallback).toEqual([])
  })

  test('backups have backups of their own only for those that ask for them first', async () => {
    const { clock, sends, send } = setup({ limits: LIMITS, fallback: { a: ['b'], b: ['c'] } })
    send({ model: 'a' }, 'j', [refusal('surge'), refusal('surge'), ok])
    send({ model: 'b' }, 'k', [ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'k b@0', 'j b@10', 'j a@1010'])
  })

  test('a model named twice in its chain is there once', async () => {
    const { clock, sends, send } = setup({ limits: LIMITS, fallback: { a: ['a', 'b', 'b'] } })
    send({ model: 'a' }, 'j', [refusal('surge'), refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j b@10', 'j a@1010'])
  })
})

describe('a quota that is used up', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 8, 19, 7, 0, 0) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const planUsedUp: Outcome = {
    throws: {
      status: 429,
      error: {
        code: 'QuotaExhausted',
        message: 'Your token-plan 1-week quota has been exhausted. The quota will reset at 09-19 07:14:00 UTC.',
      },
    },
  }

  test('fails at once, those that wait too, with the reason and the time at which it comes back', async () => {
    const { clock, limiter, sends, send, heard } = setup({ limits: { a: { rpm: 1, tpm: 100_000 } } })
    const first = send({ model: 'a' }, 'first', [planUsedUp])
    const waits = send({ model: 'a' }, 'waits')
    await clock.advance(20)
    const later = send({ model: 'a' }, 'later')
    await clock.advance(0)
    for (const { error, state, at } of [first, waits, later]) {
      expect([state, at]).toEqual(['failed', at === 20 ? 20 : 10])
      expect(error).toBeInstanceOf(QuotaExhausted)
      expect(isHeadgateError(error, 'quota_exhausted')).toBe(true)
      expect((error as QuotaExhausted).resetAt?.toISOString()).toBe('2026-09-19T07:14:00.000Z')
      expect((error as Error).message).toContain("The quota of 'a' is used up")
      expect((error as Error).message).toContain('2026-09-19T07:14:00.000Z')
      expect((error as Error).message).toContain('Your token-plan 1-week quota has been exhausted.')
    }
    expect((first.error as Error).cause).toBe((planUsedUp as { throws: unknown }).throws)
    expect(sends()).toEqual(['first a@0'])
    expect(heard.throttled).toMatchObject([{ class: 'exhausted', holdMs: 14 * 60_000 }])
    expect([limiter.stats().waiting, clock.pending]).toEqual([0, 0])
  })

  test('is asked again once it should be back', async () => {
    const { clock, sends, send } = setup(plain)
    send({ model: 'a' }, 'first', [planUsedUp])
    await clock.advance(14 * 60_000)
    expect(send({ model: 'a' }, 'early').state).toBe('pending')
    await clock.advance(10)
    const ending = send({ model: 'a' }, 'due')
    await clock.run()
    expect(sends()).toEqual(['first a@0', `due a@${14 * 60_000 + 10}`])
    expect(ending.state).toBe('done')
  })

  test('without a time, after ten minutes', async () => {
    const { clock, sends, send } = setup(plain)
    const first = send({ model: 'a' }, 'first', [refusal('exhausted')])
    await clock.advance(10 * 60_000)
    expect((first.error as QuotaExhausted).resetAt).toBeUndefined()
    const early = send({ model: 'a' }, 'early')
    await clock.advance(10)
    expect(early.state).toBe('failed')
    send({ model: 'a' }, 'due')
    await clock.run()
    expect(sends()).toEqual(['first a@0', 'due a@600010'])
  })

  test.each<[name: string, outcome: Outcome, kind: string]>([
    ['a free tier, 403', clientError(403, BODIES[8]), 'exhausted'],
    ['an unpaid bill, 400', clientError(400, BODIES[9]), 'billing'],
    ['an overdue one, 429', refusal('billing'), 'billing'],
    ['402', { throws: { status: 402 } }, 'billing'],
    ['insufficient_quota with 403', { throws: { status: 403, error: refusals.tokens } }, 'exhausted'],
  ])('%s', async (_, outcome, kind) => {
    const { clock, send, heard } = setup(plain)
    const ending = send({ model: 'a' }, 'j', [outcome])
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', at: 10, error: expect.any(QuotaExhausted) })
    expect(heard.throttled).toMatchObject([{ class: kind }])
  })

  test('a wrong key does not close the model', async () => {
    const { clock, send, heard } = setup(plain)
    const wrong = send({ model: 'a' }, 'wrong', [clientError(401, BODIES[10])])
    const right = send({ model: 'a' }, 'right')
    await clock.run()
    expect([wrong.state, (wrong.error as APIError).status, right.state]).toEqual(['failed', 401, 'done'])
    expect(heard.throttled).toEqual([])
  })

  test('sends its jobs to the backups, those that wait in their order', async () => {
    const { clock, sends, send, heard } = setup({
      limits: { a: { rpm: 1 }, b: { rpm: 1 } },
      fallback: { a: ['b'] },
    })
    send({ model: 'b' }, 'b1')
    send({ model: 'a' }, 'j', [refusal('exhausted'), ok])
    for (const name of ['w1', 'w2', 'w3']) send({ model: 'a' }, name)
    send({ model: 'b' }, 'b2')
    await clock.advance(20)
    expect(heard.fallback.map(({ reason }) => reason)).toEqual(Array(4).fill('exhausted'))
    send({ model: 'a' }, 'later')
    await clock.run()
    const then = sends().slice(2)
    expect(then.map((each) => each.split('@')[1])).toEqual(['60000', '120000', '180000', '240000', '300000', '360000'])
    const names = then.map((each) => each.replace(/@.*/, ''))
    expect(names.filter((name) => name.startsWith('w'))).toEqual(['w1 b', 'w2 b', 'w3 b'])
    expect(names.slice(-2)).toEqual(['b2 b', 'later b'])
  })

  test('with all of the chain used up, fails with the last one’s reason', async () => {
    const { clock, sends, send } = setup(withBackups)
    const ending = send({ model: 'a' }, 'j', [refusal('exhausted'), refusal('billing'), refusal('exhausted')])
    const never = send({ model: 'a', fallback: false }, 'never')
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'never a@0', 'j b@10', 'j c@20'])
    expect(ending.error).toMatchObject({ message: expect.stringContaining("The quota of 'c' is used up") })
    expect(never.state).toBe('done')
  })

  test('a chain whose quotas come back at once, and are used up again, is walked once', async () => {
    // Told a time that is past: by a clock that is ahead, or an answer that is old.
    const past: Outcome = {
      throws: {
        status: 429,
        error: { code: 'QuotaExhausted', message: 'The quota will reset at 09-19 06:59:59 UTC.' },
      },
    }
    const { clock, sends, send } = setup({ limits: LIMITS, fallback: { a: ['b'] } })
    const ending = send({ model: 'a' }, 'j', [past], 3000)
    await clock.run(600_000)
    expect(sends()).toEqual(['j a@0', 'j b@3000'])
    expect(ending).toMatchObject({ state: 'failed', error: expect.any(QuotaExhausted) })
  })

  test('a fault of a request that ran meanwhile is not retried there', async () => {
    for (const fallback of [{}, { a: ['b'] }]) {
      const { clock, sends, send } = setup({ limits: LIMITS, fallback })
      const slow = send({ model: 'a' }, 'slow', [fault(500), ok], 100)
      send({ model: 'a', fallback: false }, 'quick', [refusal('exhausted')])
      await clock.run()
      const isRerouted = 'a' in fallback
      expect(sends().slice(2)).toEqual(isRerouted ? ['slow b@100'] : [])
      if (isRerouted) expect(slow.state).toBe('done')
      else
        expect(slow).toMatchObject({
          state: 'failed',
          at: 100,
          error: { code: 'quota_exhausted', cause: { status: 500 } },
        })
    }
  })

  test('so is one that refuses tokens over three full windows in which nothing ran', async () => {
    const { clock, sends, send, heard } = setup({
      limits: { a: { tpm: 60_000 } },
      perSecond: true,
      networkJitterMs: 50,
    })
    const ending = send({ model: 'a', tokens: 10 }, 'j', [refusal('tokens')])
    const waits = send({ model: 'a', tokens: 50_000 }, 'waits')
    await clock.run()
    expect(sends()).toHaveLength(5)
    expect(heard.throttled.map(({ holdMs }) => holdMs)).toEqual([1050, 60_050, 60_050, 60_050, 600_000])
    for (const { error } of [ending, waits]) expect(error).toBeInstanceOf(QuotaExhausted)
    expect((ending.error as QuotaExhausted).cause).toMatchObject({ status: 429, code: 'insufficient_quota' })
  })
})

describe('faults of the server', () => {
  test('are repeated at the same model, half a second and doubling, and hold nobody else up', async () => {
    const { clock, sends, send, heard } = setup(withBackups)
    const ending = send({ model: 'a' }, 'j', [fault(500), fault(503), fault(502), ok])
    await clock.advance(100)
    send({ model: 'a' }, 'other')
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'other a@100', 'j a@510', 'j a@1520', 'j a@3530'])
    expect(ending.state).toBe('done')
    expect([heard.throttled, heard.fallback]).toEqual([[], []])
  })

  test('with the server’s word on when', async () => {
    const { clock, sends, send } = setup(plain)
    send({ model: 'a' }, 'j', [fault(503, { 'retry-after': '9' }), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j a@9010'])
  })

  test('capacity holds the group like a 429', async () => {
    const { clock, sends, send, heard } = setup(plain)
    const outcome: Outcome = {
      throws: {
        status: 503,
        error: { code: 'ModelServingError', message: 'Throttled due to system capacity limits.' },
      },
    }
    send({ model: 'a' }, 'j', [outcome, ok])
    await clock.advance(20)
    send({ model: 'a' }, 'other')
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j a@1010', 'other a@5810'])
    expect(heard.throttled).toMatchObject([{ class: 'capacity', holdMs: 1000 }])
  })

  test('a back-off counts as waiting, and keeps one timer', async () => {
    const { clock, limiter, send } = setup(plain)
    send({ model: 'a' }, 'j', [fault(500), ok])
    await clock.advance(100)
    expect(limiter.stats()).toMatchObject({ waiting: 1, inFlight: 0, models: { a: { waiting: 1 } } })
    expect(clock.pending).toBe(1)
    await clock.run()
    expect(clock.pending).toBe(0)
  })
})

describe('a server that asks for a long wait', () => {
  test('of a day: the quota is taken to be used up until then, and the error says when', async () => {
    const { clock, send, heard } = setup({ limits: { a: { rpm: 9 } } })
    const before = Date.now()
    const first = send({ model: 'a' }, 'first', [refusal('requests', { 'retry-after': '86400' })])
    await clock.advance(20)
    const second = send({ model: 'a' }, 'second')
    await clock.advance(0)
    for (const { error } of [first, second]) {
      expect(error).toBeInstanceOf(QuotaExhausted)
      const { resetAt } = error as QuotaExhausted
      expect(resetAt!.getTime() - before).toBeGreaterThanOrEqual(86_400_000)
      expect(resetAt!.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000)
    }
    expect(heard.throttled).toMatchObject([{ holdMs: 86_400_000 }])
    await clock.advance(86_400_000)
    const third = send({ model: 'a' }, 'third')
    await clock.advance(20)
    expect(third.state).toBe('done')
  })

  test.each(['1e15', '99999999999', '1e300'])('of %s s: a day at most, and no promise of a time', async (wait) => {
    const { clock, send } = setup({ limits: { a: { rpm: 9 } } })
    const first = send({ model: 'a' }, 'first', [refusal('requests', { 'retry-after': wait })])
    await clock.advance(20)
    expect(first.error).toBeInstanceOf(QuotaExhausted)
    expect((first.error as QuotaExhausted).resetAt).toBeUndefined()
    await clock.advance(86_400_000)
    const second = send({ model: 'a' }, 'second')
    await clock.advance(20)
    expect(second.state).toBe('done')
  })

  test('goes to a backup at once', async () => {
    const { clock, send, sends } = setup({ limits: { a: { rpm: 9 }, b: { rpm: 9 } }, fallback: { a: ['b'] } })
    send({ model: 'a' }, 'first', [refusal('requests', { 'retry-after': '3600' }), ok])
    await clock.advance(20)
    expect(sends()).toEqual(['first a@0', 'first b@10'])
  })
})

describe('what is no word of this service', () => {
  test('the reason of the caller’s abort, even if it looks like a refusal: nothing is learned, the charge stands', async () => {
    const { clock, limiter, follow, heard, used } = setup({ limits: { a: { rpm: 9, tpm: 1000 } } })
    const controller = new AbortController()
    const error = { status: 429, code: 'limit_requests' }
    const ending = follow(
      limiter.schedule({ model: 'a', tokens: 100, signal: controller.signal }, async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        throw signal.reason
      }),
    )
    await clock.advance(10)
    controller.abort(error)
    await clock.advance(10)
    expect(ending).toMatchObject({ state: 'failed', error })
    expect(heard.throttled).toEqual([])
    expect(used('a')).toEqual({ rpm: 1, tpm: 100 })
  })

  test('another host’s way to read a 429: schedule reads it as its own profile says', async () => {
    const { clock, limiter, send, heard } = setup({ limits: { a: { rpm: 9, tpm: 1000 } } })
    const body = JSON.stringify({ model: 'a', messages: [] })
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    vi.stubGlobal('fetch', async () => Response.json({ choices: [] }))
    await limiter.fetch('https://api.openai.com/v1/chat/completions', init).finally(() => vi.unstubAllGlobals())
    const ending = send({ model: 'a' }, 'j', [refusal('tokens'), ok])
    await clock.run()
    expect(ending.state).toBe('done')
    expect(heard.throttled).toMatchObject([{ class: 'tokens' }])
  })
})

describe('a request that goes back to a queue', () => {
  test('is charged anew: limits that became too low for what was expected leave it possible', async () => {
    const { clock, limiter, follow } = setup({ limits: { a: { tpm: 2000 } } })
    let runs = 0
    const ending = follow(
      limiter.schedule({ model: 'a', inputTokens: 50 }, () => {
        if (++runs > 1) return 'done'
        limiter.setLimits('a', { tpm: 200 })
        throw { status: 429, code: 'limit_requests' }
      }),
    )
    await clock.run()
    expect(ending.value).toBe('done')
  })

  test('leaves it where a listener aborts it on the way', async () => {
    const { clock, limiter, send } = setup({ limits: { a: { rpm: 9 }, b: { rpm: 1 } }, fallback: { a: ['b'] } })
    send({ model: 'b' }, 'other')
    const controller = new AbortController()
    limiter.on('fallback', () => controller.abort('mine'))
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [refusal('surge'), ok])
    await clock.advance(20)
    expect(ending).toMatchObject({ state: 'failed', error: 'mine' })
    expect(limiter.stats().waiting).toBe(0)
  })

  test('a capacity fault with an hour’s Retry-After holds the model for ten minutes, and is no quota', async () => {
    const { clock, send, heard } = setup({ limits: { a: { rpm: 9 } } })
    const ending = send({ model: 'a' }, 'j', [refusal('capacity', { 'retry-after': '3600' }), ok])
    await clock.run()
    expect(ending.state).toBe('done')
    expect(heard.throttled).toMatchObject([{ class: 'capacity', holdMs: 600_000 }])
  })
})
