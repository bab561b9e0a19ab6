import { describe, expect, test } from 'vitest'
import type { Grant, UsageLike } from '../../src/index.js'
import { fault, ok, refusal, setup, type Outcome } from './setup.js'

const limits = { a: { rpm: 100, tpm: 100_000 } }
const reserved = { model: 'a', inputTokens: 1000, maxOutputTokens: 200 }

/** What stays charged of 1,000 + 200 tokens after an attempt that came to `outcome`; no retries. */
async function chargedAfter(outcome: Outcome | ((grant: Grant) => Outcome), options = {}) {
  const { clock, send, used, limiter, heard } = setup({ limits, maxRetries: 0, ...options })
  const ending = send(reserved, 'j', [outcome])
  await clock.advance(5)
  expect(used('a')).toEqual({ rpm: 1, tpm: 1200 })
  await clock.advance(10)
  expect(limiter.stats().inFlight).toBe(0)
  return { used: used('a'), ending, limiter, heard }
}

describe('what stays charged', () => {
  test.each<[ending: string, outcome: Outcome | ((grant: Grant) => Outcome), rpm: number, tpm: number]>([
    ['a usage returned', { returns: { usage: { prompt_tokens: 900, completion_tokens: 50 } } }, 1, 950],
    ['a usage in our own words', { returns: { usage: { inputTokens: 900, outputTokens: 50 } } }, 1, 950],
    [
      'a usage above what was reserved',
      { returns: { usage: { prompt_tokens: 1100, completion_tokens: 400 } } },
      1,
      1500,
    ],
    ['a usage of embeddings', { returns: { usage: { prompt_tokens: 700, total_tokens: 700 } } }, 1, 700],
    ['success without a usage', { returns: 'text' }, 1, 1200],
    ['success with nothing', { returns: undefined }, 1, 1200],
    ['a usage that is none', { returns: { usage: { prompt_tokens: -5, completion_tokens: 'x' } } }, 1, 1200],
    [
      'an explicit usage',
      (grant) => {
        grant.settle({ inputTokens: 10, outputTokens: 5 })
        return { returns: 'text' }
      },
      1,
      15,
    ],
    [
      'an explicit usage and another one returned: the explicit one',
      (grant) => {
        grant.settle({ inputTokens: 10, outputTokens: 5 })
        return ok
      },
      1,
      15,
    ],
    [
      'an explicit usage before an error',
      (grant) => {
        grant.settle({ prompt_tokens: 10, completion_tokens: 5 })
        return { throws: new Error('late') }
      },
      1,
      15,
    ],
    ['a 429', refusal('tokens'), 0, 0],
    ['a 400', fault(400), 0, 0],
    ['a 401', fault(401), 0, 0],
    ['a used-up quota', refusal('exhausted'), 0, 0],
    ['a 500', fault(500), 1, 1200],
    ['a 503', fault(503), 1, 1200],
    ['a timeout of the server', fault(408), 1, 1200],
    ['an error that is no answer', { throws: new TypeError('fetch failed') }, 1, 1200],
    ['an abort while it ran', { throws: new DOMException('aborted', 'AbortError') }, 1, 1200],
  ])('%s: %3$i requests, %4$i tokens', async (_, outcome, rpm, tpm) => {
    expect((await chargedAfter(outcome)).used).toEqual({ rpm, tpm })
  })

  test('a refusal where refused requests count', async () => {
    for (const outcome of [refusal('requests'), fault(400)]) {
      expect((await chargedAfter(outcome, { profile: 'openai' })).used).toEqual({ rpm: 1, tpm: 0 })
    }
  })

  test('a reservation that stands leaves with its window', async () => {
    const { clock, send, used } = setup({ limits })
    send(reserved, 'j', [{ returns: 'text' }])
    await clock.advance(59_999)
    expect(used('a')).toEqual({ rpm: 1, tpm: 1200 })
    await clock.advance(1)
    expect(used('a')).toEqual({ rpm: 0, tpm: 0 })
  })

  test('an abort before sending: nothing', async () => {
    const { clock, limiter, used, send } = setup({ limits: { a: { rpm: 1, tpm: 5000 } } })
    send(reserved, 'runs', [{ returns: 'text' }], 1000)
    const controller = new AbortController()
    send({ ...reserved, signal: controller.signal }, 'waits')
    controller.abort()
    await clock.advance(10)
    expect(used('a')).toEqual({ rpm: 1, tpm: 1200 })
    expect(limiter.stats().waiting).toBe(0)
    await clock.run()
  })

  test('refused here: nothing', async () => {
    const { clock, send, used } = setup({ limits })
    send({ model: 'a', tokens: 100_001 }, 'too large')
    await clock.advance(0)
    expect(used('a')).toEqual({ rpm: 0, tpm: 0 })
  })

  test('each attempt anew: a retry charges its own', async () => {
    const { clock, send, used } = setup({ limits })
    send(reserved, 'j', [fault(500), { returns: { usage: { prompt_tokens: 1000, completion_tokens: 100 } } }])
    await clock.advance(5000)
    expect(used('a')).toEqual({ rpm: 2, tpm: 2300 })
  })

  test('the room that a settlement leaves starts what waits, at once', async () => {
    const { clock, sends, send } = setup({ limits: { a: { tpm: 2000 } } })
    send(reserved, 'first', [{ returns: { usage: { prompt_tokens: 500, completion_tokens: 0 } } }])
    send(reserved, 'second')
    await clock.run()
    expect(sends()).toEqual(['first a@0', 'second a@10'])
  })
})

