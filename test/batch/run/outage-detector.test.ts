import { describe, expect, it, onTestFinished } from 'vitest'
import { runBatch, type BatchSummary } from '../../../src/batch/index.js'
import { createLimiter } from '../../../src/limiter.js'
import { FakeFetch, json, later, throwing, type FakeAnswer } from '../../support/fake-fetch.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const refused = new TypeError('fetch failed', {
  cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
})
const LINES = 2000

/** A run of {@link LINES} lines, in virtual time; `answer`: what the n-th request gets, after a second. */
async function summaryOf(
  answer: (n: number) => FakeAnswer,
  { concurrency = 10, maxAttempts = 1, timeoutMs = 300_000 } = {},
): Promise<BatchSummary> {
  const clock = new VirtualClock()
  const limiter = createLimiter({ clock, limits: {}, unknownModel: 'unlimited', networkJitterMs: 0 })
  onTestFinished(() => limiter.close({ abandon: true }))
  let n = 0
  const fake = new FakeFetch([(sent) => later(clock, 1000, answer(++n))(sent)])
  const input = Array.from({ length: LINES }, () => ({ prompt: 'x' }))
  const options = { input, limiter, model: 'm', fetch: fake.fetch, concurrency, maxAttempts, timeoutMs }
  const batch = runBatch(options)
  const running = (async () => {
    for await (const _ of batch);
  })()
  await clock.run()
  await running
  return batch.summary
}

const fine = json({ choices: [] })
const message = 'fetch failed: ECONNREFUSED'

describe('a service that answers no more', () => {
  it('stops the run', async () => {
    const { succeeded, failed, stop } = await summaryOf((n) => (n <= 500 ? fine : throwing(refused)))
    expect(stop).toEqual({ why: 'unreachable', message, lines: 50 })
    expect(succeeded).toBe(500)
    // Those in flight with the last of them.
    expect(failed).toBeGreaterThanOrEqual(50)
    expect(failed).toBeLessThanOrEqual(60)
  })

  it('stops it after the repeats too, and by answers that never end', async () => {
    const { stop } = await summaryOf(() => throwing(refused), { maxAttempts: 3 })
    expect(stop).toEqual({ why: 'unreachable', message, lines: 50 })
    const slow = await summaryOf(() => fine, { timeoutMs: 500 })
    expect(slow.stop).toMatchObject({ why: 'unreachable', message: expect.stringContaining('timed out'), lines: 50 })
  })

  it('is not told by what was in flight at one moment', async () => {
    const { stop, failed } = await summaryOf((n) => (n <= 200 || n > 400 ? fine : throwing(refused)), {
      concurrency: 100,
    })
    expect(stop).toBeUndefined()
    expect(failed).toBe(200)
    const gone = await summaryOf((n) => (n <= 200 ? fine : throwing(refused)), { concurrency: 100 })
    expect(gone.stop).toEqual({ why: 'unreachable', message, lines: 300 })
  })

  it('is not one that answers now and then, or with refusals', async () => {
    const seldom = await summaryOf((n) => (n % 40 === 0 ? fine : throwing(refused)))
    expect(seldom).toMatchObject({ stop: undefined, succeeded: LINES / 40 })
    const refusing = await summaryOf((n) => (n % 40 === 0 ? json({}, 500) : throwing(refused)))
    expect(refusing).toMatchObject({ stop: undefined, failed: LINES })
    expect(await summaryOf(() => json({}, 400))).toMatchObject({ stop: undefined, failed: LINES })
  })
})
