import { describe, expect, test } from 'vitest'
import { json } from '../support/fake-fetch.js'
import { LimitedFetch } from '../support/limited-fetch.js'
import { seeded } from '../support/seeded.js'
import { setup } from './setup.js'

const SERVICE_EPOCH_MS = 1.75e12

/** A service that counts each request up to `spreadMs` late, and says when. */
function telling(spreadMs: number, options = {}): LimitedFetch {
  const random = seeded(2)
  return new LimitedFetch(
    (clock) => [
      (sent) => {
        const arrivedAt = SERVICE_EPOCH_MS + clock.now() + 30 + Math.round(spreadMs * random())
        return json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }, 200, { 'req-arrive-time': `${arrivedAt}` })(
          sent,
        )
      },
    ],
    options,
  )
}

async function post(limited: LimitedFetch, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await limited.after(limited.post())
}

describe('J', () => {
  test('is learned from the times at which requests arrived, and paces what comes', async () => {
    const limited = telling(28)
    expect(limited.limiter.stats().networkJitter).toEqual({ ms: 50, origin: 'default' })
    await post(limited, 300)
    const { ms, origin } = limited.limiter.stats().networkJitter
    expect([origin, ms <= 40 && ms >= 28]).toEqual(['learned', true])
  })

  test('that is larger than was thought is learned at once', async () => {
    const limited = telling(300)
    await post(limited, 40)
    expect(limited.limiter.stats().networkJitter).toMatchObject({ origin: 'learned' })
    expect(limited.limiter.stats().networkJitter.ms).toBeGreaterThan(200)
  })

  test('that is given stands', async () => {
    const limited = telling(300, { networkJitterMs: 20 })
    await post(limited, 300)
    expect(limited.limiter.stats().networkJitter).toEqual({ ms: 20, origin: 'user' })
  })

  test.each(['new', 'known'])('is learned from what a run says, too; and paces %s models', async (kind) => {
    const { limiter, clock, now } = setup({ limits: { a: {}, b: { rpm: 60 } }, networkJitterMs: undefined })
    if (kind === 'known') void limiter.predict({ model: 'b' })
    for (let i = 0; i < 300; i++) {
      await limiter.schedule({ model: 'a' }, ({ arrived }) => {
        arrived(now() + (i % 10) * 40)
        arrived(Number.NaN)
        return { usage: { prompt_tokens: 0, completion_tokens: 0 } }
      })
    }
    expect(limiter.stats().networkJitter.ms).toBeGreaterThan(360)
    const at: number[] = []
    for (let i = 0; i < 61; i++) void limiter.schedule({ model: 'b' }, () => void at.push(now()))
    await clock.run()
    // A minute's window is longer by J.
    expect(at.at(-1)! - at[0]!).toBeGreaterThan(60_360)
  })
})
