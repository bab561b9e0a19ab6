import { describe, expect, test } from 'vitest'
import {
  createLimiter,
  DeadlineImpossible,
  InvalidRequest,
  RequestTooLarge,
  type ScheduleRequest,
} from '../../src/index.js'
import { fault, ok, refusal, setup } from './setup.js'

const limits = { a: { rpm: 2, tpm: 1000 }, b: { rpm: 2, tpm: 1000 } }

describe('a deadline', () => {
  test('that can be kept is: it starts as soon as it may', async () => {
    const { clock, send, sends } = setup({ limits })
    for (const name of ['1', '2', '3']) send({ model: 'a', deadlineMs: 60_000 }, name)
    await clock.run()
    expect(sends()).toEqual(['1 a@0', '2 a@0', '3 a@60000'])
    expect(clock.pending).toBe(0)
  })

  test('that cannot be kept is refused at once, with the wait', async () => {
    const { clock, send, sends, limiter } = setup({ limits })
    for (const name of ['1', '2', '3', '4']) send({ model: 'a' }, name)
    const ending = send({ model: 'a', deadlineMs: 100_000 }, 'late')
    await clock.advance(0)
    expect(ending).toMatchObject({
      state: 'failed',
      at: 0,
      error: { code: 'deadline_impossible', predictedWaitMs: 120_000 },
    })
    expect(ending.error).toBeInstanceOf(DeadlineImpossible)
    expect((ending.error as Error).message).toContain('could start in 120000 ms, but its deadline is in 100000 ms')
    expect(limiter.stats().waiting).toBe(2)
    await clock.run()
    expect(sends()).not.toContain('late')
  })

  test('0: at once, or not at all', async () => {
    const { clock, send } = setup({ limits })
    const endings = ['1', '2', '3'].map((name) => send({ model: 'a', deadlineMs: 0 }, name))
    await clock.run()
    expect(endings.map(({ state }) => state)).toEqual(['done', 'done', 'failed'])
  })

  test('a higher priority has less before it', async () => {
    const { clock, send, sends } = setup({ limits })
    for (const name of ['1', '2', '3', '4']) send({ model: 'a' }, name)
    const urgent = send({ model: 'a', deadlineMs: 60_000, priority: 1 }, 'urgent')
    await clock.run()
    expect(urgent.state).toBe('done')
    expect(sends()[2]).toBe('urgent a@60000')
  })

  test('goes to a backup that can keep it', async () => {
    const { clock, send, sends, heard } = setup({ limits, fallback: { a: ['b'] } })
    for (const name of ['1', '2']) send({ model: 'a' }, name)
    send({ model: 'a', deadlineMs: 1000 }, 'urgent')
    send({ model: 'a' }, 'patient')
    await clock.run()
    expect(sends()).toEqual(['1 a@0', '2 a@0', 'urgent b@0', 'patient a@60000'])
    expect(heard.fallback).toMatchObject([{ from: 'a', to: 'b' }])
  })

  test('that passes while it waits: rejected at that time, never started', async () => {
    const { clock, limiter, send, sends } = setup({ limits })
    for (const name of ['1', '2']) send({ model: 'a' }, name)
    const overtaken = send({ model: 'a', deadlineMs: 70_000 }, 'overtaken')
    const waits = send({ model: 'a' }, 'waits')
    for (const name of ['3', '4']) send({ model: 'a', priority: 1 }, name)
    await clock.run()
    expect(overtaken).toMatchObject({ state: 'failed', at: 70_000, error: { code: 'deadline_impossible' } })
    expect((overtaken.error as Error).message).toBe('The request did not start within its deadline of 70000 ms')
    expect(waits.state).toBe('done')
    expect(sends().join()).not.toContain('overtaken')
    expect([limiter.stats().waiting, clock.pending]).toEqual([0, 0])
  })

  test('passes while paused too', async () => {
    const { clock, limiter, send } = setup({ limits })
    limiter.pause()
    const ending = send({ model: 'a', deadlineMs: 500 }, 'j')
    await clock.advance(499)
    expect(ending.state).toBe('pending')
    await clock.advance(1)
    expect(ending).toMatchObject({ state: 'failed', error: { code: 'deadline_impossible' } })
    expect(clock.pending).toBe(0)
  })

  test('holds for repetitions too: what could only come back too late fails with its last error as the cause', async () => {
    const { clock, send } = setup({ limits: { a: { rpm: 100 } } })
    const error = fault(500)
    const ending = send({ model: 'a', deadlineMs: 300 }, 'j', [error, ok])
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', at: 10, error: { code: 'deadline_impossible' } })
    expect((ending.error as Error).cause).toBe((error as { throws: unknown }).throws)
  })

  test('what is held past it waits until it, and no longer', async () => {
    const { clock, send } = setup({ limits: { a: { rpm: 100 } } })
    const ending = send({ model: 'a', deadlineMs: 300 }, 'j', [refusal('surge'), ok])
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', at: 300, error: { code: 'deadline_impossible' } })
  })

  test('holds for what could go before the head of a queue: back from another model after it, it does not', async () => {
    const { clock, send, sends } = setup({
      limits: { a: { rpm: 9 }, b: { tpm: 100 } },
      fallback: { a: ['b'] },
    })
    send({ model: 'b', tokens: 50 }, 'runs', [{ returns: '' }])
    send({ model: 'b', tokens: 90, priority: 1 }, 'head')
    const late = send({ model: 'a', tokens: 10, deadlineMs: 1000 }, 'late', [refusal('exhausted'), ok], 2000)
    await clock.run()
    expect(late).toMatchObject({ state: 'failed', at: 2000, error: { code: 'deadline_impossible' } })
    expect(sends()).toEqual(['runs b@0', 'late a@0', 'head b@60000'])
  })

  test('that depends on more than time is taken, and rejected if it passes', async () => {
    const { clock, send } = setup({ limits: { a: { concurrency: 1 } } })
    send({ model: 'a' }, 'long', [ok], 1000)
    const soon = send({ model: 'a', deadlineMs: 1000 }, 'soon')
    const late = send({ model: 'a', deadlineMs: 999 }, 'late')
    await clock.run()
    expect([soon.state, late.state, late.at]).toEqual(['done', 'failed', 999])
  })

  test('leaves nothing where it was aborted, started or abandoned', async () => {
    const { clock, limiter, send } = setup({ limits })
    const controller = new AbortController()
    for (const name of ['1', '2']) send({ model: 'a', deadlineMs: 1000 }, name)
    send({ model: 'a', deadlineMs: 90_000, signal: controller.signal }, 'aborted')
    controller.abort()
    await clock.advance(20)
    expect(clock.pending).toBe(0)
    send({ model: 'a', deadlineMs: 90_000 }, 'abandoned')
    await limiter.close({ abandon: true })
    expect(clock.pending).toBe(0)
  })

  test.each([-1, Number.NaN, '5', null])('of %j is refused', async (deadlineMs) => {
    const { clock, send } = setup({ limits })
    const ending = send({ model: 'a', deadlineMs: deadlineMs as number }, 'j')
    await clock.run()
    expect(ending.error).toBeInstanceOf(InvalidRequest)
    expect((ending.error as Error).message).toContain('deadlineMs is ')
  })
})

