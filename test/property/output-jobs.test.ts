import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Grant, Profile } from '../../src/index.js'
import { refusal, setup } from '../dispatch/setup.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'

const kind = fc.constantFrom('unknown', 'fixed', 'sliding', 'bucket', 'counter')

const profile: fc.Arbitrary<Profile> = fc.record({
  name: fc.constant('any'),
  minuteWindow: kind,
  secondWindow: kind,
  windowPhase: fc.constantFrom(undefined, 'clock'),
  perSecond: fc.boolean(),
  rejectedCost: fc.constantFrom(0, 1),
  insufficientQuota: fc.constant('tokens'),
  outputAccounting: fc.constantFrom(undefined, 'reserved', 'generated', 'completion', 'learn'),
})

const job = fc.record({
  pauseMs: fc.integer({ min: 0, max: 4000 }),
  inputTokens: fc.integer({ min: 1, max: 300 }),
  outputTokens: fc.integer({ min: 0, max: 300 }),
  tookMs: fc.constantFrom(0, 10, 800, 5000, 30_000, 90_000),
  priority: fc.integer({ min: 0, max: 1 }),
  inWorkspace: fc.boolean(),
  isKnown: fc.boolean(),
  grows: fc.boolean(),
  tellsUsage: fc.boolean(),
  refusals: fc.array(fc.constantFrom('tokens', 'requests', 'surge'), { maxLength: 2 }),
})

const world = fc.record({
  profile,
  tpm: fc.constantFrom(1200, 6000, 100_000),
  maxBackfillDelayMs: fc.constantFrom(0, 2000, Infinity),
  networkJitterMs: fc.constantFrom(0, 50, 300),
  hasBackup: fc.boolean(),
  newTpm: fc.constantFrom(undefined, 1000, 50_000),
  jumpMs: fc.constantFrom(0, 0, -50_000, 3_600_000),
  jobs: fc.array(job, { minLength: 5, maxLength: 40 }),
})

test('every job ends within hours and leaves no timer, however and whenever output counts', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ profile, tpm, hasBackup, newTpm, jumpMs, jobs, ...options }) => {
      const table = { a: { rpm: 60, tpm }, b: { rpm: 60, tpm } }
      const { clock, limiter, follow, now } = setup({
        ...options,
        limits: table,
        profile,
        perSecond: profile.perSecond,
        fallback: hasBackup ? { a: ['b'] } : {},
      })
      const workspace = limiter.workspace('w', { a: { rpm: 40, tpm: tpm / 2 } })
      const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms))
      const endings = []
      for (const each of jobs) {
        const { inputTokens, outputTokens, isKnown, priority } = each
        await clock.advance(each.pauseMs)
        const left = [...each.refusals]
        const run = async (grant: Grant): Promise<unknown> => {
          const next = left.pop()
          if (next !== undefined) throw (refusal(next) as { throws: unknown }).throws
          await sleep(each.tookMs)
          if (each.grows) (grant as unknown as { grew(tokens: number): void }).grew(outputTokens)
          return each.tellsUsage ? { usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens } } : ''
        }
        const cost = isKnown ? { tokens: inputTokens + outputTokens } : { inputTokens }
        const part = each.inWorkspace ? workspace : limiter
        endings.push(follow(part.schedule({ model: 'a', priority, ...cost }, run)))
      }
      clock.jump(jumpMs)
      if (newTpm !== undefined) limiter.setLimits('a', { rpm: 60, tpm: newTpm })
      const from = now()
      await clock.run()
      expect(endings.filter(({ state }) => state === 'pending')).toEqual([])
      expect(now() - from).toBeLessThan(12 * 3_600_000)
      expect(clock.pending).toBe(0)
      expect(limiter.stats({ lastMs: 1 })).toMatchObject({ waiting: 0, inFlight: 0, doubleSettles: 0 })
      await limiter.close()
    }),
    runs(cases(40, 300)),
  )
})
