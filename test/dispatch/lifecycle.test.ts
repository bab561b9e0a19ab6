import { getEventListeners } from 'node:events'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LimiterClosed, RequestTooLarge, type Limits, type LimitsTable } from '../../src/index.js'
import { fault, ok, refusal, setup, type Ending, type Outcome } from './setup.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { settlePromises } from '../support/virtual-clock.js'

const one = { limits: { a: { rpm: 1 } } }

describe('drain', () => {
  test('resolves at once when there is nothing', async () => {
    const { clock, limiter, follow } = setup()
    const drained = follow(limiter.drain())
    await settlePromises()
    expect(drained).toMatchObject({ state: 'done', at: 0 })
    expect(clock.pending).toBe(0)
  })

  test('resolves when what waits and runs has ended, retries too; new work is still taken', async () => {
    const { clock, limiter, send, follow } = setup({ limits: { a: { rpm: 9, concurrency: 1 } } })
    send({ model: 'a' }, '1', [fault(500), ok])
    send({ model: 'a' }, '2')
    const drained = follow(limiter.drain())
    await clock.advance(100)
    send({ model: 'a' }, '3', [ok], 5000)
    await clock.run()
    expect(drained).toMatchObject({ state: 'done', at: 5110 })
    await limiter.drain()
  })

  test('counts the time until a job has ended, not only until it has settled', async () => {
    const { clock, limiter, send, follow } = setup(one)
    send({ model: 'a' }, 'j', [
      (grant) => {
        grant.settle({ inputTokens: 1, outputTokens: 1 })
        return ok
      },
    ])
    const drained = follow(limiter.drain())
    await clock.run()
    expect(drained.state).toBe('done')
  })

  test('ends when all that waits can never pass any more', async () => {
    const { clock, limiter, send, follow } = setup({ limits: { a: { rpm: 1, tpm: 1000 } } })
    send({ model: 'a' }, 'first', [{ returns: '' }])
    await clock.advance(10)
    const endings = [send({ model: 'a', tokens: 900 }, '1'), send({ model: 'a', tokens: 800 }, '2')]
    const drained = follow(limiter.drain())
    await clock.advance(0)
    limiter.setLimits('a', { tpm: 500 })
    await clock.run()
    for (const ending of endings) expect(ending.error).toBeInstanceOf(RequestTooLarge)
    expect(drained.state).toBe('done')
    expect(clock.pending).toBe(0)
  })
})