describe('predict', () => {
  test('where a request would go, and when; it reserves nothing', async () => {
    const { clock, limiter, send, used } = setup({ limits, fallback: { a: ['b'] } })
    expect(limiter.predict({ model: 'a' })).toEqual({ model: 'a', waitMs: 0 })
    expect(used('a')).toEqual({ rpm: 0, tpm: 0 })
    for (const name of ['1', '2', '3']) send({ model: 'a' }, name)
    await clock.advance(20_000)
    expect(limiter.predict({ model: 'a' })).toEqual({ model: 'a', waitMs: 40_000 })
    expect(limiter.predict({ model: 'a', priority: 1 })).toEqual({ model: 'a', waitMs: 40_000 })
    expect(limiter.predict({ model: 'a', deadlineMs: 10_000 })).toEqual({ model: 'b', waitMs: 0 })
    expect(limiter.stats().waiting).toBe(1)
    const actual = send({ model: 'a' }, 'asked', [ok], 0)
    await clock.run()
    expect(actual.at).toBe(60_000)
  })

  test('throws what schedule would reject with', () => {
    const { limiter } = setup({ limits })
    expect(() => limiter.predict({ model: 'a', tokens: 1001 })).toThrow(RequestTooLarge)
    expect(() => limiter.predict({ model: '' })).toThrow(InvalidRequest)
    expect(() => limiter.predict({ modle: 'a' } as unknown as ScheduleRequest)).toThrow(InvalidRequest)
  })

  test('is Infinity where more than time decides', () => {
    const { limiter, send } = setup({ limits: { a: { concurrency: 1 } } })
    send({ model: 'a' }, 'runs')
    expect(limiter.predict({ model: 'a' })).toEqual({ model: 'a', waitMs: Infinity })
  })

  test('of a fresh limiter: the buckets fill first', () => {
    const limiter = createLimiter({ limits: { a: { rpm: 600 } } })
    expect(limiter.predict({ model: 'a' }).waitMs).toBeGreaterThan(0)
  })
})
