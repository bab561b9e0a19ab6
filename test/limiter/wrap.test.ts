import { describe, expect, test } from 'vitest'
import { InvalidRequest } from '../../src/index.js'
import { refusals, setup } from '../dispatch/setup.js'

const limits = { a: { rpm: 60, tpm: 100_000 }, b: { rpm: 60 } }

describe('limiter.wrap(request, fn)', () => {
  test('calls fn with its arguments and its this, and resolves to what it returns', async () => {
    const { limiter } = setup({ limits })
    const service = {
      name: 'river',
      async level(place: string, depth = 2) {
        return `${this.name} at ${place}: ${depth}`
      },
    }
    service.level = limiter.wrap({ model: 'a' }, service.level)
    expect(await service.level('the gate')).toBe('river at the gate: 2')
    expect(await service.level('the gate', 3)).toBe('river at the gate: 3')
    expect(limiter.stats().models['a']).toMatchObject({ calls: 2 })
  })

  test('waits for the limits of a request that is made from the arguments', async () => {
    const { limiter, clock, follow, now } = setup({ limits: { a: { tpm: 1000 }, b: { tpm: 1000 } } })
    const started: string[] = []
    const ask = limiter.wrap(
      (model: string, text: string) => ({ model, tokens: text.length }),
      (model: string, text: string) => void started.push(`${model} ${text.length}@${now()}`),
    )
    follow(ask('a', 'x'.repeat(1000)))
    follow(ask('a', 'x'.repeat(500)))
    follow(ask('b', 'x'.repeat(500)))
    await clock.run()
    expect(started).toEqual(['a 1000@0', 'b 500@0', expect.stringMatching(/^a 500@\d{4,}$/)])
  })

  test('settles by the usage of the result', async () => {
    const { limiter, used } = setup({ limits })
    const ask = limiter.wrap({ model: 'a', inputTokens: 1000, maxOutputTokens: 200 }, async () => ({
      usage: { prompt_tokens: 900, completion_tokens: 10 },
    }))
    await ask()
    expect(used('a')).toMatchObject({ tpm: 910 })
  })

  test('repeats what is refused, and never at a backup: fn does not know of one', async () => {
    const { limiter, clock, follow, heard } = setup({ limits, fallback: { a: ['b'] } })
    let calls = 0
    const ask = limiter.wrap({ model: 'a' }, async () => {
      if (++calls === 1) throw Object.assign(new Error('429'), { status: 429, error: refusals.requests })
      return calls
    })
    const answer = follow(ask())
    await clock.run()
    expect(answer.value).toBe(2)
    expect(heard.admit.map(({ model }) => model)).toEqual(['a', 'a'])
    expect(heard.fallback).toEqual([])
  })

  test('rejects as schedule does, and never throws', async () => {
    const { limiter } = setup({ limits })
    const broken = new Error('no request')
    const failing = limiter.wrap(
      (): { model: string } => {
        throw broken
      },
      () => 1,
    )
    await expect(failing()).rejects.toBe(broken)
    const wrong = [{ model: '' }, { model: 'a', token: 5 }, null]
    for (const request of wrong) {
      const ask = limiter.wrap(
        () => request as never,
        () => 1,
      )
      await expect(ask()).rejects.toMatchObject({ code: 'invalid_request' })
    }
    const own = new Error('mine')
    const throwing = limiter.wrap({ model: 'a' }, () => {
      throw own
    })
    await expect(throwing()).rejects.toBe(own)
    await limiter.close()
    await expect(limiter.wrap({ model: 'a' }, () => 1)()).rejects.toMatchObject({ code: 'limiter_closed' })
  })

  test('goes through the hints of a view', async () => {
    const { limiter, clock, follow } = setup({ limits })
    follow(limiter.with({ tenant: 'web' }).wrap({ model: 'a' }, () => 1)())
    follow(limiter.with({ tenant: 'web' }).wrap({ model: 'a', tenant: 'own' }, () => 1)())
    await clock.run()
    expect(limiter.stats().tenants).toMatchObject({ web: { calls: 1 }, own: { calls: 1 } })
  })

  test.each<[unknown, unknown, string]>([
    [undefined, () => 1, 'give request as an object with a model, or a function that returns one'],
    ['a', () => 1, 'give request as an object'],
    [null, () => 1, 'give request as an object'],
    [{ model: 'a' }, undefined, 'give fn as a function'],
    [{ model: 'a' }, {}, 'give fn as a function'],
  ])('of %j and %s is refused at once', (request, fn, message) => {
    const { limiter } = setup({ limits })
    expect(() => limiter.wrap(request as never, fn as never)).toThrow(InvalidRequest)
    expect(() => limiter.wrap(request as never, fn as never)).toThrow(message)
  })

  test('calls a request function with the this of the call', async () => {
    const { limiter } = setup({ limits })
    const service = {
      model: 'b',
      ask: limiter.wrap(
        function (this: unknown) {
          return { model: (this as { model: string }).model }
        },
        async () => 'done',
      ),
    }
    expect(await service.ask()).toBe('done')
    expect(limiter.stats().models['b']).toMatchObject({ calls: 1 })
  })

  test('refuses a request that is wrong at once', () => {
    const { limiter } = setup({ limits })
    expect(() => limiter.wrap({ model: '' }, () => 1)).toThrow(InvalidRequest)
  })
})