describe('close', () => {
  test('refuses new work and finishes what waits', async () => {
    const { clock, limiter, send, follow } = setup(one)
    const endings = ['1', '2', '3'].map((name) => send({ model: 'a' }, name))
    const closed = follow(limiter.close())
    const late = send({ model: 'a' }, 'late')
    await clock.advance(0)
    expect(late).toMatchObject({ state: 'failed', error: expect.any(LimiterClosed) })
    expect(closed.state).toBe('pending')
    await clock.run()
    expect(endings.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    expect(closed).toMatchObject({ state: 'done', at: 120_010 })
  })

  test('with abandon rejects what waits, and what runs is not repeated', async () => {
    const { clock, limiter, sends, send, follow } = setup({
      limits: { a: { rpm: 3 }, b: { rpm: 3 } },
      fallback: { a: ['b'] },
    })
    const [runs, refused, faulty] = [
      send({ model: 'a' }, 'runs', [ok], 100),
      send({ model: 'a' }, 'refused', [refusal('surge'), ok], 100),
      send({ model: 'a' }, 'faulty', [fault(500), ok], 100),
    ]
    const waits = send({ model: 'a' }, 'waits')
    const controller = new AbortController()
    const waitsToo = send({ model: 'a', signal: controller.signal }, 'waits too')
    const backsOff = send({ model: 'b' }, 'backs off', [fault(500), ok])
    await clock.advance(50)
    const closed = follow(limiter.close({ abandon: true }))
    await clock.advance(0)
    for (const { state, error, at } of [waits, waitsToo, backsOff]) {
      expect([state, at]).toEqual(['failed', 50])
      expect(error).toBeInstanceOf(LimiterClosed)
    }
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(closed.state).toBe('pending')
    await clock.run()
    expect(runs.state).toBe('done')
    expect(refused).toMatchObject({ state: 'failed', error: { status: 429 } })
    expect(faulty).toMatchObject({ state: 'failed', error: { status: 500 } })
    expect(sends()).toHaveLength(4)
    expect(closed).toMatchObject({ state: 'done', at: 100 })
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
  })

  test('may be called again, with abandon later too', async () => {
    const { clock, limiter, send, follow } = setup(one)
    send({ model: 'a' }, 'runs')
    const waits = send({ model: 'a' }, 'waits')
    const closed = [follow(limiter.close()), follow(limiter.close())]
    await clock.advance(10)
    closed.push(follow(limiter.close({ abandon: true })), follow(limiter[Symbol.asyncDispose]()))
    await clock.advance(0)
    expect(waits.error).toBeInstanceOf(LimiterClosed)
    expect(closed.map(({ state, at }) => [state, at])).toEqual(Array.from({ length: 4 }, () => ['done', 10]))
    await limiter.close({ abandon: true })
    expect(clock.pending).toBe(0)
  })

  test('while paused: ends when it may go on, or is abandoned', async () => {
    for (const abandon of [false, true]) {
      const { clock, limiter, send, follow } = setup(one)
      limiter.pause()
      const ending = send({ model: 'a' }, 'j')
      const closed = follow(limiter.close())
      await clock.advance(100)
      expect(closed.state).toBe('pending')
      if (abandon) void limiter.close({ abandon })
      else limiter.resume()
      await clock.run()
      expect([closed.state, ending.state]).toEqual(['done', abandon ? 'failed' : 'done'])
    }
  })

  test('await using', async () => {
    const { clock, limiter, send } = setup(one)
    {
      await using closing = limiter
      send({ model: 'a' }, 'j', [ok], 0)
      expect(closing.stats().inFlight).toBe(1)
    }
    await expect(limiter.schedule({ model: 'a' }, () => 1)).rejects.toBeInstanceOf(LimiterClosed)
    expect(clock.pending).toBe(0)
  })

  test('what a fault led back to the queue after close is finished', async () => {
    const { clock, limiter, send, follow } = setup(one)
    const ending = send({ model: 'a' }, 'j', [fault(500), ok], 100)
    const closed = follow(limiter.close())
    await clock.run()
    expect([ending.state, closed.state]).toEqual(['done', 'done'])
  })
})

describe('pause and resume', () => {
  test('nothing starts, what runs goes on, new requests are taken', async () => {
    const { clock, limiter, sends, send } = setup({ limits: { a: { rpm: 9 } } })
    const runs = send({ model: 'a' }, 'runs', [fault(500), ok])
    await clock.advance(0)
    limiter.pause()
    send({ model: 'a' }, 'taken')
    await clock.advance(5000)
    expect([sends(), runs.state, clock.pending]).toEqual([['runs a@0'], 'pending', 1])
    limiter.resume()
    await clock.run()
    expect(sends().slice(1).sort()).toEqual(['runs a@5000', 'taken a@5000'])
  })
})

describe('limits that change', () => {
  test('setLimits lets what waits start, and tells of it', async () => {
    const { clock, limiter, sends, send, heard } = setup(one)
    for (const name of ['1', '2', '3']) send({ model: 'a' }, name)
    await clock.advance(1000)
    limiter.setLimits('a', { rpm: 60 })
    expect(heard.limits).toEqual([{ model: 'a', from: { rpm: 1 }, to: { rpm: 60 }, source: 'user' }])
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 60, source: 'user' })
    limiter.setLimits('a', { rpm: 60 })
    expect(heard.limits).toHaveLength(1)
    await clock.advance(1000)
    expect(sends()).toEqual(['1 a@0', '2 a@1984'])
    limiter.setLimits('a', { rpm: Infinity })
    expect(sends().slice(2)).toEqual(['3 a@2000'])
    expect(heard.limits[1]).toEqual({ model: 'a', from: { rpm: 60 }, to: {}, source: 'user' })
    await clock.run()
  })

  test('field by field, Infinity lifts one, and a model not used yet has them too', async () => {
    const { limiter } = setup({ limits: { a: { rpm: 10, tpm: 500 } }, perSecond: true })
    limiter.setLimits('a', { tpm: 600 })
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 10, tpm: 600, rps: 10 / 60, tps: 10 })
    limiter.setLimits('a', { rpm: Infinity, concurrency: 3 })
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: undefined, tpm: 600, concurrency: 3 })
    limiter.setLimits('new', { rpm: 5 })
    expect(limiter.limitsOf('new')).toMatchObject({ rpm: 5, source: 'user' })
  })

  test('lower ones hold for what waits, too large ones go to a backup', async () => {
    const { clock, limiter, sends, send } = setup({
      limits: { a: { tpm: 1000 }, b: { tpm: 1000 } },
      fallback: { a: ['b'] },
    })
    send({ model: 'a', tokens: 1000 }, 'first', [{ returns: '' }])
    send({ model: 'a', tokens: 900 }, 'large')
    send({ model: 'a', tokens: 100 }, 'small')
    await clock.advance(100)
    limiter.setLimits('a', { tpm: 500 })
    await clock.run()
    expect(sends()).toEqual(['first a@0', 'large b@100', 'small a@60000'])
  })

  function sourceOf(first: unknown) {
    let table = first as LimitsTable
    let listeners: (() => void)[] = []
    return {
      current: () => table,
      subscribe(listener: () => void) {
        listeners.push(listener)
        return () => {
          listeners = listeners.filter((other) => other !== listener)
        }
      },
      change(next: unknown) {
        table = next as LimitsTable
        for (const listener of listeners) listener()
      },
      get listeners() {
        return listeners.length
      },
    }
  }

  test('a source that changes while jobs wait', async () => {
    const source = sourceOf({ a: { rpm: 1 }, b: { rpm: 1 } })
    const { clock, limiter, sends, send, heard } = setup({ limits: source, fallback: { a: ['b'] } })
    for (const name of ['1', '2', '3', '4']) send({ model: 'a' }, name)
    source.change({ a: { rpm: 60 }, b: { rpm: 1 } })
    await clock.advance(1500)
    expect(sends()).toEqual(['1 a@0', '2 a@1000'])
    // Retired while jobs wait for it: they go to the backup.
    source.change({ a: { rpm: 0, tpm: 0 }, b: { rpm: 1 } })
    await clock.run()
    expect(sends().slice(2)).toEqual(['3 b@1500', '4 b@61500'])
    expect(heard.limits.map(({ model, to }) => [model, to])).toEqual([
      ['a', { rpm: 60 }],
      ['a', { rpm: 0, tpm: 0 }],
    ])
    expect(limiter.stats().waiting).toBe(0)
  })

  test('one that retires a model and takes that back', async () => {
    const source = sourceOf({ a: { rpm: 5 } })
    const { clock, sends, send } = setup({ limits: source })
    send({ model: 'a' }, 'before')
    source.change({ a: { rpm: 0, tpm: 0 } })
    const refused = send({ model: 'a' }, 'refused')
    await clock.run()
    expect((refused.error as Error).message).toContain("Model 'a' is retired")
    source.change({ a: { rpm: 5 } })
    send({ model: 'a' }, 'after')
    await clock.run()
    expect(sends().map((each) => each.split(' ')[0])).toEqual(['before', 'after'])
  })

  test('one with a bad row: that model keeps what it had, and a warning says so', async () => {
    const source = sourceOf({ a: { rpm: 1 }, b: { rpm: 1 } })
    const { limiter, send, clock, heard } = setup({ limits: source })
    send({ model: 'a' }, '1')
    send({ model: 'b' }, '2')
    await clock.run()
    source.change({ a: { rpm: -1 }, b: { rpm: 7 } })
    expect([limiter.limitsOf('a').rpm, limiter.limitsOf('b').rpm]).toEqual([1, 7])
    expect(heard.warning).toMatchObject([{ model: 'a', message: expect.stringContaining('rpm is -1') }])
  })

  test('overrides stay on top of a source', () => {
    const source = sourceOf({ a: { rpm: 1, tpm: 100 } })
    const { limiter } = setup({ limits: source, overrides: { a: { rpm: 5 } } })
    source.change({ a: { rpm: 2, tpm: 200 } })
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 5, tpm: 200 })
  })

  test('a source that tells at once of what it has', async () => {
    const { limiter, send, clock, sends } = setup({
      limits: {
        current: () => ({ a: { rpm: 1 } }),
        subscribe(listener) {
          listener()
          return () => {}
        },
      },
    })
    send({ model: 'a' }, 'j')
    await clock.run()
    expect([sends(), limiter.limitsOf('a').rpm]).toEqual([['j a@0'], 1])
  })

  test('is heard until the limiter is closed', async () => {
    const source = sourceOf({ a: { rpm: 1 } })
    const { limiter, clock, send } = setup({ limits: source })
    send({ model: 'a' }, 'runs', [ok], 100)
    const closed = limiter.close()
    expect(source.listeners).toBe(1)
    await clock.run()
    await closed
    expect(source.listeners).toBe(0)
  })
})

