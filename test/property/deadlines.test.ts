import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Limits, WindowKind } from '../../src/index.js'
import { setup } from '../dispatch/setup.js'
import { closing, commands, options } from './commands.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { profileOf } from './traffic.js'
import { World } from './world.js'

const takesAll = [{ returns: '' }]

interface Coming {
  readonly gapMs: number
  /** Of the depth of a bucket. */
  readonly size: number
  readonly deadlineMs: number | undefined
}

const comings = fc.array(
  fc.record<Coming>({
    gapMs: fc.oneof(fc.constant(0), fc.nat(300), fc.nat(30_000)),
    size: fc.double({ min: 0.001, max: 1, noNaN: true }),
    deadlineMs: fc.oneof(fc.constant(undefined), fc.nat(200_000)),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
)
const maxBackfillDelayMs = fc.integer({ min: 0, max: 2000 })

interface Case {
  readonly limits: Limits
  readonly window: WindowKind
  readonly networkJitterMs: number
  readonly maxBackfillDelayMs: number
}

/** One tenant, one priority, one model, and every job takes what it said. How many with a deadline were taken and waited. */
async function expectKept(
  { limits, window, networkJitterMs, maxBackfillDelayMs }: Case,
  jobs: readonly Coming[],
  largest: number,
) {
  const profile = profileOf(window)
  const { clock, send, sent, now } = setup({ limits: { a: limits }, profile, networkJitterMs, maxBackfillDelayMs })
  let waited = 0
  const taken: { readonly name: string; readonly startBy: number }[] = []
  for (const [i, { gapMs, size, deadlineMs }] of jobs.entries()) {
    await clock.advance(gapMs)
    const fields = { tokens: Math.max(1, Math.floor(size * largest)), deadlineMs }
    const ending = send({ model: 'a', ...fields }, `${i}`, takesAll, 0)
    await clock.advance(0)
    if (deadlineMs === undefined || ending.state === 'failed') continue
    taken.push({ name: `${i}`, startBy: now() + deadlineMs })
    if (ending.state === 'pending') waited++
  }
  await clock.run()
  const startOf = new Map(sent.map(({ name, at }) => [name, at]))
  for (const { name, startBy } of taken) {
    expect(startOf.get(name) ?? Infinity, `start of ${name}`).toBeLessThanOrEqual(startBy)
  }
  return waited
}

const RUNS = cases(150, 800)

async function holds(given: fc.Arbitrary<Case>, largest: (limits: Limits) => number, equal: boolean) {
  let waited = 0
  const property = fc.asyncProperty(given, comings, async (one, jobs) => {
    const sized = equal ? jobs.map((job) => ({ ...job, size: jobs[0]!.size })) : jobs
    waited += await expectKept(one, sized, largest(one.limits))
  })
  await fc.assert(property, runs(RUNS))
  expect(waited, 'taken with a deadline, and waited').toBeGreaterThan(RUNS / 2)
}

describe('what was taken with a deadline starts by it, first in first out at its price', () => {
  const rpm = fc.integer({ min: 1, max: 60 }).map((rpm): Limits => ({ rpm }))
  const tpm = fc.integer({ min: 1000, max: 100_000 }).map((tpm): Limits => ({ tpm }))
  const networkJitterMs = fc.constantFrom(0, 50, 1000)
  const depth = (limits: Limits): number => Math.floor((limits.tpm! * 59) / 60)

  test('where requests are counted, in a window or by a bucket, whatever maxBackfillDelayMs', async () => {
    const window = fc.constantFrom<WindowKind>('sliding', 'fixed', 'bucket')
    await holds(fc.record({ limits: rpm, window, networkJitterMs, maxBackfillDelayMs }), () => 1000, false)
  })

  test('where requests are counted by both, and no delay spreads them', async () => {
    const [window, networkJitterMs] = [fc.constant<WindowKind>('unknown'), fc.constant(0)]
    await holds(fc.record({ limits: rpm, window, networkJitterMs, maxBackfillDelayMs }), () => 1000, false)
  })

  test('where tokens are counted by a bucket, and nothing overtakes', async () => {
    const window = fc.constant<WindowKind>('bucket')
    const given = fc.record({ limits: tpm, window, networkJitterMs, maxBackfillDelayMs: fc.constant(0) })
    await holds(given, depth, false)
  })

  test('where tokens are counted by a bucket, and all jobs are of one size, whatever maxBackfillDelayMs', async () => {
    const window = fc.constant<WindowKind>('bucket')
    await holds(fc.record({ limits: tpm, window, networkJitterMs, maxBackfillDelayMs }), depth, true)
  })
})

test('nothing starts after its deadline or waits past it, whatever befalls it and its limiter', async () => {
  const history = commands(20, [0, 1, 700, 6000, 20_000, 65_000, 400_000])
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), options, history, closing, async (scheduler, options, commands, closing) => {
      const world = new World(scheduler, options)
      try {
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
        await world.end(closing)
      } finally {
        world.leave()
      }
    }),
    runs(cases(80, 1500)),
  )
})
