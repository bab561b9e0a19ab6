import { describe, expect, test } from 'vitest'
import {
  InvalidRequest,
  isHeadgateError,
  QueueFull,
  RequestTooLarge,
  type LimitsTable,
  type ScheduleRequest,
} from '../../src/index.js'
import { ok, refusal, setup } from './setup.js'

const limits = { a: { rpm: 2, tpm: 1000 }, b: { rpm: 10, tpm: 5000 } }

describe('schedule', () => {
  test('resolves to what run returns, whatever that is', async () => {
    const { clock, limiter } = setup({ limits: {}, unknownModel: 'unlimited' })
    const results = [5, 'text', null, undefined, [1], new Error('a value'), { usage: 'none' }]
    const ended = Promise.all(results.map((value) => limiter.schedule({ model: 'm' }, () => value)))
    await clock.run()
    expect(await ended).toEqual(results)
    expect(await limiter.schedule({ model: 'm' }, async () => 7)).toBe(7)
  })

  test('waits for the limits, first come, first served, higher priorities first', async () => {
    const { clock, sends, send } = setup({ limits: { a: { rpm: 1 } } })
    send({ model: 'a' }, '1')
    send({ model: 'a' }, '2')
    send({ model: 'a' }, '3')
    send({ model: 'a', priority: 1 }, 'urgent')
    await clock.run()
    expect(sends()).toEqual(['1 a@0', 'urgent a@60000', '2 a@120000', '3 a@180000'])
  })

  test('says to run what it was given leave for', async () => {
    const { clock, sent, send } = setup({ limits })
    const { signal } = new AbortController()
    send({ model: 'a', signal }, 'with a signal')
    send({ model: 'a' }, 'without')
    await clock.run()
    expect(sent[0]!.grant).toMatchObject({ model: 'a', attempt: 1, waitMs: 0 })
    expect(sent[0]!.grant.signal).toBe(signal)
    expect(sent[1]!.grant.signal).toBeInstanceOf(AbortSignal)
    expect(sent[1]!.grant.signal.aborted).toBe(false)
    expect(sent[1]!.grant.signal).toBe(sent[1]!.grant.signal)
  })
})

describe('a run that misbehaves', () => {
  test('throwing synchronously', async () => {
    const { clock, limiter, follow, used } = setup({ limits })
    const error = new Error('at once')
    const ending = follow(
      limiter.schedule({ model: 'a', tokens: 100 }, () => {
        throw error
      }),
    )
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', error })
    expect(limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
    // Whether it had sent anything is not known.
    expect(used('a')).toEqual({ rpm: 1, tpm: 100 })
    await limiter.drain()
  })

  test('throwing a 429 synchronously: held, moved, retried', async () => {
    const { clock, limiter, follow, now } = setup({ limits, fallback: { a: ['b'] } })
    const seen: string[] = []
    const ending = follow(
      limiter.schedule({ model: 'a' }, ({ model }) => {
        seen.push(`${model}@${now()}`)
        if (seen.length < 3) throw { status: 429, code: 'limit_burst_rate' }
        return 'done'
      }),
    )
    await clock.run()
    expect(seen).toEqual(['a@0', 'b@0', 'a@1000'])
    expect(ending.value).toBe('done')
  })

  test('many throwing a 429 synchronously, from one burst', async () => {
    const { clock, limiter, follow } = setup({ limits: { a: { rpm: 100 } } })
    let refused = false
    const endings = Array.from({ length: 50 }, () =>
      follow(
        limiter.schedule({ model: 'a' }, ({ attempt }) => {
          if (refused) return attempt
          refused = true
          throw { status: 429, code: 'limit_burst_rate' }
        }),
      ),
    )
    expect(limiter.stats()).toMatchObject({ waiting: 50, inFlight: 0 })
    await clock.run()
    // The first one holds the group: the others had not been sent.
    expect(endings.map(({ value }) => value)).toEqual(endings.map((_, i) => (i === 0 ? 2 : 1)))
    expect(limiter.stats().models['a']).toMatchObject({ calls: 51, failures: 1 })
  })

  test('never ending: others go on, and its place is taken as long as it lasts', async () => {
    const { clock, limiter, send, follow } = setup({ limits: { a: { concurrency: 2 } } })
    follow(limiter.schedule({ model: 'a' }, () => new Promise(() => {})))
    const endings = ['1', '2', '3'].map((name) => send({ model: 'a' }, name))
    await clock.run()
    expect(endings.map(({ state, at }) => [state, at])).toEqual([
      ['done', 10],
      ['done', 20],
      ['done', 30],
    ])
    expect(limiter.stats()).toMatchObject({ inFlight: 1, waiting: 0 })
    expect(clock.pending).toBe(0)
  })

  test('returning a thenable of its own: one that calls back twice, one that throws', async () => {
    const { clock, limiter, follow } = setup({ limits })
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable
      then(done: (value: string) => void, failed: (error: unknown) => void) {
        done('first')
        done('second')
        failed(new Error('third'))
      },
    }
    const throwing = {
      // oxlint-disable-next-line unicorn/no-thenable
      get then(): never {
        throw new Error('no then')
      },
    }
    const endings = [twice, throwing].map((value) =>
      follow(limiter.schedule({ model: 'a' }, () => value as unknown as PromiseLike<string>)),
    )
    await clock.run()
    expect(endings).toMatchObject([
      { state: 'done', value: 'first' },
      { state: 'failed', error: { message: 'no then' } },
    ])
    expect(limiter.stats()).toMatchObject({ inFlight: 0, doubleSettles: 0 })
    await limiter.drain()
    await limiter.close()
  })

  test('scheduling more from within, at once and later', async () => {
    const { clock, limiter, follow } = setup({ limits: { a: { rpm: 3 } } })
    const ending = follow(
      limiter.schedule({ model: 'a' }, async () => {
        const inner = limiter.schedule({ model: 'a' }, () => 'inner')
        return [await inner, await limiter.schedule({ model: 'a' }, () => 'later')]
      }),
    )
    await clock.run()
    expect(ending.value).toEqual(['inner', 'later'])
  })
})

