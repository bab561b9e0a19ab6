import { describe, expect, test } from 'vitest'
import { ok, refusal, setup, type Outcome } from '../dispatch/setup.js'

const used = (tokens: number): Outcome => ({ returns: { usage: { prompt_tokens: tokens, completion_tokens: 0 } } })

/** A limiter and a workspace of one model, and the way to send into either. */
function inside(account: object, own: object, options: object = {}) {
  const base = setup({ limits: { m: account }, ...options })
  const workspace = base.limiter.workspace('w', { m: own })
  const to = (where: 'account' | 'workspace', name: string, tokens: number, outcomes = [used(tokens)], tookMs = 10) =>
    base.follow(
      (where === 'account' ? base.limiter : workspace).schedule(
        { model: 'm', tokens },
        base.server(name, outcomes, tookMs),
      ),
    )
  const at = (name: string) => base.sent.find((each) => each.name === name)?.at
  return { ...base, workspace, to, at }
}

describe('what keeps others from starting', () => {
  test.each(['pause', 'close'] as const)(
    'a workspace that leaves its turn by %s lets the others go on',
    async (how) => {
      const { workspace, to, at, clock } = inside({ tpm: 1000 }, {})
      to('account', 'first', 600)
      to('workspace', 'large', 900)
      await clock.advance(30_000)
      to('account', 'small', 150)
      await clock.advance(10)
      expect(at('small')).toBeUndefined()
      if (how === 'pause') workspace.pause()
      else void workspace.close({ abandon: true })
      await clock.advance(20_000)
      expect(at('small')).toBe(30_010)
    },
  )

  test('a head that waits for a place of its own workspace has no claim on the account', async () => {
    const { to, at, clock } = inside({ tpm: 1000 }, { tpm: 1000, concurrency: 1 })
    to('account', 'first', 1000)
    to('workspace', 'long', 10, [used(10)], 1_800_000)
    await clock.advance(30_000)
    to('workspace', 'large', 900)
    for (let i = 0; i < 5; i++) to('account', `a${i}`, 200)
    await clock.advance(300_000)
    expect(at('large')).toBeUndefined()
    expect(at('a4')).toBeLessThan(180_000)
  })

  test('a workspace that is held by a 429 has none before its hold ends', async () => {
    const { to, at, clock } = inside({ tpm: 1000 }, {})
    to('workspace', 'refused', 100, [refusal('tokens', { 'retry-after': '540' }), ok])
    to('account', 'first', 900)
    await clock.advance(100)
    to('workspace', 'large', 900)
    for (let i = 0; i < 5; i++) to('account', `a${i}`, 200)
    await clock.advance(200_000)
    expect(at('a4')).toBeLessThan(180_000)
  })

  test('small ones that go before the head of a workspace do not use up its turn', async () => {
    const base = inside({ tpm: 1000 }, {})
    const { limiter, to, at, clock, follow, server } = base
    const others = ['x', 'y', 'z'].map((name) => limiter.workspace(name, {}))
    to('account', 'first', 900)
    to('workspace', 'large', 900)
    for (let i = 0; i < 5; i++) to('workspace', `small${i}`, 1)
    for (const other of others) follow(other.schedule({ model: 'm', tokens: 900 }, server('other', [used(900)])))
    await clock.advance(600_000)
    expect(at('large')).toBeLessThanOrEqual(62_001)
  })

  test('a place that the head needs is not taken by smaller ones', async () => {
    const { to, at, clock } = inside({ tpm: 1000, concurrency: 1 }, {})
    to('account', 'first', 900)
    await clock.advance(100)
    to('account', 'large', 900)
    to('account', 'small', 10, [used(10)], 1_800_000)
    await clock.advance(100_000)
    expect(at('large')).toBeLessThanOrEqual(62_001)
  })
})

describe('what may start does', () => {
  test('one that fits behind a head of its priority, however many wait below', async () => {
    const { limiter, send, sent, clock } = setup({ limits: { m: { tpm: 1000 } } })
    send({ model: 'm', tokens: 900 }, 'first', [used(900)])
    for (let i = 0; i < 100; i++) send({ model: 'm', tokens: 500, priority: -1 }, 'low', [used(500)])
    send({ model: 'm', tokens: 900, priority: 5 }, 'head', [used(900)])
    await clock.advance(1000)
    send({ model: 'm', tokens: 50, priority: 5 }, 'small', [used(50)])
    await clock.advance(10)
    expect(sent.map(({ name }) => name)).toEqual(['first', 'small'])
    await limiter.close({ abandon: true })
  })

  test('one that fits as soon as a hold ends, though the head has to wait on', async () => {
    const { send, sent, clock } = setup({ limits: { m: { tpm: 1000 } } })
    send({ model: 'm', tokens: 800 }, 'first', [used(800)])
    send({ model: 'm', tokens: 10 }, 'refused', [refusal('surge', { 'retry-after': '11' }), used(10)])
    await clock.advance(100)
    send({ model: 'm', tokens: 900 }, 'head', [used(900)])
    send({ model: 'm', tokens: 20 }, 'small', [used(20)])
    await clock.advance(15_000)
    expect(sent.find(({ name }) => name === 'small')?.at).toBeLessThan(12_500)
  })

  test('others go on before a head that a usage above its reservation put off', async () => {
    const { send, sent, clock } = setup({ limits: { m: { tpm: 1000 } } })
    send({ model: 'm', tokens: 500 }, 'first', [used(500)])
    send({ model: 'm', inputTokens: 100, maxOutputTokens: 0 }, 'more', [used(400)], 20_000)
    await clock.advance(100)
    send({ model: 'm', tokens: 950 }, 'head', [used(950)])
    await clock.advance(30_000)
    send({ model: 'm', tokens: 10 }, 'small', [used(10)])
    await clock.advance(30_000)
    expect(sent.some(({ name }) => name === 'small')).toBe(true)
  })

  test('one with a deadline that may go before the head; and it is foreseen', async () => {
    const { limiter, send, sent, clock } = setup({ limits: { m: { tpm: 1000 } } })
    send({ model: 'm', tokens: 900 }, 'first', [used(900)])
    send({ model: 'm', tokens: 900 }, 'head', [used(900)])
    await clock.advance(100)
    expect(limiter.predict({ model: 'm', tokens: 50 }).waitMs).toBe(0)
    send({ model: 'm', tokens: 50, deadlineMs: 5000 }, 'small', [used(50)])
    await clock.advance(1)
    expect(sent.map(({ name }) => name)).toEqual(['first', 'small'])
    expect(limiter.predict({ model: 'm', tokens: 950 }).waitMs).toBeGreaterThan(59_000)
    limiter.pause()
    expect(limiter.predict({ model: 'm', tokens: 1 }).waitMs).toBe(Infinity)
  })
})

describe('shares in a workspace', () => {
  test('are of the limit that binds, its own too', async () => {
    const { workspace, follow, server, sent, clock } = inside({ rpm: 6000, tpm: 100_000 }, { rpm: 60 })
    const one = (tenant: string, tokens: number) =>
      void follow(workspace.schedule({ model: 'm', tokens, tenant }, server(tenant, [used(tokens)])))
    for (let i = 0; i < 600; i++) one('big', 500)
    for (let i = 0; i < 600; i++) one('small', 10)
    await clock.advance(300_000)
    const big = sent.filter(({ name }) => name === 'big').length
    const small = sent.filter(({ name }) => name === 'small').length
    expect(big / small).toBeGreaterThan(0.75)
  })
})
