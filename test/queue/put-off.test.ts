import { expect, test } from 'vitest'
import { startOf } from '../../src/quota/admission-result.js'
import type { Gate } from '../../src/quota/gate.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { Lane } from '../../src/queue/lane.js'
import type { Schedulable } from '../../src/queue/lane-step.js'
import { LanePool } from '../../src/queue/lane-pool.js'
import type { Cost } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'

const MOST = 64
const cost = (inputTokens: number): Cost => ({ requests: 1, inputTokens, outputTokens: 1, thinkingTokens: 0 })

function jobOf(size: number, { priority = 0, startBy = Infinity } = {}): Schedulable {
  return { cost: cost(size), startBy, priority, tenant: undefined } as Schedulable
}

function laneOf(gate: Gate, jobs: readonly (number | Schedulable)[]): Lane<Schedulable> {
  const lane = new Lane<Schedulable>(
    gate,
    { isPaused: false },
    new LanePool<Schedulable, Lane<Schedulable>>(gate),
    () => 1,
  )
  for (const job of jobs) lane.queue.push(typeof job === 'number' ? jobOf(job) : job, 0)
  return lane
}

/**
 * A gate with eight answers in flight, each writing 60 tokens a second, so 900 of 1,000 tokens never fit beside them.
 */
function writing(): Gate {
  const profile = { ...profileOf('sliding'), outputAccounting: 'generated' } as const
  const gate = new ModelGate({ limits: { tps: 1000 }, profile, networkJitterMs: 50, idleSince: -10_000 }, 0)
  for (let i = 0; i < 8; i++) gate.admit(cost(1), 0)
  return gate
}

const startedAt = (lane: Lane<Schedulable>, now: number, maxBackfillDelayMs: number): number | undefined =>
  lane.next(now, maxBackfillDelayMs, MOST)?.job.cost.inputTokens

test('other jobs, larger ones too, overtake a head that waits for answers to end, for two minutes', () => {
  const lane = laneOf(writing(), [900, 10, 2000, 20, 30])
  expect(startedAt(lane, 4000, 100)).toBe(2000)
  expect(startedAt(lane, 10_000, 100)).toBe(30)
  expect(startedAt(lane, 123_000, 100)).toBe(20)
  expect(startedAt(lane, 124_100, 100)).toBeUndefined()
})

test('no job overtakes a head that waits for answers to end if maxBackfillDelayMs is 0', () => {
  expect(startedAt(laneOf(writing(), [900, 10]), 4000, 0)).toBeUndefined()
})

test('a job of a lower priority does not overtake a head that waits for answers to end', () => {
  expect(startedAt(laneOf(writing(), [jobOf(900, { priority: 1 }), 10]), 4000, 100)).toBeUndefined()
  expect(startedAt(laneOf(writing(), [jobOf(900, { priority: 1 }), jobOf(10, { priority: 1 })]), 4000, 100)).toBe(10)
})

test('jobs overtake a head that waits for answers to end for at most half of the time to its deadline', () => {
  const lane = laneOf(writing(), [jobOf(900, { startBy: 24_000 }), 10, 20])
  expect(startedAt(lane, 4000, 100)).toBe(20)
  expect(startedAt(lane, 14_100, 100)).toBeUndefined()
})

test('jobs overtake a head that waits for answers to end for five minutes in all, even if other heads come in between', () => {
  const lane = laneOf(writing(), [900, ...Array.from({ length: 20 }, (_, i) => i + 1)])
  expect(startedAt(lane, 4000, 100)).toBe(20)
  for (let now = 64_000; now < 304_000; now += 60_000) {
    const first = jobOf(900, { priority: 1 })
    lane.queue.push(first, now)
    expect(startedAt(lane, now, 100)).toBeUndefined()
    lane.queue.remove(first)
    expect(startedAt(lane, now, 100)).toBeGreaterThan(0)
  }
  const first = jobOf(900, { priority: 1 })
  lane.queue.push(first, 304_500)
  expect(startedAt(lane, 304_500, 100)).toBeUndefined()
  lane.queue.remove(first)
  expect(startedAt(lane, 304_500, 100)).toBeUndefined()
})

test('a lane asks its gate again after a second if the time of its head is only expected', () => {
  const gate = writing()
  gate.admit(cost(1), 4000)
  const lane = laneOf(gate, [900])
  const at = startOf(gate.earliest(cost(900), 4000))
  expect(at).toBeGreaterThan(5000)
  expect(lane.next(4000, 100, MOST)).toBeUndefined()
  expect(lane.wakeAt).toBe(5000)
})