describe('bad input', () => {
  test.each<[request: unknown, message: string]>([
    [undefined, 'give request as an object with a model'],
    [null, 'give request as an object with a model'],
    ['qwen-plus', 'give request as an object with a model'],
    [{}, "model is undefined: give the model's exact name"],
    [{ model: '' }, 'model is "": give'],
    [{ model: 5 }, 'model is 5: give'],
    [{ model: 'a', tokens: -1 }, 'tokens is -1: give a number of tokens from 0 to 1000000000000'],
    [{ model: 'a', tokens: Number.NaN }, 'tokens is NaN'],
    [{ model: 'a', tokens: Infinity }, 'tokens is Infinity'],
    [{ model: 'a', tokens: '500' }, 'tokens is "500"'],
    [{ model: 'a', tokens: null }, 'tokens is null'],
    [{ model: 'a', inputTokens: -0.5 }, 'inputTokens is -0.5'],
    [{ model: 'a', maxOutputTokens: '1e3' }, 'maxOutputTokens is "1e3"'],
    [{ model: 'a', priority: 'high' }, 'priority is "high": give a finite number'],
    [{ model: 'a', priority: Infinity }, 'priority is Infinity'],
    [{ model: 'a', priority: Number.NaN }, 'priority is NaN'],
    [{ model: 'a', signal: new AbortController() }, 'signal'],
    [{ model: 'a', signal: {} }, 'signal'],
    [{ model: 'a', tokens: 1e300 }, 'tokens is 1e+300'],
    [{ model: 'a', fallback: true }, 'fallback is true: give false to stay with the model, or leave it out'],
    [{ model: 'a', fallback: 'b' }, 'fallback is "b"'],
    [{ model: 'a', inputToken: 5 }, "A request has no field 'inputToken'. Did you mean 'inputTokens'?"],
    [{ model: 'a', deadline: 5 }, "A request has no field 'deadline'. Did you mean 'deadlineMs'?"],
  ])('%j: a clear error for that request alone', async (request, message) => {
    const { clock, limiter, follow, send, used } = setup({ limits })
    const ending = follow(limiter.schedule(request as ScheduleRequest, () => expect.unreachable()))
    const other = send({ model: 'b' }, 'other')
    await clock.run()
    expect(ending.error).toBeInstanceOf(InvalidRequest)
    expect((ending.error as Error).message).toContain(message)
    expect(other.state).toBe('done')
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
    expect(Object.values(used('a')).every((n) => n === 0)).toBe(true)
  })

  test.each([undefined, null, 'run', {}, Promise.resolve()])('run is %j', async (run) => {
    const { clock, limiter, follow, used } = setup({ limits })
    const ending = follow(limiter.schedule({ model: 'a' }, run as never))
    await clock.run()
    expect(ending.error).toBeInstanceOf(InvalidRequest)
    expect((ending.error as Error).message).toContain('run')
    expect(used('a')).toEqual({})
  })

  test('a limit of 0 is refused, in options and while it runs', () => {
    expect(() => setup({ limits: { a: { rpm: 0 } } })).toThrow("model 'a': rpm is 0")
    expect(() => setup({ overrides: { a: { tpm: 0 } } })).toThrow("model 'a': tpm is 0")
    const { limiter } = setup({ limits })
    expect(() => limiter.setLimits('a', { rpm: 0 })).toThrow('rpm is 0')
    expect(limiter.limitsOf('a').rpm).toBe(2)
  })
})

