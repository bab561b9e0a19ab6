import { describe, expect, test } from 'vitest'
import { InvalidRequest, type Hints } from '../../src/index.js'
import { hint } from '../../src/openai/index.js'
import { ok, refusal, setup } from '../dispatch/setup.js'
import { json } from '../support/fake-fetch.js'
import { CHAT, chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const limits = { a: { rpm: 60 } }
const init: RequestInit = {
  method: 'POST',
  body: JSON.stringify(chatBody),
  headers: { 'content-type': 'application/json' },
}

describe('limiter.with(hints)', () => {
  test('gives its tenant to what goes through schedule, and the limiter itself does not', async () => {
    const { limiter, clock, server, follow } = setup({ limits })
    follow(limiter.with({ tenant: 'web' }).schedule({ model: 'a' }, server('one')))
    follow(limiter.schedule({ model: 'a' }, server('two')))
    await clock.run()
    expect(limiter.stats().tenants).toMatchObject({ web: { calls: 1 } })
    expect(Object.keys(limiter.stats().tenants)).toEqual(['web'])
    expect(limiter.stats().models['a']).toMatchObject({ calls: 2 })
  })

  test('gives its priority: who has a higher one starts first', async () => {
    const { limiter, clock, server, follow, sent } = setup({ limits: { a: { concurrency: 1 } } })
    const urgent = limiter.with({ priority: 5 })
    follow(limiter.schedule({ model: 'a' }, server('first')))
    follow(limiter.schedule({ model: 'a' }, server('plain')))
    follow(urgent.schedule({ model: 'a' }, server('urgent')))
    follow(urgent.schedule({ model: 'a', priority: -1 }, server('patient')))
    await clock.run()
    expect(sent.map(({ name }) => name)).toEqual(['first', 'urgent', 'plain', 'patient'])
  })

  test('gives its deadline, to predict too', async () => {
    const { limiter, clock, server, follow } = setup({ limits: { a: { rpm: 1 } } })
    follow(limiter.schedule({ model: 'a' }, server('one')))
    const hurried = limiter.with({ deadlineMs: 1000 })
    const late = follow(hurried.schedule({ model: 'a' }, server('two')))
    expect(() => hurried.predict({ model: 'a' })).toThrow('its deadline is in 1000 ms')
    const patient = follow(hurried.schedule({ model: 'a', deadlineMs: 120_000 }, server('three')))
    await clock.run()
    expect(late.error).toMatchObject({ code: 'deadline_impossible' })
    expect(patient.state).toBe('done')
  })

  test('gives its fallback: false', async () => {
    const { limiter, clock, server, follow, sends } = setup({
      limits: { a: { rpm: 60 }, b: { rpm: 60 } },
      fallback: { a: ['b'] },
      maxRetries: 0,
    })
    const faithful = limiter.with({ fallback: false })
    const refused = follow(faithful.schedule({ model: 'a' }, server('one', [refusal('requests'), ok])))
    await clock.run()
    expect(refused.state).toBe('failed')
    expect(sends()).toEqual(['one a@0'])
  })

  test('hints add up, the later before the earlier; undefined says nothing', async () => {
    const { limiter, clock, server, follow } = setup({ limits })
    const web = limiter.with({ tenant: 'web', deadlineMs: 5 })
    const both = web.with({ priority: 1, tenant: undefined }).with({ deadlineMs: 60_000 })
    for (let i = 0; i < 61; i++) follow(both.schedule({ model: 'a', tenant: undefined }, server(`${i}`)))
    follow(both.with({ tenant: 'other' }).schedule({ model: 'a' }, server('other')))
    await clock.run()
    expect(limiter.stats().tenants).toMatchObject({ web: { calls: 61 }, other: { calls: 1 } })
  })

  test('shares all else: limits, events, queues and the end', async () => {
    const { limiter, clock, server, follow, heard } = setup({ limits })
    const view = limiter.with({ tenant: 'web' })
    view.setLimits('a', { rpm: 30 })
    expect(limiter.limitsOf('a').rpm).toBe(30)
    expect(view.stats()).toEqual(limiter.stats())
    const told: unknown[] = []
    view.on('admit', (event) => told.push(event))
    view.pause()
    const waits = follow(limiter.schedule({ model: 'a' }, server('one')))
    await clock.advance(10)
    expect(waits.state).toBe('pending')
    view.resume()
    await clock.run()
    expect(waits.state).toBe('done')
    expect(told).toEqual(heard.admit)
    expect(view.workspace('team', { a: { rpm: 5 } }).limitsOf('a').rpm).toBe(5)
    await view.close()
    await expect(limiter.schedule({ model: 'a' }, () => 1)).rejects.toMatchObject({ code: 'limiter_closed' })
    await expect(view.schedule({ model: 'a' }, () => 1)).rejects.toMatchObject({ code: 'limiter_closed' })
  })

  test('is there for a workspace, too', async () => {
    const { limiter, clock, server, follow } = setup({ limits })
    const team = limiter.workspace('team', {})
    follow(team.with({ tenant: 'web' }).schedule({ model: 'a' }, server('one')))
    await clock.run()
    expect(team.stats().tenants).toMatchObject({ web: { calls: 1 } })
  })

  test('works taken apart, and disposed of', async () => {
    const { limiter, clock, server, follow } = setup({ limits })
    const { schedule, wrap, with: withHints } = limiter.with({ tenant: 'web' })
    follow(schedule({ model: 'a' }, server('one')))
    follow(wrap({ model: 'a' }, () => server('two')(undefined as never))())
    follow(withHints({ tenant: 'other' }).schedule({ model: 'a' }, server('three')))
    await clock.run()
    expect(limiter.stats().tenants).toMatchObject({ web: { calls: 2 }, other: { calls: 1 } })
    await limiter.with({})[Symbol.asyncDispose]()
    await expect(limiter.schedule({ model: 'a' }, () => 1)).rejects.toMatchObject({ code: 'limiter_closed' })
  })

  test('changes nothing when the caller’s object changes afterwards', async () => {
    const { limiter, clock, server, follow } = setup({ limits })
    const hints: { tenant: string } = { tenant: 'web' }
    const view = limiter.with(hints)
    hints.tenant = 'other'
    follow(view.schedule({ model: 'a' }, server('one')))
    await clock.run()
    expect(Object.keys(limiter.stats().tenants)).toEqual(['web'])
  })

  test.each<[unknown, string]>([
    [undefined, 'with(hints) was given undefined: give { priority, tenant, deadlineMs, fallback }'],
    [null, 'with(hints) was given null'],
    [{ tennant: 'web' }, "with() has no 'tennant'. There are priority, tenant, deadlineMs, fallback"],
    [{ signal: undefined }, "with() has no 'signal'"],
    [{ tenant: '' }, 'tenant is ""'],
    [{ priority: '5' }, 'priority is "5"'],
    [{ deadlineMs: -1 }, 'deadlineMs is -1'],
    [{ fallback: true }, 'fallback is true'],
  ])('%j is refused at once', (hints, message) => {
    const { limiter } = setup({ limits })
    for (const each of [limiter, limiter.with({ priority: 1 })]) {
      expect(() => each.with(hints as Hints)).toThrow(InvalidRequest)
      expect(() => each.with(hints as Hints)).toThrow(message)
    }
  })

  test.each([undefined, null, 'a', { model: '' }, { model: 'a', tennant: 'x' }])(
    'a request of %j is a rejection, as without hints',
    async (request) => {
      const { limiter } = setup({ limits })
      const run = () => 1
      const plain = limiter.schedule(request as never, run).catch((error: unknown) => error)
      const hinted = limiter
        .with({ tenant: 'web' })
        .schedule(request as never, run)
        .catch((error: unknown) => error)
      expect(await hinted).toEqual(await plain)
      expect(await hinted).toMatchObject({ code: 'invalid_request' })
    },
  )
})

describe('limiter.with(hints).fetch', () => {
  const answer = json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })

  test('gives its hints to calls, below headers and hint()', async () => {
    const world = new LimitedFetch([answer])
    const view = world.limiter.with({ tenant: 'view', priority: 3 })
    await view.fetch(CHAT, init)
    await view.fetch(CHAT, { ...init, headers: { 'x-headgate-tenant': 'header' } })
    await view.fetch(CHAT, { ...init, headers: { 'x-headgate-tenant': 'header' }, ...hint({ tenant: 'hint' }) })
    await view.fetch(CHAT, { ...init, ...hint({ tenant: undefined, priority: 1 }) })
    await world.limiter.fetch(CHAT, init)
    const { tenants } = world.limiter.stats()
    expect(Object.entries(tenants).map(([name, { calls }]) => [name, calls])).toEqual([
      ['view', 2],
      ['header', 1],
      ['hint', 1],
    ])
    for (const { headers } of world.service.sent) expect([...headers.keys()]).not.toContain('x-headgate-tenant')
    world.expectAtRest()
  })

  test('gives its deadline to each call', async () => {
    const world = new LimitedFetch([answer], { limits: { 'qwen-plus': { rpm: 1 } }, perSecond: false })
    const hurried = world.limiter.with({ deadlineMs: 0 })
    expect((await hurried.fetch(CHAT, init)).status).toBe(200)
    await settlePromises()
    expect((await hurried.fetch(CHAT, init)).status).toBe(429)
    world.expectAtRest()
  })
})