describe('what is reserved', () => {
  test.each<[request: object, tpm: number]>([
    [{ tokens: 500 }, 500],
    [{ tokens: 500, maxOutputTokens: 300 }, 500],
    [{ tokens: 500, inputTokens: 300 }, 500],
    [{ tokens: 0 }, 0],
    [{ inputTokens: 300, maxOutputTokens: 100 }, 400],
    [{ inputTokens: 300, maxOutputTokens: 0 }, 300],
    [{ inputTokens: 10.2, maxOutputTokens: 0 }, 11],
    [{ tokens: 10.2 }, 11],
  ])('%j: %i tokens', async (request, tpm) => {
    const { clock, send, used } = setup({ limits })
    send({ model: 'a', ...request }, 'j', [{ returns: '' }])
    await clock.advance(0)
    expect(used('a')).toEqual({ rpm: 1, tpm })
    await clock.run()
  })

  test('the output is learned: a mean of what came, up to what is allowed', async () => {
    const { clock, send, used } = setup({ limits: { a: { tpm: 10_000_000 } } })
    for (let i = 0; i < 100; i++) {
      send({ model: 'a', inputTokens: 0, maxOutputTokens: 4000 }, 'j', [
        { returns: { usage: { prompt_tokens: 0, completion_tokens: 1000 } } },
      ])
      await clock.advance(60_100)
    }
    send({ model: 'a', inputTokens: 0, maxOutputTokens: 4000 }, 'last')
    await clock.advance(5)
    expect(used('a')['tpm']).toBeGreaterThan(900)
    expect(used('a')['tpm']).toBeLessThanOrEqual(1000)
  })
})

