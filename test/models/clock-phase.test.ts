import { describe, expect, test } from 'vitest'
import type { Profile } from '../../src/types.js'
import { seeded } from '../support/seeded.js'
import { setup } from '../dispatch/setup.js'

const profile: Profile = {
  name: 'told',
  minuteWindow: 'fixed',
  secondWindow: 'fixed',
  windowPhase: 'clock',
  perSecond: true,
  rejectedCost: 0,
  insufficientQuota: 'tokens',
}
const OFFSET_MS = 1.79e12 + 417
const JITTER_MS = 50
const limits = { a: { rpm: 600 } }

/** A service that counts each request up to J late, in windows of its own seconds; and when it counted which. */
function world(told: Profile = profile, networkJitterMs: number | 'learn' = JITTER_MS, spreadMs = JITTER_MS) {
  const made = setup({
    limits,
    profile: told,
    perSecond: true,
    networkJitterMs: networkJitterMs === 'learn' ? undefined : networkJitterMs,
    startFull: false,
  })
  const random = seeded(3)
  const bySecond = new Map<number, number>()
  const starts: number[] = []
  const send = async (limiter = made.limiter) =>
    limiter.schedule({ model: 'a', inputTokens: 1, maxOutputTokens: 0 }, async ({ arrived }) => {
      starts.push(made.now())
      const at = OFFSET_MS + made.clock.now() + 20 + spreadMs * random()
      const second = Math.floor(at / 1000)
      bySecond.set(second, (bySecond.get(second) ?? 0) + 1)
      await new Promise<void>((resolve) => void made.clock.setTimeout(resolve, 300))
      arrived(Math.floor(at))
      return { usage: { prompt_tokens: 1, completion_tokens: 0 } }
    })
  return { ...made, bySecond, starts, send }
}

describe('the phase of a service’s clock', () => {
  test('is learned from the first answers; then its windows are used in full, and none is exceeded', async () => {
    const { clock, limiter, bySecond, send } = world()
    expect(limiter.stats().clockPhase).toEqual({ offsetMs: undefined, spanMs: undefined, origin: 'unknown' })
    for (let i = 0; i < 300; i++) void send()
    await clock.run(20_000)
    const { offsetMs, spanMs, origin } = limiter.stats().clockPhase
    expect(origin).toBe('learned')
    expect(offsetMs).toBeLessThan(OFFSET_MS + 20)
    expect(offsetMs! + spanMs!).toBeGreaterThan(OFFSET_MS + 20 + JITTER_MS)
    const counts = [...bySecond].toSorted(([a], [b]) => a - b).map(([, count]) => count)
    expect(Math.max(...counts)).toBe(10)
    expect(counts.slice(4, 18)).toEqual(Array.from({ length: 14 }, () => 10))
    await clock.run()
    expect(limiter.stats().clockPhase.origin).toBe('learned')
    await clock.advance(60_000)
    expect(limiter.stats().clockPhase.origin).toBe('unknown')
  })

  test('lets what waits start as soon as it tells of room', async () => {
    const { clock, starts, send } = world()
    for (let i = 0; i < 11; i++) void send()
    await clock.run()
    expect(starts[9]).toBe(0)
    // The service's second ends after 583 ms; by W + J it would be 1,050.
    expect(starts[10]).toBeGreaterThan(540)
    expect(starts[10]).toBeLessThan(640)
  })

  test('is not known while arrivals lie further apart than J, and with a learned J once that is large enough', async () => {
    const given = world(profile, JITTER_MS, 300)
    for (let i = 0; i < 100; i++) void given.send()
    await given.clock.run()
    expect(given.limiter.stats().clockPhase.origin).toBe('unknown')
    const { clock, limiter, bySecond, send } = world(profile, 'learn', 300)
    for (let i = 0; i < 300; i++) void send()
    await clock.run(20_000)
    expect(limiter.stats()).toMatchObject({ networkJitter: { origin: 'learned' }, clockPhase: { origin: 'learned' } })
    const later = [...bySecond].toSorted(([a], [b]) => a - b).map(([, count]) => count)
    expect(later.slice(8, 18)).toEqual(Array.from({ length: 10 }, () => 10))
  })

  test('is of no interest where no profile tells of it', async () => {
    const { clock, limiter, send } = world({ ...profile, windowPhase: undefined })
    for (let i = 0; i < 100; i++) void send()
    await clock.run()
    expect(limiter.stats().clockPhase.origin).toBe('unknown')
  })

  test.each(['before', 'after'])('holds for what a workspace has of its own, made %s it is known', async (when) => {
    const { clock, limiter, bySecond, starts, send } = world()
    const make = () => limiter.workspace('w', { a: { rpm: 300 } })
    const early = when === 'before' ? make() : undefined
    if (early) void send(early)
    for (let i = 0; i < 50; i++) void send()
    await clock.run()
    const workspace = early ?? make()
    bySecond.clear()
    starts.length = 0
    for (let i = 0; i < 5; i++) void send(workspace)
    const next = { model: 'a', inputTokens: 1, maxOutputTokens: 0 }
    expect(workspace.predict(next).waitMs).toBeLessThanOrEqual(1000)
    for (let i = 5; i < 30; i++) void send(workspace)
    await clock.run()
    const counts = [...bySecond].toSorted(([a], [b]) => a - b).map(([, count]) => count)
    expect(Math.max(...counts)).toBe(5)
    // Five a second, and no W + J between them.
    expect(starts[25]! - starts[5]!).toBeLessThan(4020)
  })
})
