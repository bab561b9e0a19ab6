import { describe, expect, test } from 'vitest'
import type { HeadgateEvents, LimitsSource, LimitsTable } from '../../src/index.js'
import { ok, setup } from '../dispatch/setup.js'

function source(first: LimitsTable, told = false): LimitsSource & { change(table: LimitsTable): void; ended: number } {
  let table = first
  let tell = () => {}
  const made = {
    ended: 0,
    current: () => table,
    subscribe(listener: () => void) {
      tell = listener
      if (told) listener()
      return () => void made.ended++
    },
    change(next: LimitsTable) {
      table = next
      tell()
    },
  }
  return made
}

describe('limits of a workspace', () => {
  test('from a source: told while it is subscribed to, changed later, ended with the workspace', async () => {
    const { limiter } = setup({ limits: { m: { rpm: 10 } } })
    const live = source({ m: { rpm: 5 } }, true)
    const workspace = limiter.workspace('w', live)
    expect(workspace.limitsOf('m')).toMatchObject({ rpm: 5, source: "workspace 'w', in user" })
    live.change({ m: { rpm: 3 } })
    expect(workspace.limitsOf('m')).toMatchObject({ rpm: 3 })
    const warned: HeadgateEvents['warning'][] = []
    limiter.on('warning', (event) => warned.push(event))
    live.change({ m: { rpm: 30 } })
    expect(workspace.limitsOf('m')).toMatchObject({ rpm: 10 })
    expect(warned).toMatchObject([
      { workspace: 'w', message: expect.stringContaining("above the account's 10") as string },
    ])
    await workspace.close()
    expect(live.ended).toBe(1)
  })

  test('are those that are stated: what follows from them is no one’s word', () => {
    const { limiter } = setup({ limits: { m: { rpm: 600, rps: 5 } }, perSecond: true })
    expect(limiter.workspace('w', { m: { rpm: 600 } }).limitsOf('m')).toMatchObject({ rpm: 600, rps: 5 })
  })

  test.each([
    ['model-studio/singapore', /limits is the text "model-studio\/singapore": give a table/],
    [undefined, /limits is undefined/],
    [{ gone: { rpm: 5 } }, /'gone' is retired in the account/],
  ])('%j are refused', (limits, message) => {
    const { limiter } = setup({ limits: { gone: { rpm: 0, tpm: 0 } } })
    expect(() => limiter.workspace('w', limits as never)).toThrow(message)
  })
})

describe('the end of a workspace', () => {
  test('a source whose ending throws is told of, and the end is an end', async () => {
    const { limiter, heard } = setup({ limits: { m: { rpm: 10 } } })
    const throwing = () => {
      throw new Error('no')
    }
    limiter.workspace('w', { current: () => ({}), subscribe: () => throwing })
    await limiter.close()
    expect(heard.warning).toMatchObject([{ workspace: 'w', message: expect.stringContaining('Error: no') as string }])
  })

  test('one made again under its name does not begin with a full quota', async () => {
    const { limiter, sent, follow, server, clock } = setup({ limits: { m: { rpm: 600 } } })
    for (let i = 0; i < 5; i++) {
      const workspace = limiter.workspace('w', { m: { rpm: 2 } })
      follow(workspace.schedule({ model: 'm' }, server(`${i}`, [ok], 0)))
      follow(workspace.schedule({ model: 'm' }, server(`${i}`, [ok], 0)))
      await clock.advance(50)
      void workspace.close({ abandon: true })
      await clock.advance(50)
    }
    expect(sent).toHaveLength(2)
  })

  test('leaves no queue behind in the account', async () => {
    const { limiter, follow, server, clock } = setup({ limits: { m: { rpm: 60_000 } } })
    for (let i = 0; i < 50; i++) {
      const workspace = limiter.workspace(`w${i}`, { m: { rpm: 100 } })
      const done = follow(workspace.schedule({ model: 'm' }, server('job', [ok], 0)))
      await clock.advance(1)
      await workspace.close()
      expect(done.state).toBe('done')
    }
    const again = limiter.workspace('w0', {})
    expect(again.stats()).toMatchObject({ waiting: 0, inFlight: 0, models: {} })
    expect(limiter.stats().models['m']).toMatchObject({ calls: 50, waiting: 0, inFlight: 0 })
  })
})

describe('events', () => {
  test('say in which workspace they were', async () => {
    const { limiter, heard, follow, server, clock } = setup({ limits: { m: { rpm: 10 } } })
    const workspace = limiter.workspace('w', { m: { rpm: 5 } })
    follow(workspace.schedule({ model: 'm' }, server('job', [ok])))
    follow(limiter.schedule({ model: 'm' }, server('job', [ok])))
    await clock.run()
    expect(heard.admit.map((event) => event.workspace)).toEqual(['w', undefined])
    workspace.setLimits('m', { rpm: 2 })
    expect(heard.limits).toMatchObject([{ workspace: 'w', to: { rpm: 2 } }])
  })
})

describe('tenants in stats', () => {
  test('a crowd of them costs little, and those that were there first are still counted', async () => {
    const { limiter, follow, server, clock } = setup({ limits: { m: {} } })
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3000; i++) follow(limiter.schedule({ model: 'm', tenant: `t${i}` }, server('job', [ok], 0)))
      await clock.advance(1)
    }
    const { tenants } = limiter.stats()
    expect(Object.keys(tenants)).toHaveLength(1000)
    expect(tenants['t5']).toMatchObject({ calls: 2, waiting: 0 })
    await clock.advance(400_000)
    follow(limiter.schedule({ model: 'm', tenant: 'new' }, server('job', [ok], 0)))
    expect(limiter.stats().tenants['new']).toMatchObject({ calls: 1 })
  })
})