describe('the margin for what is in flight', () => {
  const request = { model: 'a', inputTokens: 0 }
  const usage = (completion_tokens: number) => [{ returns: { usage: { prompt_tokens: 0, completion_tokens } } }]

  async function learned(options: Parameters<typeof setup>[0]) {
    const made = setup(options)
    for (let i = 0; i < 200; i++) {
      made.send(request, 'learns', usage(10 * ((i * 37) % 100)))
      await made.clock.advance(60_000)
    }
    return made
  }

  test('each reserves less, the more there are', async () => {
    const { clock, send, used } = await learned({ limits: { a: { tpm: 10_000_000 } } })
    const reserved: number[] = []
    for (let i = 0; i < 100; i++) {
      const before = used('a')['tpm']!
      send(request, 'j', usage(0), 1000)
      await clock.advance(0)
      reserved.push(used('a')['tpm']! - before)
    }
    expect(reserved[0]).toBeGreaterThan(650)
    expect(reserved.at(-1)).toBeLessThan(560)
    expect(reserved).toEqual(reserved.toSorted((a, b) => b - a))
  })

  test('what waits keeps what it was given when it came, whatever is in flight when it starts', async () => {
    const { clock, send, heard } = await learned({ limits: { a: { tpm: 10_000_000, concurrency: 4 } } })
    for (let i = 0; i < 4; i++) send(request, 'runs', usage(0), 1000)
    send(request, 'waits', usage(0), 1000)
    send({ ...request, maxOutputTokens: 3 }, 'waits too', usage(0), 1000)
    await clock.run()
    const reserved = heard.settle.slice(-6).map((event) => event.reserved.outputTokens)
    expect(reserved[4]).toBeLessThan(reserved[3]!)
    expect(reserved[5]).toBe(3)
  })

  test('what has ended is in flight no more, however it ended', async () => {
    const { clock, send, used } = await learned({ limits: { a: { tpm: 10_000_000 } }, maxRetries: 0 })
    send(request, 'alone', [{ returns: '' }])
    await clock.advance(60_000)
    for (const outcome of [fault(500), refusal('exhausted'), { returns: '' }, { throws: new Error('x') }]) {
      for (let i = 0; i < 10; i++) send({ ...request, inputTokens: 1, tokens: 1 }, 'j', [outcome])
      await clock.advance(1_000_000_000)
    }
    const ending = send(request, 'alone again', [{ returns: '' }])
    await clock.advance(5)
    expect(ending.state).toBe('pending')
    expect(used('a')['tpm']).toBeGreaterThan(650)
  })
})

describe('what is expected never makes a request too large', () => {
  test.each<[request: object, tpm: number, used: number]>([
    [{ inputTokens: 5 }, 250, 250],
    [{ inputTokens: 250 }, 250, 250],
    [{ inputTokens: 5, maxOutputTokens: 4000 }, 250, 250],
  ])('%j of %i tokens a minute', async (request, tpm, expected) => {
    const { clock, send, used } = setup({ limits: { a: { tpm } } })
    const ending = send({ model: 'a', ...request }, 'j', [{ returns: '' }])
    await clock.advance(20)
    expect(ending.state).toBe('done')
    expect(used('a')['tpm']).toBe(expected)
  })

  test('nor under a limit of output alone', async () => {
    const { clock, send, used } = setup({ limits: { a: { outputTpm: 50 } } })
    send({ model: 'a', inputTokens: 1000 }, 'j', [{ returns: '' }])
    await clock.advance(20)
    expect(used('a')).toEqual({ outputTpm: 50 })
  })

  test('what is known does: the input alone, an exact total', async () => {
    const { clock, send } = setup({ limits: { a: { tpm: 250 } } })
    const endings = [send({ model: 'a', inputTokens: 251 }, 'i'), send({ model: 'a', tokens: 251 }, 't')]
    await clock.run()
    for (const { error } of endings) expect(error).toMatchObject({ code: 'request_too_large' })
  })

  test('after one answer that used more than a minute allows, all others still pass', async () => {
    const { clock, send, used } = setup({ limits: { a: { tpm: 100_000 } } })
    const usage = (completion_tokens: number) => [{ returns: { usage: { prompt_tokens: 100, completion_tokens } } }]
    send({ model: 'a', inputTokens: 100 }, 'odd', usage(4e7))
    await clock.advance(3_600_000)
    for (let i = 0; i < 20; i++) {
      const ending = send({ model: 'a', inputTokens: 100 }, 'usual', usage(50))
      await clock.advance(120_000)
      expect(ending.state).toBe('done')
    }
    send({ model: 'a', inputTokens: 100 }, 'last', [{ returns: '' }])
    await clock.advance(5)
    expect(used('a')['tpm']).toBeLessThan(1000)
  })

  test('a job that waits is charged anew where the limits become too low for what was expected', async () => {
    const { clock, limiter, send } = setup({ limits: { a: { tpm: 1000, concurrency: 1 } } })
    send({ model: 'a', tokens: 10 }, 'runs', [{ returns: '' }], 1000)
    const waits = send({ model: 'a', inputTokens: 100 }, 'waits')
    const known = send({ model: 'a', tokens: 300 }, 'known')
    await clock.advance(10)
    limiter.setLimits('a', { tpm: 200 })
    await clock.run()
    expect(waits.state).toBe('done')
    expect(known.error).toMatchObject({ code: 'request_too_large' })
  })
})

