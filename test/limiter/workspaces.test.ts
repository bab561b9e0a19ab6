import { describe, expect, test } from 'vitest'
import { isHeadgateError, type Limiter, type LimitsTable } from '../../src/index.js'
import { ok, refusal, setup, type Outcome } from '../dispatch/setup.js'

const used = (tokens: number): Outcome => ({ returns: { usage: { prompt_tokens: tokens, completion_tokens: 0 } } })

/** A limiter with a workspace, and the way to send into each. */
function inside(account: LimitsTable, limits: LimitsTable, name = 'team') {
  const base = setup({ limits: account })
  const workspace = base.limiter.workspace(name, limits)
  let count = 0
  const sendTo = (limiter: Limiter, name: string, fields: object = {}, outcomes: Outcome[] = [ok]) =>
    base.follow(limiter.schedule({ model: 'm', ...fields }, base.server(`${name}${++count}`, outcomes)))
  const names = () => base.sent.map(({ name, at }) => `${name}@${at}`).join(' ')
  return { ...base, workspace, sendTo, names }
}

describe('a workspace', () => {
  test('has its own limits inside those of the account, and both are charged', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 3 } }, { m: { rpm: 2 } })
    for (let i = 0; i < 4; i++) sendTo(workspace, 'w')
    await clock.advance(0)
    expect(names()).toBe('w1@0 w2@0')
    for (let i = 0; i < 3; i++) sendTo(limiter, 'a')
    await clock.advance(0)
    expect(names()).toBe('w1@0 w2@0 a5@0')
    await clock.advance(60_000)
    // Three in each minute, no more than two of the workspace; they take turns.
    expect(names()).toBe('w1@0 w2@0 a5@0 w3@60000 a6@60000 w4@60000')
    await clock.run()
    expect(names()).toContain('a7@120000')
  })

  test('a model that it does not name has the account’s limits alone', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 2 } }, {})
    for (let i = 0; i < 2; i++) sendTo(workspace, 'w')
    sendTo(limiter, 'a')
    await clock.run()
    expect(names()).toBe('w1@0 w2@0 a3@60000')
    expect(workspace.limitsOf('m')).toEqual(limiter.limitsOf('m'))
  })

  test('one that waits for its own limits does not hold up the others', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 10 } }, { m: { rpm: 1 } })
    for (let i = 0; i < 3; i++) sendTo(workspace, 'w')
    const other = limiter.workspace('other', { m: { rpm: 2 } })
    for (let i = 0; i < 2; i++) sendTo(other, 'o')
    sendTo(limiter, 'a')
    await clock.run()
    expect(names()).toBe('w1@0 o4@0 o5@0 a6@0 w2@60000 w3@120000')
  })

  test('where the account is short, a large one is not put off by small ones of others', async () => {
    const { limiter, workspace, sendTo, clock, sent } = inside({ m: { tpm: 1000 } }, { m: { tpm: 1000 } })
    sendTo(limiter, 'first', { tokens: 1000 }, [used(1000)])
    sendTo(workspace, 'large', { tokens: 900 }, [used(900)])
    for (let i = 0; i < 400; i++) sendTo(limiter, 'small', { tokens: 10 }, [used(10)])
    await clock.advance(60_000)
    const large = sent.find(({ name }) => name.startsWith('large'))
    expect(large?.at).toBeLessThanOrEqual(62_001)
  })

  test('several share the account in turns', async () => {
    const { limiter, workspace, sendTo, clock, sent } = inside({ m: { rpm: 4 } }, { m: { rpm: 4 } }, 'x')
    const y = limiter.workspace('y', { m: { rpm: 4 } })
    for (let i = 0; i < 4; i++) sendTo(limiter, 'a')
    for (let i = 0; i < 30; i++) sendTo(workspace, 'x')
    for (let i = 0; i < 30; i++) sendTo(y, 'y')
    await clock.advance(600_000)
    const count = (letter: string) => sent.filter(({ name }) => name.startsWith(letter)).length
    expect(count('x')).toBe(20)
    expect(count('y')).toBe(20)
  })

  test('what a request did not use comes back to both', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { tpm: 100 } }, { m: { tpm: 100 } })
    sendTo(workspace, 'w', { inputTokens: 100, maxOutputTokens: 0 }, [used(10)])
    sendTo(workspace, 'w', { tokens: 50 }, [used(50)])
    sendTo(limiter, 'a', { tokens: 40 }, [used(40)])
    await clock.advance(100)
    expect(names()).toBe('w1@0 w2@10 a3@10')
  })

  test('a refusal of its request holds it, not the account', async () => {
    const { limiter, workspace, sendTo, clock, names, heard } = inside({ m: { rpm: 60 } }, { m: { rpm: 30 } })
    sendTo(workspace, 'w', {}, [refusal('requests'), ok])
    await clock.advance(20)
    sendTo(limiter, 'a')
    await clock.advance(1)
    expect(names()).toBe('w1@0 a2@20')
    expect(workspace.stats().models['m']!.heldMs).toBeGreaterThan(0)
    expect(limiter.stats().models['m']!.heldMs).toBe(0)
    expect(heard.throttled).toHaveLength(1)
    await clock.run()
    expect(names()).toMatch(/w1@\d+$/)
  })

  test('is paced after a sudden increase of its own, and by the account’s', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 480 } }, { m: { rpm: 240 } })
    sendTo(workspace, 'w', {}, [refusal('surge'), ok])
    await clock.advance(10)
    for (let i = 0; i < 2; i++) sendTo(limiter, 'a')
    sendTo(workspace, 'w')
    await clock.advance(4000)
    expect(names()).toBe('w1@0 a2@10 a3@10 w1@1010 w4@3010')
    expect(workspace.stats().models['m']!.pace).toMatchObject({ origin: 'learned' })
    expect(limiter.stats().models['m']!.pace).toBeUndefined()
    sendTo(limiter, 'a', {}, [refusal('surge'), ok])
    await clock.advance(10)
    const pace = limiter.stats().models['m']!.pace!
    expect(pace.requestsPerSecond).toBeCloseTo(8 / 8)
    expect(workspace.stats().models['m']!.pace!.requestsPerSecond).toBeLessThanOrEqual(pace.requestsPerSecond)
    await clock.run()
  })

  test('tells of itself; the account tells of all', async () => {
    const { limiter, workspace, sendTo, clock } = inside({ m: { rpm: 10 } }, { m: { rpm: 2 } })
    const admitted: string[] = []
    workspace.on('admit', ({ model }) => admitted.push(model))
    sendTo(workspace, 'w', { tenant: 't' })
    sendTo(workspace, 'w')
    sendTo(workspace, 'w', { tenant: 'u' })
    sendTo(limiter, 'a', { tenant: 't' })
    await clock.advance(5)
    const own = workspace.stats()
    const all = limiter.stats()
    expect(admitted).toHaveLength(2)
    expect(own.models['m']).toMatchObject({ calls: 2, inFlight: 2, waiting: 1, windows: [{ limit: 'rpm', used: 2 }] })
    expect(all.models['m']).toMatchObject({ calls: 3, inFlight: 3, waiting: 1, windows: [{ limit: 'rpm', used: 3 }] })
    expect([own.waiting, all.waiting]).toEqual([1, 1])
    expect(own.tenants).toMatchObject({ t: { calls: 1, waiting: 0 }, u: { calls: 0, waiting: 1 } })
    expect(all.tenants).toMatchObject({ t: { calls: 2 }, u: { calls: 0, waiting: 1 } })
    await clock.run()
    expect(limiter.stats().models['m']!.calls).toBe(4)
    expect(workspace.stats().tenants['u']).toMatchObject({ calls: 1, waiting: 0 })
  })

  test('changes its limits as it runs, never above the account’s', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 4 } }, { m: { rpm: 1 } })
    for (let i = 0; i < 3; i++) sendTo(workspace, 'w')
    await clock.advance(0)
    expect(() => workspace.setLimits('m', { rpm: 5 })).toThrow(
      /workspace 'team': rpm of 'm' is 5, above the account's 4/,
    )
    workspace.setLimits('m', { rpm: 2 })
    await clock.advance(30_000)
    expect(names()).toBe('w1@0 w2@30000')
    limiter.setLimits('m', { rpm: 1 })
    expect(workspace.limitsOf('m')).toMatchObject({ rpm: 1 })
    await clock.run()
    expect(names()).toBe('w1@0 w2@30000 w3@90000')
  })

  test.each([
    [{ m: { rpm: 11 } }, "workspace 'x': rpm of 'm' is 11, above the account's 10 (user)"],
    [{ m: { tpm: 5, rps: 99 } }, /^workspace 'x': rps/],
    [{ m: { rpm: 0, tpm: 5 } }, /rpm/],
  ])('limits %j are refused', (limits, message) => {
    const { limiter } = setup({ limits: { m: { rpm: 10, rps: 5 } } })
    expect(() => limiter.workspace('x', limits)).toThrow(message)
    expect(() => limiter.workspace('x', { m: { rpm: 10 } })).not.toThrow()
  })

  test('has a name of its own, and none inside', () => {
    const { limiter, workspace } = inside({ m: { rpm: 10 } }, {})
    expect(() => limiter.workspace('team', {})).toThrow(/a workspace 'team' already/)
    expect(() => limiter.workspace('', {})).toThrow(/name is the text ""/)
    expect(() => limiter.workspace('x', 5 as never)).toThrow(/limits/)
    expect(() => workspace.workspace('x', {})).toThrow(/has none inside/)
  })

  test('pauses alone, and with the account', async () => {
    const { limiter, workspace, sendTo, clock, names } = inside({ m: { rpm: 10 } }, {})
    workspace.pause()
    sendTo(workspace, 'w')
    sendTo(limiter, 'a')
    await clock.advance(5)
    expect(names()).toBe('a2@0')
    limiter.pause()
    workspace.resume()
    sendTo(limiter, 'a')
    await clock.advance(5)
    expect(names()).toBe('a2@0')
    limiter.resume()
    await clock.run()
    expect(names()).toBe('a2@0 w1@10 a3@10')
    expect(clock.pending).toBe(0)
  })

  test('closes alone, finishing or abandoning what waits; its name is free then', async () => {
    const { limiter, workspace, sendTo, clock, follow } = inside({ m: { rpm: 1 } }, {})
    sendTo(workspace, 'w')
    const second = sendTo(workspace, 'w')
    const drained = follow(workspace.drain())
    const closed = follow(workspace.close())
    const refused = sendTo(workspace, 'w')
    await clock.advance(100)
    expect([closed.state, drained.state, second.state]).toEqual(['pending', 'pending', 'pending'])
    expect(isHeadgateError(refused.error, 'limiter_closed')).toBe(true)
    await clock.advance(60_100)
    expect([closed.state, drained.state, second.state]).toEqual(['done', 'done', 'done'])
    const again = limiter.workspace('team', {})
    const waits = sendTo(again, 'w')
    await again.close({ abandon: true })
    await clock.advance(0)
    expect(isHeadgateError(waits.error, 'limiter_closed')).toBe(true)
    expect(sendTo(limiter, 'a').state).toBe('pending')
    await clock.run()
  })

  test('the account’s close waits for its workspaces, and closes them', async () => {
    const { limiter, workspace, sendTo, clock, follow } = inside({ m: { rpm: 1 } }, {})
    const first = sendTo(workspace, 'w')
    const second = sendTo(workspace, 'w')
    const drained = follow(limiter.drain())
    const closed = follow(limiter.close())
    const refused = sendTo(workspace, 'w')
    await clock.advance(50)
    expect([first.state, second.state, closed.state, refused.state]).toEqual(['done', 'pending', 'pending', 'failed'])
    await clock.run()
    expect([second.state, closed.state, drained.state]).toEqual(['done', 'done', 'done'])
    expect(() => limiter.workspace('x', {})).toThrow(/closed/)
  })

  test('predicts by what waits in it and by what others take of the account', async () => {
    const { limiter, workspace, sendTo, clock } = inside({ m: { rpm: 2 } }, { m: { rpm: 1 } })
    for (let i = 0; i < 2; i++) sendTo(workspace, 'w')
    await clock.advance(0)
    expect(workspace.predict({ model: 'm' })).toEqual({ model: 'm', waitMs: 120_000 })
    expect(limiter.predict({ model: 'm' })).toEqual({ model: 'm', waitMs: 0 })
  })
})

