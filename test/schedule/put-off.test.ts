import { expect, test } from 'vitest'
import type { Gate } from '../../src/meter/gate.js'
import { MeterGate } from '../../src/meter/meter-gate.js'
import { Lane, type Schedulable } from '../../src/schedule/lane.js'
import { Pool } from '../../src/schedule/pool.js'
import type { Cost } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'

const MOST = 64
const cost = (inputTokens: number): Cost => ({ requests: 1, inputTokens, outputTokens: 1, thinkingTokens: 0 })

function laneOf(gate: Gate, sizes: readonly number[]): Lane<Schedulable> {
  const lane = new Lane<Schedulable>(gate, { isPaused: false }, new Pool<Schedulable>(gate), () => 1)
  for (const size of sizes) {
    lane.queue.push({ cost: cost(size), startBy: Infinity, priority: 0, tenant: undefined } as Schedulable, 0)
  }
  return lane
}

/** Eight answers write 60 tokens a second each, so that 900 of 1000 never fit beside them. */
function writing(): Gate {
  const profile = { ...profileOf('sliding'), chargesOutput: 'generated' } as const
  const gate = new MeterGate({ limits: { tps: 1000 }, profile, jitterMs: 50, idleSince: -10_000 }, 0)
  for (let i = 0; i < 8; i++) gate.admit(cost(1), 0)
  return gate
}

const startedAt = (lane: Lane<Schedulable>, now: number, maxHeadDelayMs: number): number | undefined =>
  lane.next(now, maxHeadDelayMs, MOST)?.job.cost.inputTokens

test('others go before a head that waits for answers to end, larger ones too, but not for ever', () => {
  const lane = laneOf(writing(), [900, 10, 2000, 20, 30])
  expect(startedAt(lane, 4000, 100)).toBe(2000)
  expect(startedAt(lane, 10_000, 100)).toBe(30)
  expect(startedAt(lane, 123_000, 100)).toBe(20)
  expect(startedAt(lane, 124_100, 100)).toBeUndefined()
})

test('none does where no head may be delayed', () => {
  expect(startedAt(laneOf(writing(), [900, 10]), 4000, 0)).toBeUndefined()
})
