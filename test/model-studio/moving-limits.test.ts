import { describe, expect, test } from 'vitest'
import { createLimiter, type Limiter } from '../../src/index.js'
import { liveLimits } from '../../src/model-studio/index.js'
import { CountingServer, type Counted } from '../support/counting-server.js'
import { seeded } from '../support/seeded.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { FakeStudio, quota } from './fake-studio.js'

const MINUTE = 60_000

/** What the workspace has of the account, where there is one. */
const OWN_SHARE = 0.6

/**
 * Sends without a pause while the limits are raised, halved and raised again; says what became of it. `inWorkspaces`: half of it in a
 * workspace that has less than the account, and half in one that has all.
 */
async function run(first: Counted, meanTokens: number, inWorkspaces: boolean) {
  const { rpm, tpm } = first
  const times = (factor: number): Counted => ({ rpm: rpm * factor, tpm: tpm * factor })
  const clock = new VirtualClock()
  const server = new CountingServer(clock, first)
  const studio = new FakeStudio(300)
  studio.clock = clock
  const ownOf = ({ rpm, tpm }: Counted): Counted => ({ rpm: rpm * OWN_SHARE, tpm: tpm * OWN_SHARE })
  studio.answer = () => [quota('m', server.limits, inWorkspaces ? ownOf(server.limits) : undefined)]
  const random = seeded(7)
  const limits = liveLimits(studio, {
    refreshMs: 30_000,
    fallbackTable: { m: first },
    ...(inWorkspaces && { scope: 'account' }),
  })
  const limiter = createLimiter({ clock, random, startFull: true, networkJitterMs: 20, limits })
  const doors: Limiter[] = inWorkspaces
    ? [limiter.workspace('less', limits.workspace('llm-1')), limiter.workspace('all', {})]
    : [limiter]
  const changes: { at: number; rpm: number | undefined }[] = []
  limiter.on('limits', ({ to, source, workspace }) => {
    if (!source.startsWith('learned') && workspace === undefined) changes.push({ at: clock.now(), rpm: to.rpm })
  })
  const ends = new Map<number, number>()
  let sent = 0
  const load = { isOver: false }
  const inLess: { at: number; tokens: number }[] = []
  const sendOn = async (door: Limiter): Promise<void> => {
    while (!load.isOver) {
      const n = sent++
      const tokens = Math.round(meanTokens * (0.5 + random()))
      await door.schedule({ model: 'm', tokens }, (grant) => {
        if (inWorkspaces && door === doors[0]) inLess.push({ at: clock.now(), tokens })
        return server.serve(grant, tokens)
      })
      ends.set(n, (ends.get(n) ?? 0) + 1)
    }
  }
  const senders = Array.from({ length: 300 }, (_, i) => sendOn(doors[i % doors.length]!))
  const phases: { share: number; ofLess: number; refusedAfter: number; lateMs: number }[] = []
  await clock.advance(MINUTE + 13_000)
  for (const factor of [2, 1, 2]) {
    server.limits = times(factor)
    const changedAt = clock.now()
    await clock.advance(155_000)
    const { at } = changes.at(-1)!
    const { requests, tokens } = server.between(at + MINUTE, at + 2 * MINUTE)
    const less = inLess.filter((one) => one.at >= at + MINUTE && one.at < at + 2 * MINUTE)
    const lessTokens = less.reduce((sum, one) => sum + one.tokens, 0)
    phases.push({
      ofLess: Math.max(less.length / (rpm * factor), lessTokens / (tpm * factor)) / OWN_SHARE,
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
  test.each<[what: string, limits: Counted, meanTokens: number, inWorkspaces: boolean]>([
    ['tokens', { rpm: 6000, tpm: 1_000_000 }, 500, false],
    ['requests', { rpm: 600, tpm: 10_000_000 }, 1000, false],
    ['tokens, in two workspaces,', { rpm: 6000, tpm: 1_000_000 }, 500, true],
    ['requests, in two workspaces,', { rpm: 600, tpm: 10_000_000 }, 1000, true],
  ])(
    'with %s as the scarcer: no 429 once a change took effect, 95 % of the new quota within two minutes, no job lost',
    async (_, limits, meanTokens, inWorkspaces) => {
      const { phases, changes, refusals, sent, ends, pending, studio } = await run(limits, meanTokens, inWorkspaces)
      expect(changes.map(({ rpm }) => rpm! / limits.rpm)).toEqual(expect.arrayContaining([2, 1, 2]) as number[])
      for (const { share, ofLess, refusedAfter, lateMs } of phases) {
        expect(ofLess).toBeLessThanOrEqual(1)
        if (inWorkspaces) expect(ofLess).toBeGreaterThan(0.5)
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