describe('what can never pass', () => {
  test('is refused at once, with the numbers', async () => {
    const { clock, limiter, send, sends } = setup({ limits })
    const ending = send({ model: 'a', tokens: 1001 }, 'j')
    await clock.advance(0)
    expect(ending).toMatchObject({ state: 'failed', at: 0, error: expect.any(RequestTooLarge) })
    expect((ending.error as Error).message).toBe(
      "The request counts 1001 tokens, but tpm of 'a' is 1000 (user): it can never pass. Make it smaller, or choose a model with a higher limit",
    )
    expect([sends(), limiter.stats().waiting]).toEqual([[], 0])
  })

  test('walks the chain to one that can take it', async () => {
    const { clock, send, sends, heard } = setup({ limits: { ...limits, c: { tpm: 500 } }, fallback: { a: ['c', 'b'] } })
    send({ model: 'a', tokens: 1001 }, 'fits b')
    const none = send({ model: 'a', tokens: 5001 }, 'fits none')
    const off = send({ model: 'a', tokens: 1001, fallback: false }, 'no backup')
    await clock.run()
    expect(sends()).toEqual(['fits b b@0'])
    expect(heard.fallback).toEqual([{ requestId: 1, from: 'a', to: 'b', reason: 'too_large' }])
    expect((none.error as Error).message).toContain("tpm of 'a' is 1000")
    expect(off.error).toBeInstanceOf(RequestTooLarge)
  })

  test('a request larger than a second’s tokens passes alone', async () => {
    const { clock, send, sends } = setup({ limits: { a: { tpm: 60_000 } }, perSecond: true })
    send({ model: 'a', tokens: 5000 }, 'large', [{ returns: '' }])
    send({ model: 'a', tokens: 1000 }, 'next', [{ returns: '' }])
    await clock.run()
    expect(sends()).toEqual(['large a@0', 'next a@5000'])
  })
})

describe('retired models', () => {
  const table = { old: { rpm: 0, tpm: 0, source: 'the table' }, b: { rpm: 5 } }

  test('are refused', async () => {
    const { clock, send } = setup({ limits: table })
    const ending = send({ model: 'old' }, 'j')
    await clock.advance(0)
    expect(ending.error).toMatchObject({
      code: 'invalid_request',
      message: "Model 'old' is retired (the table): choose another, or give its limits in overrides",
    })
  })

  test('are rerouted where they have a backup', async () => {
    const { clock, send, sends, heard } = setup({ limits: table, fallback: { old: ['b'] } })
    const ending = send({ model: 'old' }, 'j')
    await clock.run()
    expect([sends(), ending.state]).toEqual([['j b@0'], 'done'])
    expect(heard.fallback).toMatchObject([{ from: 'old', to: 'b', reason: 'retired' }])
  })

  test('are passed over as backups', async () => {
    const { clock, send, sends } = setup({ limits: { ...table, a: { rpm: 9 } }, fallback: { a: ['old', 'b'] } })
    send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j b@10'])
  })

  test('live again with limits of the user’s', async () => {
    const { clock, send, sends } = setup({ limits: table, overrides: { old: { rpm: 1 } } })
    send({ model: 'old' }, 'j')
    await clock.run()
    expect(sends()).toEqual(['j old@0'])
  })
})

