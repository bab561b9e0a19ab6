import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import { mayWaitFor, backfill } from '../../src/queue/backfill.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import type { JobList, Waiting } from '../../src/queue/job-list.js'
import type { Cost, Limits } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'
import { runs } from '../support/runs.js'
import { VirtualClock } from '../support/virtual-clock.js'

const cost = (inputTokens: number): Cost => ({ requests: 1, inputTokens, outputTokens: 0, thinkingTokens: 0 })

interface Candidate {
  readonly cost: Cost
  /** When the job may start, and when the head may start after it. */
  readonly at: number
  readonly headAt: number
  readonly workMs: number
}

describe('backfill', () => {
  test('starts the largest candidate that fits and does not delay the head too much; of equal ones, the first', () => {
    const one = fc.record({
      tokens: fc.nat(12),
      at: fc.constantFrom(0, 0, 5, 9, Infinity),
      headAt: fc.constantFrom(10, 12, 15),
      workMs: fc.constantFrom(0, 1, 2, 4, 5),
    })
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 8 }),
        fc.nat(12),
        fc.constantFrom(10, 12, 15, Infinity),
        (given, head, headBy) => {
          const candidates: Candidate[] = given.map(({ tokens, ...rest }) => ({ cost: cost(tokens), ...rest }))
          const of = (each: Cost) => candidates.find((candidate) => candidate.cost === each)!
          const room = {
            earliest: (each: Cost) => of(each).at,
            headAfter: (each: Cost) => of(each).headAt,
            workMs: (each: Cost) => of(each).workMs,
          }
          const { start, wakeAt } = backfill(cost(head), candidates, room, 0, { at: 10, by: headBy })
          const smaller = candidates.filter((each) => each.cost.inputTokens < head)
          // A delay of 2 allows a work of 2, and a delay of 5 a work of 5. Without a bound any delay is allowed.
          const isWorth = ({ headAt, workMs }: Candidate) => headBy === Infinity || headAt - 10 <= workMs
          const fitting = smaller.filter((each) => each.at <= 0 && each.headAt <= headBy && isWorth(each))
          const most = Math.max(...fitting.map((each) => each.cost.inputTokens))
          expect(start).toBe(fitting.find((each) => each.cost.inputTokens === most))
          if (start === undefined) expect(wakeAt).toBe(Math.min(...smaller.map(({ at }) => (at > 0 ? at : Infinity))))
        },
      ),
      runs(2000),
    )
  })

  test('starts a job larger than the head if the head waits for a limit that the larger job does not need', () => {
    const room = { earliest: () => 0, headAfter: () => 0, workMs: () => 0 }
    const larger = { cost: cost(9) }
    const times = { at: 0, by: Infinity }
    expect(backfill(cost(5), [larger], room, 0, times).start).toBeUndefined()
    expect(backfill(cost(5), [larger], { ...room, mayTakeLarger: true }, 0, times).start).toBe(larger)
  })

  test('never asks the gate about a job that is no smaller than the head', () => {
    const unreachable = () => expect.unreachable()
    const room = { earliest: unreachable, headAfter: unreachable, workMs: unreachable }
    expect(backfill(cost(5), [{ cost: cost(5) }, { cost: cost(9) }], room, 0, { at: 0, by: Infinity })).toEqual({
      start: undefined,
      wakeAt: Infinity,
    })
  })
})

describe('mayWaitFor', () => {
  const room = { earliest: () => 0, headAfter: () => 1000 + delayMs, workMs: () => 100 }
  let delayMs = 0

  test('allows a delay of the head up to 1.15 times the time that the job takes at full quota', () => {
    const times = { at: 1000, by: 3000 }
    for (const [ms, may] of [
      [-10, true],
      [0, true],
      [105, true],
      [200, false],
    ] as const) {
      delayMs = ms
      expect(mayWaitFor(cost(1), room, times)).toBe(may)
    }
  })

  test('allows any delay if the head has no latest time, and none beyond the latest time if it has one', () => {
    delayMs = 1e6
    expect(mayWaitFor(cost(1), room, { at: 1000, by: Infinity })).toBe(true)
    delayMs = 90
    expect(mayWaitFor(cost(1), room, { at: 1000, by: 1050 })).toBe(false)
  })
})

interface Job extends Waiting {
  readonly tokens: number
  readonly startBy: number
}

function job(tokens: number, priority = 0): Job {
  const links = { inList: undefined as JobList | undefined, before: undefined, after: undefined }
  return { tokens, priority, tenant: undefined, cost: cost(tokens), startBy: Infinity, ...links }
}