describe('settle', () => {
  test('twice: the second is ignored and counted', async () => {
    const { used, limiter, heard } = await chargedAfter((grant) => {
      grant.settle({ inputTokens: 10, outputTokens: 5 })
      grant.settle({ inputTokens: 99, outputTokens: 99 })
      return ok
    })
    expect(used).toEqual({ rpm: 1, tpm: 15 })
    expect(limiter.stats().doubleSettles).toBe(1)
    expect(heard.settle).toHaveLength(1)
  })

  test('a returned usage after an explicit one is none', async () => {
    const { limiter } = await chargedAfter((grant) => {
      grant.settle({ inputTokens: 10, outputTokens: 5 })
      return ok
    })
    expect(limiter.stats().doubleSettles).toBe(0)
  })

  test('after the end: ignored and counted, of a success and of a failure', async () => {
    for (const outcome of [ok, { throws: new Error('x') }]) {
      let kept: Grant | undefined
      const { limiter } = await chargedAfter((grant) => {
        kept = grant
        return outcome
      })
      kept!.settle({ inputTokens: 1, outputTokens: 1 })
      expect(limiter.stats()).toMatchObject({ doubleSettles: 1, inFlight: 0 })
      await limiter.drain()
    }
  })

  test('needs no grant before it: it may be taken out of it', async () => {
    const { used } = await chargedAfter(({ settle }) => {
      settle({ inputTokens: 10, outputTokens: 5 })
      return { returns: 'text' }
    })
    expect(used).toEqual({ rpm: 1, tpm: 15 })
  })

  test.each([
    undefined,
    null,
    5,
    'usage',
    {},
    { inputTokens: -1, outputTokens: 1 },
    { inputTokens: 1, outputTokens: Number.NaN },
  ])('with %j says what it wants, and the reservation stands', async (usage) => {
    const { used, ending } = await chargedAfter((grant) => {
      grant.settle(usage as UsageLike)
      return ok
    })
    expect(used).toEqual({ rpm: 1, tpm: 1200 })
    expect(ending.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('settle(usage)') })
  })

  test('with counts that the SDK does not know says nothing: the reservation stands, and a returned usage counts', async () => {
    const unknown = { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined }
    const without = await chargedAfter((grant) => {
      grant.settle(unknown)
      return { returns: 'text' }
    })
    expect([without.used, without.ending.state]).toEqual([{ rpm: 1, tpm: 1200 }, 'done'])
    const returned = await chargedAfter((grant) => {
      grant.settle(unknown)
      return { returns: { usage: { inputTokens: 10, outputTokens: 5 } } }
    })
    expect(returned.used).toEqual({ rpm: 1, tpm: 15 })
    expect(returned.limiter.stats().doubleSettles).toBe(0)
  })

  test('the event tells what was reserved and what was used', async () => {
    const { heard } = await chargedAfter({
      returns: {
        usage: {
          prompt_tokens: 900,
          completion_tokens: 50,
          completion_tokens_details: { reasoning_tokens: 20 },
        },
      },
    })
    expect(heard.settle).toEqual([
      {
        requestId: 1,
        model: 'a',
        reserved: { inputTokens: 1000, outputTokens: 200, thinkingTokens: 0 },
        usage: { inputTokens: 900, outputTokens: 50, thinkingTokens: 20 },
        durationMs: 10,
      },
    ])
    expect((await chargedAfter({ returns: '' })).heard.settle[0]!.usage).toBeUndefined()
  })
})