describe('listeners that interfere', () => {
  test('throwing from every event changes nothing', async () => {
    const { limiter, clock, send, heard } = setup({ limits: { a: { rpm: 9 }, b: { rpm: 9 } }, fallback: { a: ['b'] } })
    for (const event of ['admit', 'throttled', 'fallback', 'settle', 'limits', 'warning'] as const) {
      limiter.on(event, () => {
        throw new Error(event)
      })
    }
    const ending = send({ model: 'a' }, 'j', [refusal('surge'), ok])
    send({ model: 'unheard of' }, 'k')
    limiter.setLimits('a', { rpm: 8 })
    await clock.run()
    expect(ending.state).toBe('done')
    expect(heard.warning.length).toBeGreaterThan(4)
  })

  test('aborting from an event what is on its way to a backup', async () => {
    const { limiter, clock, send, sends } = setup({ limits: { a: { rpm: 9 }, b: { rpm: 9 } }, fallback: { a: ['b'] } })
    const controller = new AbortController()
    limiter.on('fallback', () => controller.abort(new Error('enough')))
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(sends()).toEqual(['j a@0'])
    expect(ending.error).toMatchObject({ message: 'enough' })
  })
})

describe('under a random mix', () => {
  const kinds = ['ok', 'no usage', 'requests', 'tokens', 'surge', 'exhausted', '500', '400', 'throws'] as const
  const outcomeOf = (kind: (typeof kinds)[number]): Outcome => {
    if (kind === 'ok') return ok
    if (kind === 'no usage') return { returns: '' }
    if (kind === '500' || kind === '400') return fault(Number(kind))
    return kind === 'throws' ? { throws: new Error('thrown') } : refusal(kind)
  }
  const job = fc.record({
    do: fc.constant('job' as const),
    model: fc.constantFrom('a', 'b', 'c', 'unknown'),
    tokens: fc.oneof(fc.nat(400), fc.nat(1500)),
    priority: fc.constantFrom(0, 0, 0, 1, -1),
    fallback: fc.boolean(),
    sync: fc.boolean(),
    tookMs: fc.constantFrom(0, 1, 50, 3000),
    abortAfterMs: fc.option(fc.constantFrom(0, 1, 500, 20_000), { freq: 3 }),
    outcomes: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }),
  })
  const step = fc.oneof(
    { weight: 12, arbitrary: job },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 60, 1000, 30_000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom<'pause' | 'resume'>('pause', 'resume') }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('limits' as const),
        model: fc.constantFrom('a', 'b'),
        limits: fc.constantFrom<Limits>(
          { rpm: 1 },
          { rpm: 50 },
          { tpm: 300 },
          { tpm: 5000 },
          { concurrency: 1 },
          { rpm: Infinity },
        ),
      }),
    },
  )
  const end = fc.constantFrom('drain', 'close', 'abandon')

  test('every job ends exactly once, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), end, async (steps, end) => {
        const { clock, limiter, server, follow } = setup({
          limits: { a: { rpm: 5, tpm: 1000 }, b: { rpm: 3, concurrency: 2 }, c: { rpm: 20, tpm: 2000 } },
          fallback: { a: ['b', 'c'], b: ['a'] },
          perSecond: undefined,
          networkJitterMs: 50,
          maxQueue: 12,
        })
        const controllers: AbortController[] = []
        const endings: Ending[] = []
        let calls = 0
        let violations = 0
        for (const each of steps) {
          if (each.do === 'wait') await clock.advance(each.ms)
          else if (each.do === 'pause') limiter.pause()
          else if (each.do === 'resume') limiter.resume()
          else if (each.do === 'limits') limiter.setLimits(each.model, each.limits)
          else if (each.do === 'job') {
            const controller = new AbortController()
            controllers.push(controller)
            const { model, tokens, priority, abortAfterMs, sync, tookMs } = each
            const outcomes = each.outcomes.map(outcomeOf)
            let attempts = 0
            let isRunning = false
            let hasEnded = false
            const wait = server('j', outcomes, tookMs)
            const promise = limiter.schedule(
              { model, tokens, priority, signal: controller.signal, fallback: each.fallback ? undefined : false },
              (grant) => {
                calls++
                if (isRunning || hasEnded || grant.signal !== controller.signal) violations++
                isRunning = true
                const outcome = outcomes[Math.min(attempts++, outcomes.length - 1)]!
                if (!sync) return wait(grant).finally(() => (isRunning = false))
                isRunning = false
                if ('throws' in outcome) throw outcome.throws
                return outcome.returns
              },
            )
            endings.push(follow(promise.finally(() => (hasEnded = true))))
            if (abortAfterMs === 0) controller.abort()
            else if (abortAfterMs !== null) clock.setTimeout(() => controller.abort(), abortAfterMs)
          }
          const { waiting, inFlight } = limiter.stats()
          expect(waiting).toBeGreaterThanOrEqual(0)
          expect(inFlight).toBeGreaterThanOrEqual(0)
        }
        limiter.resume()
        const ended = follow(end === 'drain' ? limiter.drain() : limiter.close({ abandon: end === 'abandon' }))
        await clock.run()

        expect(ended.state).toBe('done')
        expect(violations).toBe(0)
        expect(endings.filter(({ state }) => state === 'pending')).toEqual([])
        expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0, doubleSettles: 0 })
        expect(clock.pending).toBe(0)
        for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0)
        const { models } = limiter.stats()
        // Nothing is counted twice: an attempt is one call.
        expect(Object.values(models).reduce((sum, { calls }) => sum + calls, 0)).toBeLessThanOrEqual(calls)
        // What was charged leaves with its window; and the limiter, if open, goes on.
        await clock.advance(24 * 3_600_000)
        for (const { windows } of Object.values(limiter.stats().models)) {
          for (const { used } of windows) expect(used).toBe(0)
        }
        if (end !== 'drain') return
        const again = follow(limiter.schedule({ model: 'c' }, () => 'again'))
        await clock.run()
        expect(again.value).toBe('again')
      }),
      runs(cases(25, 250)),
    )
  })
})
