import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import { mayWaitFor, backfill } from '../../src/queue/backfill.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import type { JobList, Waiting } from '../../src/queue/job-list.js'
import type { Cost, Limits } from '../../src/types.js'
import { profileOf, runs } from '../property/traffic.js'
import { VirtualClock } from '../support/virtual-clock.js'

const cost = (inputTokens: number): Cost => ({ requests: 1, inputTokens, outputTokens: 0, thinkingTokens: 0 })

interface Candidate {
  readonly cost: Cost
  /** When it may start, and when the head may if it does. */
  readonly at: number
  readonly headAt: number
  readonly workMs: number
}

describe('pack', () => {
  test('takes the largest that fits, leaves the head its time and is worth its wait, the first of equal ones: as a search of all does', () => {
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
          // A delay of 2 is worth a work of 2, one of 5 a work of 5; where there is no bound, any is.
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

  test('takes one larger than the head where that waits for what does not concern it', () => {
    const room = { earliest: () => 0, headAfter: () => 0, workMs: () => 0 }
    const larger = { cost: cost(9) }
    const times = { at: 0, by: Infinity }
    expect(backfill(cost(5), [larger], room, 0, times).start).toBeUndefined()
    expect(backfill(cost(5), [larger], { ...room, mayTakeLarger: true }, 0, times).start).toBe(larger)
  })

  test('looks no further than it is given, and asks of none that is no smaller than the head', () => {
    const unreachable = () => expect.unreachable()
    const room = { earliest: unreachable, headAfter: unreachable, workMs: unreachable }
    expect(backfill(cost(5), [{ cost: cost(5) }, { cost: cost(9) }], room, 0, { at: 0, by: Infinity })).toEqual({
      start: undefined,
      wakeAt: Infinity,
    })
  })
})

describe('the delay that a request is worth', () => {
  const room = { earliest: () => 0, headAfter: () => 1000 + delayMs, workMs: () => 100 }
  let delayMs = 0

  test('is its own time at full quota, and the part of it by which a window is longer than the time it limits', () => {
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

  test('is no matter where the head has no time, and does not go beyond that time where it has one', () => {
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

/** Runs jobs of these sizes that all come at once, and tells when each started. */
async function started(sizes: readonly number[], limits: Limits, maxBackfillDelayMs: number, networkJitterMs = 50) {
  const clock = new VirtualClock(0)
  const gate = new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs, idleSince: 0 }, 0)
  const starts = new Map<Job, number>()
  let head: Job | undefined
  /** When each that was first in the queue could have started, had nothing gone before it. */
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

describe('what overtakes a head', () => {
  test.each([0, 500, 2000])('delays it by no more than %d ms in all, on every meter', async (maxBackfillDelayMs) => {
    const limits: Limits = { tpm: 1000, tps: 1000 / 60, rpm: 30 }
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 40 }), async (sizes) => {
        const { jobs, starts, couldStart, pending } = await started(sizes, limits, maxBackfillDelayMs)
        expect(starts.size).toBe(jobs.length)
        // A timer may wake a millisecond late, for each time that it is set.
        for (const [head, at] of couldStart) expect(starts.get(head)! - at).toBeLessThanOrEqual(maxBackfillDelayMs + 1)
        expect(pending).toBe(0)
      }),
      runs(60),
    )
  })

  test('never lets a large one starve, however many small ones come', async () => {
    const sizes = [30, 900, ...Array.from({ length: 400 }, () => 10)]
    const { jobs, starts, couldStart } = await started(sizes, { tpm: 1000 }, 2000)
    const large = jobs[1]!
    expect(starts.get(large)! - couldStart.get(large)!).toBeLessThanOrEqual(2001)
    expect([...starts.values()].filter((at) => at < starts.get(large)!).length).toBeGreaterThan(1)
  })

  test('fills what the head leaves: more of the quota is used, the freer the more', async () => {
    // As chats come: the sizes of a long tail, against a second that holds one or two of them.
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

/** Seconds to the last start where each waits for the one before it. */
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
