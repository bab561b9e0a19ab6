import { describe, expect, test } from 'vitest'
import type { Gate } from '../../src/quota/gate.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { MAX_CANDIDATES } from '../../src/queue/backfill.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import { profileOf } from '../property/traffic.js'
import { cases } from '../support/long.js'
import { seeded } from '../support/seeded.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { job, type NamedJob } from './jobs.js'

/**
 * Counts the queries of a gate. Each one takes O(log n) in the charges of its windows, which do not grow with a queue.
 */
function counted(gate: Gate): { gate: Gate; asked: () => number } {
  let asked = 0
  const counting = new Proxy(gate, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        if (name === 'admit' || name === 'earliest') asked++
        return Reflect.apply(value, target, given) as unknown
      }
    },
  })
  return { gate: counting, asked: () => asked }
}

/** The queries for each job that ends while `waiting` jobs wait. Some jobs leave, and the limits change meanwhile. */
async function questions(waiting: number): Promise<{ each: number; started: number; ended: number }> {
  const clock = new VirtualClock(0)
  const limits = { rpm: 600_000, tpm: 60e6, rps: 10_000, tps: 1e6 }
  const meters = new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs: 5, idleSince: 0 }, 0)
  const { gate, asked } = counted(meters)
  let started = 0
  const scheduler = new Scheduler<NamedJob>(
    clock,
    { maxWaiting: Infinity, maxBackfillDelayMs: 2000, weightOf: () => 1 },
    { onStart: () => void started++, onNever: () => expect.unreachable(), onLate: () => expect.unreachable() },
  )
  const lane = scheduler.addLane(gate, { isPaused: false })
  const random = seeded(3)
  const jobs: NamedJob[] = []
  for (let i = 0; i < waiting; i++) {
    const tenant = `t${Math.floor(random() * 50)}`
    jobs.push(job('j', { tenant, priority: Math.floor(random() * 1000), tokens: 1 + Math.floor(random() * 300) }))
    scheduler.add(lane, jobs[i]!)
  }
  const [before, startedBefore] = [asked(), started]
  let removed = 0
  for (let step = 0; step < 50; step++) {
    await clock.advance(1)
    for (let i = 0; i < 5; i++) if (scheduler.remove(lane, jobs[Math.floor(random() * waiting)]!)) removed++
    if (step % 10 === 0) meters.setLimits({ ...limits, rpm: 600_000 + step }, clock.now())
  }
  const ended = started - startedBefore + removed
  return { each: (asked() - before) / ended, started: started - startedBefore, ended }
}

describe('a queue with many jobs', () => {
  test('asks its gate as often for a job among many as among 2,000, and a bounded number of times', async () => {
    const few = await questions(2000)
    const many = await questions(cases(20_000, 200_000))
    expect(Math.min(few.started, many.started)).toBeGreaterThan(100)
    expect(many.each).toBeLessThan(3 * (MAX_CANDIDATES + 1))
    expect(many.each / few.each).toBeLessThan(1.5)
  })

  test('keeps nothing of 1,000 priorities and 1,000 tenants once their jobs have started', async () => {
    const clock = new VirtualClock(0)
    const gate = new ModelGate({ limits: {}, profile: profileOf('unknown'), networkJitterMs: 0, idleSince: 0 }, 0)
    const owner = { isPaused: true }
    let started = 0
    const scheduler = new Scheduler<NamedJob>(
      clock,
      { maxWaiting: Infinity, maxBackfillDelayMs: 2000, weightOf: () => 1 },
      { onStart: () => void started++, onNever: () => expect.unreachable(), onLate: () => expect.unreachable() },
    )
    const lane = scheduler.addLane(gate, owner)
    const random = seeded(4)
    for (let i = 0; i < 20_000; i++) {
      const tenant = `t${Math.floor(random() * 1000)}`
      scheduler.add(lane, job('j', { tenant, priority: Math.floor(random() * 1000) }))
    }
    expect([lane.queue.size, clock.pending]).toEqual([20_000, 1])
    owner.isPaused = false
    scheduler.resumed()
    expect([started, lane.queue.size, lane.queue.head, clock.pending]).toEqual([20_000, 0, undefined, 0])
  })
})
