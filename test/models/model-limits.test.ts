import { describe, expect, test } from 'vitest'
import { refusal, setup, type Outcome } from '../dispatch/setup.js'

const MINUTE = 60_000

/** A service with a sliding minute of its own: `limit(now)` tokens, 100 a request. */
function service(limit: (now: number) => number, options = {}) {
  const { clock, limiter, sent, server, sends, heard } = setup({
    limits: { a: { tpm: 6000 } },
    startFull: false,
    maxRetries: 10,
    ...options,
  })
  const taken: number[] = []
  let refused = 0
  const start = clock.now()
  const outcome = (): Outcome => {
    const now = clock.now() - start
    while (taken.length > 0 && taken[0]! <= now - MINUTE) taken.shift()
    if (taken.length * 100 + 100 > limit(now)) {
      refused++
      return refusal('tokens')
    }
    taken.push(now)
    return { returns: { usage: { prompt_tokens: 100, completion_tokens: 0 } } }
  }
  const done: unknown[] = []
  const send = (count: number, request = {}) => {
    for (let i = 0; i < count; i++) {
      limiter.schedule({ model: 'a', tokens: 100, ...request }, server(`${i}`, [outcome], 0)).then(
        () => done.push(i),
        (error: unknown) => done.push(error),
      )
    }
  }
  return { clock, limiter, sent, sends, heard, send, done, refusals: () => refused }
}

describe('limits that are not as told', () => {
  test('are found by one refusal, shown with their origin, told of once, and no job is lost', async () => {
    const { clock, limiter, heard, send, done, refusals } = service((now) => (now < 3 * MINUTE ? 6000 : 3000))
    send(500)
    await clock.advance(3.5 * MINUTE)
    expect(refusals()).toBe(1)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 3000, source: 'learned: 50 % of the tokens of user' })
    expect(limiter.stats().models['a']!.limits).toEqual(limiter.limitsOf('a'))
    expect(heard.limits).toHaveLength(1)
    await clock.run()
    expect(done).toEqual(expect.not.arrayContaining([expect.any(Error)]))
    expect(done).toHaveLength(500)
  })

  test('a request larger than what was found, but not than what was told, goes alone and is not refused here', async () => {
    const { clock, limiter, send } = service((now) => (now < 3 * MINUTE ? 6000 : 3000))
    send(400)
    await clock.advance(3.5 * MINUTE)
    expect(limiter.limitsOf('a').tpm).toBe(3000)
    let ran = false
    const large = limiter.schedule({ model: 'a', tokens: 5000, priority: 9 }, () => void (ran = true))
    await clock.run()
    await large
    expect(ran).toBe(true)
  })

  test('new limits from the user hold whole', async () => {
    const { clock, limiter, send } = service((now) => (now < 3 * MINUTE ? 6000 : 3000))
    send(400)
    await clock.advance(3.5 * MINUTE)
    limiter.setLimits('a', { tpm: 2000 })
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 2000, source: 'user' })
    expect(limiter.stats().models['a']!.windows).toMatchObject([{ limit: 'tpm', effective: 2000 }])
  })

  test('more than was told is tried with probeHigherLimits alone', async () => {
    const told = service(() => 24_000)
    told.send(1500)
    await told.clock.advance(15 * MINUTE)
    expect(told.limiter.limitsOf('a').tpm).toBe(6000)
    const more = service(() => 24_000, { probeHigherLimits: true })
    more.send(3000)
    await more.clock.advance(15 * MINUTE)
    expect(more.limiter.limitsOf('a').tpm).toBeGreaterThan(20_000)
    expect(more.refusals()).toBeLessThanOrEqual(3)
  })

  test('a workspace without limits of its own teaches the account, one with some itself', async () => {
    const { clock, limiter } = service(() => 0)
    const refused = () => Promise.reject({ status: 429, error: { code: 'insufficient_quota' } })
    const fill = (to: typeof limiter, tokens: number) => to.schedule({ model: 'a', tokens }, () => 'done')
    const send = (to: typeof limiter) => to.schedule({ model: 'a', tokens: 100 }, refused).catch(() => {})
    const own = limiter.workspace('own', { a: { tpm: 1200 } })
    void fill(own, 1000)
    await clock.advance(2 * MINUTE)
    void fill(own, 1000)
    await clock.advance(10_000)
    void send(own)
    await clock.advance(10_000)
    expect(own.limitsOf('a').tpm).toBeLessThan(1200)
    expect(limiter.limitsOf('a').tpm).toBe(6000)
    const none = limiter.workspace('none', {})
    void fill(none, 4000)
    await clock.advance(MINUTE - 10_000)
    void send(none)
    await clock.advance(MINUTE)
    expect(limiter.limitsOf('a').tpm).toBeLessThan(6000)
  })

  test('a long wait that the service asks for says nothing of a limit a minute', async () => {
    const { clock, limiter, server } = setup({ limits: { a: { tpm: 6000 } } })
    void limiter.schedule(
      { model: 'a', tokens: 100 },
      server('x', [refusal('tokens', { 'retry-after': '300' }), { returns: {} }]),
    )
    await clock.run()
    expect(limiter.limitsOf('a').tpm).toBe(6000)
  })
})

describe('a refusal of what was sent under other limits', () => {
  test('teaches nothing of those that hold now', async () => {
    const { limiter, send, clock, heard } = setup({ limits: { a: { tpm: 1000 } }, maxRetries: 0 })
    for (let i = 0; i < 9; i++) send({ model: 'a', tokens: 100 }, `${i}`, [{ returns: undefined }])
    send({ model: 'a', tokens: 100 }, 'late', [refusal('tokens')], 5000)
    await clock.advance(1000)
    limiter.setLimits('a', { tpm: 1100 })
    await clock.advance(5000)
    expect(heard.throttled).toHaveLength(1)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 1100, source: 'user' })
  })

  test('that was sent under those that hold does', async () => {
    const { limiter, send, clock } = setup({ limits: { a: { tpm: 1000 } }, maxRetries: 0 })
    limiter.setLimits('a', { tpm: 1100 })
    for (let i = 0; i < 9; i++) send({ model: 'a', tokens: 100 }, `${i}`, [{ returns: undefined }])
    await clock.advance(1000)
    send({ model: 'a', tokens: 100 }, 'late', [refusal('tokens')], 5000)
    await clock.advance(10_000)
    expect(limiter.limitsOf('a').source).toContain('learned')
  })
})