/** Runs jobs of these sizes, added all at once. Returns when each job started. */
async function started(sizes: readonly number[], limits: Limits, maxBackfillDelayMs: number, networkJitterMs = 50) {
  const clock = new VirtualClock(0)
  const gate = new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs, idleSince: 0 }, 0)
  const starts = new Map<Job, number>()
  let head: Job | undefined
  /** When each job that became the head could have started, had no job overtaken it. */
  const couldStart = new Map<Job, number>()
  const noteHead = (): void => {
    const next = lane.queue.peek(clock.now())
    if (next === undefined || next === head) return
    head = next
    const answer = gate.earliest(next.cost, clock.now())
    if (answer.kind === 'not-before') couldStart.set(next, answer.at)
  }
  const scheduler = new Scheduler<Job>(
    clock,
    { maxWaiting: Infinity, maxBackfillDelayMs, weightOf: () => 1 },
    {
      onStart(each, reservation) {
        starts.set(each, reservation.at)
        noteHead()
      },
      onNever: () => expect.unreachable(),
      onLate: () => expect.unreachable(),
    },
  )
  const lane = scheduler.addLane(gate, { isPaused: false })
  const jobs = sizes.map((tokens) => job(tokens))
  for (const each of jobs) {
    scheduler.add(lane, each)
    noteHead()
  }
  await clock.run()
  return { jobs, starts, couldStart, pending: clock.pending }
}

const size = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 60 }), weight: 3 },
  { arbitrary: fc.integer({ min: 1, max: 1000 }), weight: 1 },
)

describe('jobs that overtake a head', () => {
  test.each([0, 500, 2000])('delay it by at most %d ms in all, under every limit', async (maxBackfillDelayMs) => {
    const limits: Limits = { tpm: 1000, tps: 1000 / 60, rpm: 30 }
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 40 }), async (sizes) => {
        const { jobs, starts, couldStart, pending } = await started(sizes, limits, maxBackfillDelayMs)
        expect(starts.size).toBe(jobs.length)
        // Each time that the timer is set, it may wake a millisecond late.
        for (const [head, at] of couldStart) expect(starts.get(head)! - at).toBeLessThanOrEqual(maxBackfillDelayMs + 1)
        expect(pending).toBe(0)
      }),
      runs(60),
    )
  })

  test('never starve a large job, however many small ones come', async () => {
    const sizes = [30, 900, ...Array.from({ length: 400 }, () => 10)]
    const { jobs, starts, couldStart } = await started(sizes, { tpm: 1000 }, 2000)
    const large = jobs[1]!
    expect(starts.get(large)! - couldStart.get(large)!).toBeLessThanOrEqual(2001)
    expect([...starts.values()].filter((at) => at < starts.get(large)!).length).toBeGreaterThan(1)
  })

  test('use more of the quota than strict order does, and the more so the more delay is allowed', async () => {
    // A long tail of sizes, as chats have; a second holds one or two of them.
    const sizes = Array.from({ length: 300 }, (_, i) => Math.ceil(100 * Math.exp(1.2 * Math.sin(i * 12.9898) * 1.5)))
    const sum = sizes.reduce((all, each) => all + each, 0)
    const seconds: number[] = []
    for (const maxBackfillDelayMs of [0, 2000, Infinity]) {
      const { starts } = await started(sizes, { tpm: 20_000, tps: 20_000 / 60 }, maxBackfillDelayMs)
      seconds.push(Math.max(...starts.values()) / 1000)
    }
    const inOrder = await startedInOrder(sizes)
    const shares = [inOrder, ...seconds].map((each) => sum / (each * (20_000 / 60)))
    expect(shares[1]).toBeGreaterThan(shares[0]! + 0.05)
    expect(shares[2]).toBeGreaterThan(shares[1]!)
  })
})

/** Seconds until the last start if each job waits for the one before it. */
async function startedInOrder(sizes: readonly number[]): Promise<number> {
  const gate = new ModelGate(
    { limits: { tpm: 20_000, tps: 20_000 / 60 }, profile: profileOf('unknown'), networkJitterMs: 50, idleSince: 0 },
    0,
  )
  let now = 0
  for (const tokens of sizes) {
    for (
      let answer = gate.admit(cost(tokens), now);
      answer.kind !== undefined;
      answer = gate.admit(cost(tokens), now)
    ) {
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      now = answer.at
    }
  }
  return now / 1000
}
