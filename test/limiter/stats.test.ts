import { describe, expect, test } from 'vitest'
import { fault, ok, refusal, setup } from '../dispatch/setup.js'

const limits = { a: { rpm: 3, tpm: 1000 }, b: { rpm: 9 } }

describe('stats', () => {
  test('of a limiter that has done nothing', () => {
    expect(setup().limiter.stats()).toEqual({
      models: {},
      tenants: {},
      waiting: 0,
      inFlight: 0,
      doubleSettles: 0,
      networkJitter: { ms: 0, origin: 'user' },
      clockPhase: { offsetMs: undefined, spanMs: undefined, origin: 'unknown' },
    })
  })

  test('of a model with a name that means something to objects', async () => {
    const { clock, limiter, send } = setup({ unknownModel: 'unlimited' })
    for (const model of ['__proto__', 'constructor']) send({ model }, model)
    await clock.run()
    const { models } = limiter.stats()
    expect(Object.keys(models)).toEqual(['__proto__', 'constructor'])
    expect(Object.entries(models).map(([, { calls }]) => calls)).toEqual([1, 1])
  })

  test('how each model stands', async () => {
    const { clock, limiter, send } = setup({ limits })
    for (let i = 0; i < 5; i++) send({ model: 'a', tokens: 100 }, `${i}`, [ok], 500)
    send({ model: 'b' }, 'b', [refusal('surge'), ok])
    await clock.advance(200)
    const stats = limiter.stats()
    expect(stats).toMatchObject({ waiting: 3, inFlight: 3, doubleSettles: 0 })
    expect(stats.models['a']).toMatchObject({
      limits: { rpm: 3, tpm: 1000, source: 'user' },
      windows: [
        { limit: 'rpm', effective: 3, used: 3 },
        { limit: 'tpm', effective: 1000, used: 300 },
      ],
      waiting: 2,
      inFlight: 3,
      heldMs: 0,
      pace: undefined,
      calls: 3,
      failures: 0,
    })
    expect(stats.models['b']).toMatchObject({
      waiting: 1,
      inFlight: 0,
      heldMs: 810,
      pace: { requestsPerSecond: 9 / 60 / 8, origin: 'learned' },
      calls: 1,
      failures: 1,
      failureRate: 1,
      throttled: { surge: 1 },
    })
    await clock.run()
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
  })

  test('how long the answers of each are, and how well that was foreseen', async () => {
    const { clock, limiter, send } = setup({ limits })
    send({ model: 'b' }, 'nothing known', [{ returns: '' }])
    await clock.run()
    expect(limiter.stats().models['b']!.output).toBeUndefined()
    const inside = limiter.workspace('w', {})
    for (let i = 0; i < 300; i++) {
      send({ model: 'b' }, 'j', [{ returns: { usage: { prompt_tokens: 5, completion_tokens: i % 2 ? 90 : 110 } } }])
    }
    await clock.run()
    const { mean, p50, p95, error } = limiter.stats().models['b']!.output!
    expect(Math.abs(mean - 100)).toBeLessThan(5)
    expect(Math.abs(p50 - 90)).toBeLessThan(6)
    expect(Math.abs(p95 - 110)).toBeLessThan(7)
    expect(Math.abs(error - 0.1)).toBeLessThan(0.02)
    void inside.schedule({ model: 'b' }, async () => ({ usage: { prompt_tokens: 5, completion_tokens: 100 } }))
    await clock.run()
    expect(inside.stats().models['b']!.output).toEqual(limiter.stats().models['b']!.output)
  })

  test('what each did: rates, and latencies without the wait in the queue', async () => {
    const { clock, limiter, send } = setup({ limits })
    for (let i = 0; i < 6; i++) {
      send({ model: 'a' }, `${i}`, [{ returns: { usage: { prompt_tokens: 90, completion_tokens: 10 } } }], 200)
    }
    await clock.advance(120_000)
    expect(limiter.stats().models['a']).toMatchObject({
      calls: 6,
      averageRpm: 3,
      averageTpm: 300,
      latencyMs: { p50: 200, p95: 200, mean: 200 },
      timeToFirstTokenMs: undefined,
    })
    expect(limiter.stats({ lastMs: 10_000 }).models['a']).toMatchObject({ calls: 0, latencyMs: undefined })
  })

  test('failures have no latency', async () => {
    const { clock, limiter, send } = setup({ limits, maxRetries: 0 })
    send({ model: 'a' }, 'j', [fault(500)], 777)
    await clock.run()
    expect(limiter.stats().models['a']).toMatchObject({ calls: 1, failures: 1, failureRate: 1, latencyMs: undefined })
  })

  test('a listener can stop', async () => {
    const { clock, limiter, send } = setup({ limits })
    let admitted = 0
    const stop = limiter.on('admit', () => admitted++)
    send({ model: 'a' }, '1')
    stop()
    send({ model: 'a' }, '2')
    await clock.run()
    expect(admitted).toBe(1)
  })
})
