import { describe, expect, test } from 'vitest'
import { createLimiter } from '../../src/index.js'
import { liveLimits } from '../../src/model-studio/index.js'
import { CountingServer, type Counted } from '../support/counting-server.js'
import { seeded } from '../support/seeded.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { FakeStudio, quota } from './fake-studio.js'

const MINUTE = 60_000

/** Sends without a pause while the limits are raised, halved and raised again; says what became of it. */
async function run(first: Counted, meanTokens: number) {
  const { rpm, tpm } = first
  const times = (factor: number): Counted => ({ rpm: rpm * factor, tpm: tpm * factor })
  const clock = new VirtualClock()
  const server = new CountingServer(clock, first)
  const studio = new FakeStudio(300)
  studio.clock = clock
  studio.answer = () => [quota('m', server.limits)]
  const random = seeded(7)
  const limiter = createLimiter({
    clock,
    random,
    assumeFresh: true,
    jitterMs: 20,
    limits: liveLimits(studio, { refreshMs: 30_000, fallbackTable: { m: first } }),
  })
  const changes: { at: number; rpm: number | undefined }[] = []
  limiter.on('limits', ({ to, source }) => {
    if (!source.startsWith('learned')) changes.push({ at: clock.now(), rpm: to.rpm })
  })
  const ends = new Map<number, number>()
  let sent = 0
  const load = { isOver: false }
  const sendOn = async (): Promise<void> => {
    while (!load.isOver) {
      const n = sent++
      const tokens = Math.round(meanTokens * (0.5 + random()))
      await limiter.schedule({ model: 'm', tokens }, (grant) => server.serve(grant, tokens))
      ends.set(n, (ends.get(n) ?? 0) + 1)
    }
  }
  const senders = Array.from({ length: 300 }, sendOn)
  const phases: { share: number; refusedAfter: number; lateMs: number }[] = []
  await clock.advance(MINUTE + 13_000)
  for (const factor of [2, 1, 2]) {
    server.limits = times(factor)
    const changedAt = clock.now()
    await clock.advance(155_000)
    const { at } = changes.at(-1)!
    const { requests, tokens } = server.between(at + MINUTE, at + 2 * MINUTE)
    phases.push({
      share: Math.max(requests / (rpm * factor), tokens / (tpm * factor)),
      refusedAfter: server.refusals.filter(({ sentAt }) => sentAt >= at).length,
      lateMs: at - changedAt,
    })
  }
  load.isOver = true
  const drained = limiter.drain()
  await clock.advance(5 * MINUTE)
  await Promise.all([drained, ...senders])
  await limiter.close()
  return { phases, changes, refusals: server.refusals.length, sent, ends, pending: clock.pending, studio }
}

describe('a run under load whose limits are raised, halved and raised again', () => {
  test.each<[what: string, limits: Counted, meanTokens: number]>([
    ['tokens', { rpm: 6000, tpm: 1_000_000 }, 500],
    ['requests', { rpm: 600, tpm: 10_000_000 }, 1000],
  ])(
    'with %s as the scarcer: no 429 once a change took effect, 95 % of the new quota within two minutes, no job lost',
    async (_, limits, meanTokens) => {
      const { phases, changes, refusals, sent, ends, pending, studio } = await run(limits, meanTokens)
      expect(changes.map(({ rpm }) => rpm! / limits.rpm)).toEqual(expect.arrayContaining([2, 1, 2]) as number[])
      for (const { share, refusedAfter, lateMs } of phases) {
        expect(refusedAfter).toBe(0)
        expect(share).toBeGreaterThanOrEqual(0.95)
        expect(lateMs).toBeLessThanOrEqual(31_000)
      }
      expect(ends.size).toBe(sent)
      expect([...ends.values()].every((times) => times === 1)).toBe(true)
      expect(pending).toBe(0)
      // The halving was learned of by a 429 or by the next read.
      expect(refusals).toBeLessThan(20)
      expect(studio.reads.length).toBeLessThan(40)
    },
  )
})