describe('what waits behind a lane that gives up its turn goes on', () => {
  /** One of the account runs and fills it; one each waits of the workspace or the account, and behind it of the other. */
  function waiting(first: 'account' | 'workspace', outcome: Outcome = ok) {
    const base = inside({ m: { rpm: 1 } }, {})
    const [one, other] = first === 'account' ? [base.limiter, base.workspace] : [base.workspace, base.limiter]
    base.sendTo(base.limiter, 'runs', {}, [outcome])
    base.sendTo(one, 'first')
    return { ...base, behind: base.sendTo(other, 'behind') }
  }

  test('where a workspace is paused', async () => {
    const { workspace, clock, names, behind } = waiting('workspace')
    workspace.pause()
    await clock.advance(600_000)
    expect([names(), behind.state]).toEqual(['runs1@0 behind3@60000', 'done'])
  })

  test('where a workspace is closed and abandoned', async () => {
    const { workspace, clock, names, behind } = waiting('workspace')
    await workspace.close({ abandon: true })
    await clock.run()
    expect([names(), behind.state]).toEqual(['runs1@0 behind3@60000', 'done'])
  })

  test('where the quota of the account is found used up by one of its own', async () => {
    const { clock, names, behind } = waiting('account', refusal('exhausted'))
    await clock.run()
    expect([names(), behind.state]).toEqual(['runs1@0 behind3@10', 'done'])
  })
})
