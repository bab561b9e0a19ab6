import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { fault, ok, refusal, setup } from './setup.js'

describe('abort', () => {
  const one = { limits: { a: { rpm: 1 }, b: { rpm: 1 } } }

  test('before: nothing is sent, and the signal’s reason is the error', async () => {
    const { clock, send, sends, limiter } = setup(one)
    const ending = send({ model: 'a', signal: AbortSignal.abort('mine') }, 'j')
    await clock.advance(0)
    expect(ending).toMatchObject({ state: 'failed', error: 'mine' })
    expect([sends(), limiter.stats().models]).toEqual([[], {}])
  })

  test('while waiting: gone at once, and the next takes its place', async () => {
    const { clock, send, sends, limiter } = setup({ limits: { a: { tpm: 100 } }, maxBackfillDelayMs: 0 })
    const controller = new AbortController()
    send({ model: 'a', tokens: 50 }, 'runs', [{ returns: '' }])
    await clock.advance(100)
    const large = send({ model: 'a', tokens: 100, signal: controller.signal }, 'large')
    send({ model: 'a', tokens: 50 }, 'small', [{ returns: '' }])
    await clock.advance(400)
    expect(limiter.stats().waiting).toBe(2)
    controller.abort()
    await clock.advance(0)
    expect(large).toMatchObject({ state: 'failed', at: 500, error: { name: 'AbortError' } })
    expect(sends()).toEqual(['runs a@0', 'small a@500'])
    expect(clock.pending).toBe(1) // small's own time to answer
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    await clock.run()
  })

  test('the last one that waits: no timer is left, and drain ends', async () => {
    const { clock, send, limiter, follow } = setup(one)
    const controller = new AbortController()
    send({ model: 'a' }, 'runs')
    await clock.advance(10)
    send({ model: 'a', signal: controller.signal }, 'waits')
    const drained = follow(limiter.drain())
    await clock.advance(100)
    expect([clock.pending, drained.state]).toEqual([1, 'pending'])
    controller.abort()
    await clock.advance(0)
    expect([clock.pending, drained.state]).toEqual([0, 'done'])
  })

  test('during a back-off', async () => {
    const { clock, send, sends, limiter } = setup(one)
    const controller = new AbortController()
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [fault(500), ok])
    await clock.advance(100)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort(new Error('enough'))
    await clock.advance(0)
    expect(ending).toMatchObject({ state: 'failed', at: 100, error: { message: 'enough' } })
    await clock.run()
    expect(sends()).toEqual(['j a@0'])
    expect([clock.pending, limiter.stats().waiting]).toEqual([0, 0])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('during a hold', async () => {
    const { clock, send, sends } = setup({ limits: { a: { rpm: 9 } } })
    const controller = new AbortController()
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [refusal('surge'), ok])
    await clock.advance(100)
    controller.abort()
    await clock.run()
    expect([sends(), ending.at]).toEqual([['j a@0'], 100])
  })

  test('while running: run sees it, and what it throws then is the end, without a retry', async () => {
    for (const outcome of [refusal('surge'), fault(500), { throws: new Error('stopped') }]) {
      const { clock, send, sends, limiter } = setup({ ...one, fallback: { a: ['b'] } })
      const controller = new AbortController()
      const reason = new Error('enough')
      const ending = send({ model: 'a', signal: controller.signal }, 'j', [
        ({ signal }) => {
          controller.abort(reason)
          expect(signal.aborted).toBe(true)
          return outcome
        },
        ok,
      ])
      await clock.run()
      expect(sends()).toEqual(['j a@0'])
      expect(ending.state).toBe('failed')
      if ('throws' in outcome && outcome.throws instanceof Error && !('status' in outcome.throws)) {
        expect(ending.error).toBe(outcome.throws)
      } else expect(ending.error).toBe(reason)
      expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
    }
  })

  test('while running, with no retry left: the signal’s reason, not what the server said last', async () => {
    const { clock, send } = setup({ ...one, maxRetries: 0 })
    const controller = new AbortController()
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [fault(500)], 100)
    await clock.advance(50)
    controller.abort('enough')
    await clock.run()
    expect(ending).toMatchObject({ state: 'failed', error: 'enough', at: 100 })
  })

  test('while running, where run does not mind: its result counts', async () => {
    const { clock, send } = setup(one)
    const controller = new AbortController()
    const ending = send({ model: 'a', signal: controller.signal }, 'j', [ok], 100)
    await clock.advance(50)
    controller.abort()
    await clock.run()
    expect(ending).toMatchObject({ state: 'done', at: 100 })
  })

  test('one signal for many: no listener stays on it', async () => {
    const { clock, send, limiter } = setup(one)
    const controller = new AbortController()
    const endings = Array.from({ length: 100 }, () => send({ model: 'a', signal: controller.signal }, 'j'))
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    await clock.advance(60_000)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort()
    await clock.run()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(endings.filter(({ state }) => state === 'failed')).toHaveLength(98)
    expect(limiter.stats().waiting).toBe(0)
  })

  test('of one whose model was just closed, by another that is rerouted before it', async () => {
    const { clock, limiter, send, sends, follow } = setup({
      limits: { a: { rpm: 1 }, b: { rpm: 9 } },
      fallback: { a: ['b'] },
    })
    const controller = new AbortController()
    send({ model: 'a', fallback: false }, 'closes', [refusal('exhausted')])
    follow(limiter.schedule({ model: 'a' }, () => controller.abort(new Error('enough'))))
    const ending = send({ model: 'a', signal: controller.signal }, 'aborted')
    await clock.run()
    expect(sends()).toEqual(['closes a@0'])
    expect(ending).toMatchObject({ state: 'failed', at: 10, error: { message: 'enough' } })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('one signal for many: none of them starts on the way out of the others', async () => {
    const { clock, limiter, send, sends, used } = setup({ limits: { a: { tpm: 1000 } }, maxBackfillDelayMs: 0 })
    send({ model: 'a', tokens: 600 }, 'first', [{ returns: '' }])
    await clock.advance(100)
    const { signal, abort } = abortable()
    const large = send({ model: 'a', tokens: 900, signal }, 'large')
    const small = send({ model: 'a', tokens: 200, signal }, 'small')
    await clock.advance(20)
    abort()
    await clock.run()
    expect(sends()).toEqual(['first a@0'])
    expect([large, small]).toMatchObject([
      { state: 'failed', error: 'mine' },
      { state: 'failed', error: 'mine' },
    ])
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
    expect(used('a')['tpm']).toBe(600)
  })

  test('by a listener, at the very start: nothing is sent, all comes back', async () => {
    const { clock, limiter, send, sends, used } = setup({ limits: { a: { tpm: 1000, rpm: 5 } } })
    const { signal, abort } = abortable()
    limiter.on('admit', abort)
    const ending = send({ model: 'a', tokens: 600, signal }, 'j')
    await clock.advance(0)
    expect(ending).toMatchObject({ state: 'failed', error: 'mine' })
    expect([sends(), used('a')]).toEqual([[], { rpm: 0, tpm: 0 }])
    await limiter.drain()
  })
})

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort('mine') }
}