describe('unknown models', () => {
  test('conservative: 60 requests and 100,000 tokens a minute, and one warning', async () => {
    const { clock, limiter, send, heard } = setup({ limits })
    expect(limiter.limitsOf('new')).toMatchObject({ rpm: 60, tpm: 100_000, source: 'unknown-model' })
    expect(heard.warning).toEqual([])
    for (let i = 0; i < 3; i++) send({ model: 'new' }, `${i}`)
    await clock.run()
    expect(heard.warning).toEqual([
      {
        code: 'unknown_model',
        model: 'new',
        message:
          "Model 'new' is in no limits table: it runs at 60 requests and 100000 tokens a minute. Give its limits in overrides to use its quota",
      },
    ])
  })

  test('unlimited', async () => {
    const { clock, limiter, send, sends, heard } = setup({ limits, unknownModel: 'unlimited' })
    for (let i = 0; i < 300; i++) send({ model: 'new', tokens: 1e6 }, `${i}`)
    await clock.run()
    expect(sends().every((each) => each.endsWith('new@0'))).toBe(true)
    expect(limiter.limitsOf('new')).toMatchObject({ rpm: undefined, tpm: undefined })
    expect(heard.warning).toHaveLength(1)
    expect(heard.warning[0]!.message).toContain('it runs without limits')
  })

  test('reject', async () => {
    const { clock, limiter, send, sends } = setup({ limits, unknownModel: 'reject' })
    const ending = send({ model: 'bb' }, 'j')
    const known = send({ model: 'b' }, 'k')
    await clock.run()
    expect(ending.error).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining("Model 'bb' is not in"),
    })
    expect(known.state).toBe('done')
    expect(sends()).toEqual(['k b@0'])
    expect(() => limiter.limitsOf('bb')).toThrow(InvalidRequest)
  })

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('one named %s', async (model) => {
    const { clock, limiter, send } = setup({ limits, fallback: { a: ['b'] } })
    const ending = send({ model }, 'j')
    await clock.run()
    expect(ending.state).toBe('done')
    expect(limiter.limitsOf(model).source).toBe('unknown-model')
  })
})

describe('maxQueue', () => {
  test('the next one is refused at once, and there is room again when one has left', async () => {
    const { clock, send, limiter } = setup({ limits: { a: { rpm: 1 }, b: { rpm: 1 } }, maxQueue: 2 })
    const controller = new AbortController()
    send({ model: 'a' }, 'runs')
    send({ model: 'a', signal: controller.signal }, 'waits 1')
    send({ model: 'a' }, 'waits 2')
    const refused = send({ model: 'a' }, 'refused')
    // One that need not wait is taken.
    const elsewhere = send({ model: 'b' }, 'elsewhere')
    await clock.advance(20)
    expect(refused).toMatchObject({ state: 'failed', at: 0, error: expect.any(QueueFull) })
    expect((refused.error as Error).message).toContain('2 requests wait already')
    expect(elsewhere.state).toBe('done')
    controller.abort()
    expect(send({ model: 'a' }, 'taken').state).toBe('pending')
    await clock.advance(0)
    expect(limiter.stats().waiting).toBe(2)
    await clock.run()
  })

  test('0: nothing waits but what comes back', async () => {
    const { clock, send, sends } = setup({ limits: { a: { rpm: 9 } }, maxQueue: 0 })
    const ending = send({ model: 'a' }, 'j', [refusal('surge'), ok])
    await clock.advance(10)
    const refused = send({ model: 'a' }, 'refused')
    await clock.run()
    expect(sends()).toEqual(['j a@0', 'j a@1010'])
    expect(ending.state).toBe('done')
    expect(isHeadgateError(refused.error, 'queue_full')).toBe(true)
  })
})

describe('priorities and tables of a real shape', () => {
  test('the built-in table is in force by default', async () => {
    const { limiter } = setup({ perSecond: undefined })
    expect(limiter.limitsOf('qwen-flash')).toMatchObject({ rpm: 600, tpm: 5_000_000, rps: 10 })
    expect(limiter.limitsOf('qwen-flash').source).toContain('model-studio/singapore')
  })

  test('a minute’s requests are used in full', async () => {
    const { clock, send, sent } = setup({ limits: { a: { rpm: 600 } } satisfies LimitsTable, perSecond: true })
    for (let i = 0; i < 1200; i++) send({ model: 'a' }, `${i}`)
    await clock.run()
    expect(sent).toHaveLength(1200)
    expect(sent.at(-1)!.at).toBeLessThanOrEqual(120_000)
    for (let i = 600; i < 1200; i++) expect(sent[i]!.at - sent[i - 600]!.at).toBeGreaterThanOrEqual(60_000)
    for (let i = 10; i < 1200; i++) expect(sent[i]!.at - sent[i - 10]!.at).toBeGreaterThanOrEqual(1000)
  })
})
