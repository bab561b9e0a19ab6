import { describe, expect, test } from 'vitest'
import { createLimiter, InvalidLimits, InvalidRequest, type LimitsHost, type LimitsSource } from '../../src/index.js'
import { ok, setup } from '../dispatch/setup.js'
import { settlePromises } from '../support/virtual-clock.js'

const table = { a: { rpm: 60 } }

describe('a limiter is whole before anything from outside is called', () => {
  test('a source may tell of its table, and warn, while it is subscribed to and attached', async () => {
    const told: string[] = []
    const source: LimitsSource = {
      current: () => table,
      subscribe(listener) {
        listener()
        told.push('subscribed')
        return () => {}
      },
      attach(host: LimitsHost) {
        host.warn('begun')
        host.wakeIn(1000, () => {})()
        told.push('attached')
        return () => {}
      },
    }
    const { limiter, heard } = setup({ limits: source, fallback: { a: ['b'] } })
    expect(told).toEqual(['subscribed', 'attached'])
    expect(limiter.limitsOf('a').rpm).toBe(60)
    const own: unknown[] = []
    limiter.workspace('team', source).on('warning', (event) => own.push(event))
    expect(heard.warning).toEqual([])
    await settlePromises()
    const ofTeam = { message: 'begun', workspace: 'team' }
    expect(heard.warning).toMatchObject([{ model: 'b' }, { message: 'begun' }, ofTeam])
    expect(own).toEqual([ofTeam])
  })

  test('its methods may be taken out of it', async () => {
    const { limiter, clock, follow } = setup({ limits: table })
    const { schedule, predict, limitsOf, setLimits, workspace, stats, on, pause, resume, drain, close } = limiter
    let admitted = 0
    on('admit', () => admitted++)
    setLimits('a', { rpm: 30 })
    expect([limitsOf('a').rpm, predict({ model: 'a' }).waitMs]).toEqual([30, 0])
    pause()
    const one = follow(schedule({ model: 'a' }, () => 1))
    resume()
    await clock.run()
    await drain()
    expect([one.value, admitted, stats().waiting, workspace('w', {}).stats().waiting]).toEqual([1, 1, 0, 0])
    await close()
    expect((await schedule({ model: 'a' }, () => 1).catch((error: Error) => error)) as Error).toMatchObject({
      code: 'limiter_closed',
    })
  })
})

describe('a workspace whose limits are refused', () => {
  const source = (current: LimitsSource['current']) => {
    const state = { listeners: 0 }
    const limits: LimitsSource = {
      current,
      subscribe() {
        state.listeners++
        return () => void state.listeners--
      },
    }
    return { state, limits }
  }

  test('leaves no listener behind, and its name free, as if it had never been', async () => {
    const { limiter, clock, follow, server, sent } = setup({ limits: table })
    const above = source(() => ({ a: { rpm: 600 } }))
    expect(() => limiter.workspace('team', above.limits)).toThrow(InvalidLimits)
    expect(above.state.listeners).toBe(0)
    // Its buckets start full: nothing ran under that name.
    const team = limiter.workspace('team', { a: { rpm: 5 } })
    for (let i = 0; i < 5; i++) follow(team.schedule({ model: 'a' }, server(`${i}`, [ok], 0)))
    await clock.advance(0)
    expect(sent).toHaveLength(5)
    expect(() => limiter.workspace('team', {})).toThrow(InvalidRequest)
  })

  test('is not told of its changes', () => {
    let tell = () => {}
    const limits: LimitsSource = {
      current: () => ({ a: { rpm: 600 } }),
      subscribe(listener) {
        tell = listener
        listener()
        return () => {}
      },
    }
    const { limiter, heard } = setup({ limits: table })
    expect(() => limiter.workspace('team', limits)).toThrow("above the account's 60")
    tell()
    expect(heard.warning).toEqual([])
  })

  test('under a name that is taken leaves the source alone', () => {
    const { limiter } = setup({ limits: table })
    limiter.workspace('team', {})
    const { limits, state } = source(() => ({}))
    expect(() => limiter.workspace('team', limits)).toThrow("There is a workspace 'team' already")
    expect(state.listeners).toBe(0)
  })
})

test('a limiter that cannot be made throws, and begins nothing', () => {
  const broken: LimitsSource = {
    current: () => table,
    subscribe() {
      throw new Error('no connection')
    },
  }
  expect(() => createLimiter({ limits: broken, fallback: { a: ['b'] } })).toThrow('threw in subscribe(listener)')
})
