import { describe, expect, test, vi } from 'vitest'
import { createLimiter, InvalidLimits, type LimitsHost, type LimitsSource } from '../../../src/index.js'
import { joinLimits } from '../../../src/limits/index.js'
import { refusal, setup } from '../../dispatch/setup.js'
import { settlePromises } from '../../support/virtual-clock.js'

/** A source that records the calls of its methods. */
function recording(table = { a: { rpm: 60, tpm: 1000 } } as Record<string, object>) {
  const heard: string[] = []
  const hosts: LimitsHost[] = []
  const listeners = new Set<() => void>()
  const source: LimitsSource = {
    current: () => table,
    subscribe(listener) {
      heard.push('subscribe')
      listeners.add(listener)
      return () => {
        heard.push('unsubscribe')
        listeners.delete(listener)
      }
    },
    attach(host) {
      heard.push('attach')
      hosts.push(host)
      return () => void heard.push('detach')
    },
    refused: (model, kind) => void heard.push(`${model} ${kind}`),
  }
  return { source, heard, hosts, listeners }
}

describe('a source with attach', () => {
  test('is attached once, after the subscription, and detached when the limiter is closed', async () => {
    const { source, heard } = recording()
    const { limiter } = setup({ limits: source })
    expect(heard).toEqual(['subscribe', 'attach'])
    await Promise.all([limiter.close(), limiter.close()])
    expect(heard).toEqual(['subscribe', 'attach', 'detach', 'unsubscribe'])
  })

  test('wakes by the limiter’s clock, and warns through the limiter', async () => {
    const { source, hosts } = recording()
    const { clock, heard } = setup({ limits: source })
    const host = hosts[0]!
    const wake = vi.fn(() => void host.warn('something', 5))
    const never = vi.fn()
    expect(host.now()).toBe(clock.now())
    host.wakeIn(1000, wake)
    host.wakeIn(1000, never)()
    await clock.advance(999)
    expect(wake).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(wake).toHaveBeenCalledOnce()
    expect(never).not.toHaveBeenCalled()
    expect(heard.warning).toEqual([{ message: 'something', cause: 5 }])
  })

  test.each([
    ['requests', ['a requests']],
    ['tokens', ['a tokens']],
    ['surge', []],
    ['capacity', []],
    ['exhausted', []],
    ['billing', []],
  ] as const)('receives for a 429 of the class %s the calls %j', async (kind, told) => {
    const { source, heard } = recording()
    const { send, clock } = setup({ limits: source, maxRetries: 0 })
    send({ model: 'a' }, 'one', [refusal(kind)])
    await clock.run(1000)
    expect(heard.slice(2)).toEqual(told)
  })

  test('of a workspace is told of the workspace’s 429s, and so is the source of the account', async () => {
    const account = recording()
    const own = recording({ a: { rpm: 5 } })
    const { limiter, server, follow, clock, heard } = setup({ limits: account.source, maxRetries: 0 })
    const team = limiter.workspace('team', own.source)
    follow(team.schedule({ model: 'a' }, server('one', [refusal('tokens')])))
    await clock.advance(1000)
    follow(limiter.schedule({ model: 'b' }, server('two', [refusal('requests')])))
    await clock.advance(1000)
    expect(account.heard.slice(2)).toEqual(['a tokens', 'b requests'])
    expect(own.heard.slice(2)).toEqual(['a tokens'])
    own.hosts[0]!.warn('something')
    expect(heard.warning.at(-1)).toEqual({ message: 'something', workspace: 'team' })
    await team.close()
    expect(own.heard.slice(3)).toEqual(['detach', 'unsubscribe'])
    expect(account.heard).not.toContain('detach')
  })

  test('may lack attach and refused', async () => {
    const { source } = recording()
    const { current, subscribe } = source
    const { send, clock, limiter, heard } = setup({ limits: { current, subscribe }, maxRetries: 0 })
    const ending = send({ model: 'a' }, 'one', [refusal('tokens')])
    await clock.run(1000)
    expect(ending.error).toMatchObject({ status: 429 })
    expect(heard.warning).toEqual([])
    await expect(limiter.close()).resolves.toBeUndefined()
  })

  test('that throws in refused() causes a warning, and the request goes on', async () => {
    const { source } = recording()
    const broken = {
      ...source,
      refused() {
        throw new Error('no')
      },
    }
    const { send, clock, heard } = setup({ limits: broken })
    const ending = send({ model: 'a' }, 'one', [refusal('tokens'), { returns: 5 }])
    await clock.run()
    expect(ending.value).toBe(5)
    expect(heard.warning.map(({ message }) => message)).toEqual([
      'The source of limits threw in refused(model): Error: no',
    ])
  })

  test.each([
    [
      () => 5,
      'The source of limits returned the number 5 from attach(host): return a function that ends what was begun',
    ],
    [
      () => {
        throw new Error('no')
      },
      'The source of limits threw in attach(host): Error: no',
    ],
  ])('that attaches wrongly is rejected, and no listener stays', (attach, message) => {
    const { source, listeners } = recording()
    const limits = { ...source, attach } as unknown as LimitsSource
    expect(() => createLimiter({ limits })).toThrow(InvalidLimits)
    expect(() => createLimiter({ limits })).toThrow(message)
    expect(listeners.size).toBe(0)
  })

  test('that throws while it is detached causes a warning, and no listener stays', async () => {
    const { source, listeners } = recording()
    const detach = () => {
      throw new Error('no')
    }
    const { limiter, heard } = setup({ limits: { ...source, attach: () => detach } })
    await limiter.close()
    expect(heard.warning[0]!.message).toContain('Error: no')
    expect(listeners.size).toBe(0)
  })
})

