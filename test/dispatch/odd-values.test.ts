import { describe, expect, test } from 'vitest'
import { setup } from './setup.js'

const limits = { a: { rpm: 100, tpm: 1000 } }

/** Values whose fields cannot be read, each made anew. */
const odd: readonly (readonly [name: string, make: () => unknown])[] = [
  ['headers without a text', () => ({ status: 429, headers: { a: Object.create(null) as unknown } })],
  ['headers that throw', () => ({ status: 429, headers: { get: () => thrower() } })],
  ['a status that throws', () => Object.defineProperty({}, 'status', { get: thrower })],
  ['a message that throws', () => Object.defineProperty({ status: 500 }, 'message', { get: thrower })],
  [
    'a proxy that was revoked',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
  ],
]

function thrower(): never {
  throw new Error('not to be read')
}

describe('what cannot be read', () => {
  describe.each(odd)('an error: %s', (_, make) => {
    test.each(['at once', 'later'])('thrown %s: its caller gets it, its place is free', async (when) => {
      const { clock, limiter } = setup({ limits, maxRetries: 0 })
      const error = make()
      let caught: unknown
      void limiter
        .schedule({ model: 'a', tokens: 100 }, async () => {
          if (when === 'later') await Promise.resolve()
          throw error
        })
        .catch((reason: unknown) => {
          caught = reason
        })
      await clock.run()
      expect(caught === error).toBe(true)
      expect(limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0, doubleSettles: 0 })
      await limiter.drain()
    })

    test('thrown by a run that is not async', async () => {
      const { clock, limiter } = setup({ limits, maxRetries: 0 })
      const error = make()
      let caught: unknown
      void limiter
        .schedule({ model: 'a' }, () => {
          throw error
        })
        .catch((reason: unknown) => {
          caught = reason
        })
      await clock.run()
      expect(caught === error).toBe(true)
      await limiter.drain()
    })
  })

  test('a result whose usage is a getter is not read', async () => {
    const { clock, limiter, follow } = setup({ limits })
    const result = Object.defineProperty({}, 'usage', { get: thrower })
    const ending = follow(limiter.schedule({ model: 'a' }, () => result))
    await clock.run()
    expect(ending.value).toBe(result)
  })
})

describe('a thenable of its own, in a queue with others', () => {
  const thenables: readonly (readonly [name: string, then: (done: (value: unknown) => void) => void, state: string])[] =
    [
      ['throws when it is asked', () => thrower(), 'failed'],
      [
        'throws after it has called back',
        (done) => {
          done('first')
          thrower()
        },
        'done',
      ],
      ['never calls back', () => {}, 'pending'],
    ]

  test.each(thenables)('one that %s: the others go on', async (_, then, state) => {
    const { clock, limiter, follow, send } = setup({ limits: { a: { rpm: 2 } } })
    // oxlint-disable-next-line unicorn/no-thenable
    const odd = { then }
    const ending = follow(limiter.schedule({ model: 'a' }, () => odd as unknown as PromiseLike<unknown>))
    const others = ['1', '2', '3'].map((name) => send({ model: 'a' }, name))
    await clock.run()
    expect([ending.state, ...others.map((other) => other.state)]).toEqual([state, 'done', 'done', 'done'])
    const inFlight = state === 'pending' ? 1 : 0
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight, doubleSettles: 0 })
  })
})
