import { describe, expect, test } from 'vitest'
import { setup } from './setup.js'

/** Far more than the stack would hold. */
const DEPTH = 20_000

describe('requests that are made while others start', () => {
  test('by the run of the one before, however many: all run', async () => {
    const { clock, limiter } = setup({ limits: { a: { rpm: 10 * DEPTH } } })
    let ran = 0
    let ended = 0
    const next = (): void => {
      if (++ran === DEPTH) return
      void limiter.schedule({ model: 'a' }, next).then(() => ended++)
    }
    void limiter.schedule({ model: 'a' }, next).then(() => ended++)
    await clock.run()
    expect([ran, ended]).toEqual([DEPTH, DEPTH])
    expect(limiter.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })

  test('by a listener: all run', async () => {
    const { clock, limiter } = setup({ limits: { a: { rpm: 10 * DEPTH } } })
    let made = 0
    let ended = 0
    const make = (): void => {
      if (made++ < DEPTH) void limiter.schedule({ model: 'a' }, () => {}).then(() => ended++)
    }
    limiter.on('admit', make)
    make()
    await clock.run()
    expect(ended).toBe(DEPTH)
    expect(clock.pending).toBe(0)
  })

  test('keep their order', async () => {
    const { clock, limiter } = setup({ limits: { a: { rpm: 1000 } } })
    const order: number[] = []
    const start = (depth: number): void => {
      void limiter.schedule({ model: 'a' }, () => {
        order.push(depth)
        if (depth < 300) start(depth + 1)
      })
    }
    start(0)
    await clock.run()
    expect(order).toEqual(Array.from({ length: 301 }, (_, depth) => depth))
  })
})