describe('joinLimits', () => {
  test('gives a model the row of the first table that names it', () => {
    const { limiter } = setup({
      limits: joinLimits({ a: { rpm: 1 } }, recording({ a: { rpm: 2 }, b: { rpm: 3 } }).source, 'model-studio/beijing'),
    })
    expect(limiter.limitsOf('a').rpm).toBe(1)
    expect(limiter.limitsOf('b').rpm).toBe(3)
    expect(limiter.limitsOf('qwen-plus').rpm).toBe(30_000)
    expect(limiter.limitsOf('c').source).toBe('unknown-model')
  })

  test('subscribes to, attaches, tells and detaches all of its sources', async () => {
    const [one, two] = [recording(), recording()]
    const { limiter, send, clock } = setup({ limits: joinLimits(one.source, two.source, {}), maxRetries: 0 })
    send({ model: 'a' }, 'one', [refusal('tokens')])
    await clock.advance(100)
    await limiter.close()
    const all = ['subscribe', 'attach', 'a tokens', 'detach', 'unsubscribe']
    expect([one.heard, two.heard]).toEqual([all, all])
  })

  test('changes when one of its sources changes', async () => {
    const table: Record<string, object> = { a: { rpm: 5 } }
    const one = recording(table)
    let rows = table
    const { limiter, send } = setup({ limits: joinLimits({ ...one.source, current: () => rows }, { a: { rpm: 9 } }) })
    send({ model: 'a' }, 'one')
    rows = {}
    for (const listener of one.listeners) listener()
    await settlePromises()
    expect(limiter.limitsOf('a').rpm).toBe(9)
  })

  test('leaves no listener at its sources if one of them cannot be subscribed to', () => {
    const one = recording()
    const broken = {
      current: () => ({}),
      subscribe() {
        throw new Error('no')
      },
    }
    expect(() => createLimiter({ limits: joinLimits(one.source, broken) })).toThrow('threw in subscribe(listener)')
    expect(one.listeners.size).toBe(0)
  })

  test('rejects a source that returns no table, as it would be rejected alone', () => {
    const limits = joinLimits({ a: { rpm: 1 } }, { current: () => new Map(), subscribe: () => () => {} } as never)
    expect(() => createLimiter({ limits }).limitsOf('b')).toThrow('returned a Map from current()')
  })

  test('rejects a wrong table at once', () => {
    expect(() => joinLimits({ a: { rpm: -1 } })).toThrow(InvalidLimits)
    expect(() => joinLimits('model-studio/moon')).toThrow('which is not a built-in table')
  })
})
