import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import { FairShare } from '../../src/queue/fair-share.js'
import { CostSum } from '../../src/queue/job-list.js'
import { JobQueue } from '../../src/queue/job-queue.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import type { Cost } from '../../src/types.js'
import { profileOf } from '../property/traffic.js'
import { runs } from '../support/runs.js'
import { seeded } from '../support/seeded.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { costOf, job, names, type NamedJob } from './jobs.js'

/** The share of a limit of 1,000 tokens a minute. */
const shareOf = ({ inputTokens }: Cost): number => inputTokens / 1000

function queueWith(weights: Readonly<Record<string, number>> = {}): JobQueue<NamedJob> {
  return new JobQueue<NamedJob>({ weightOf: (tenant = '') => weights[tenant] ?? 1, shareOf })
}

function startAll(queue: JobQueue<NamedJob>, count = Infinity): NamedJob[] {
  const started: NamedJob[] = []
  for (let next = queue.peek(0); next !== undefined && started.length < count; next = queue.peek(0)) {
    queue.start(next, 0)
    started.push(next)
  }
  return started
}

function push(queue: JobQueue<NamedJob>, tenant: string, count: number, tokens = 10): void {
  for (let i = 1; i <= count; i++) queue.push(job(`${tenant}${i}`, { tenant, tokens }), 0)
}

/** Jain's index, (Σx)² ÷ (n Σx²): 1 if all shares are equal. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0)
  return sum ** 2 / (shares.length * shares.reduce((all, share) => all + share ** 2, 0))
}

describe('tenants of one priority', () => {
  test('take turns by what their jobs cost, not by the number of their jobs', () => {
    const queue = queueWith()
    push(queue, 'a', 4, 10)
    push(queue, 'b', 2, 20)
    expect(names(startAll(queue))).toBe('a1 b1 a2 b2 a3 a4')
  })

  test('get shares in proportion to their weights', () => {
    const queue = queueWith({ b: 3 })
    push(queue, 'a', 4)
    push(queue, 'b', 8)
    expect(names(startAll(queue, 8))).toBe('a1 b1 b2 b3 a2 b4 b5 b6')
  })

  test('jobs without a tenant form one tenant of their own', () => {
    const queue = queueWith()
    for (const name of ['x1', 'x2', 'x3']) queue.push(job(name, { tokens: 10 }), 0)
    push(queue, 'a', 2)
    expect(names(startAll(queue))).toBe('x1 a1 x2 a2 x3')
  })

  test('a tenant gains nothing by having been idle', () => {
    const queue = queueWith()
    push(queue, 'a', 10)
    push(queue, 'b', 1)
    startAll(queue, 8)
    push(queue, 'b', 3)
    // Tenant b continues at the tag of a, so its three jobs do not start all at once.
    expect(names(startAll(queue, 5))).toBe('a8 b1 a9 b2 a10')
  })

  test('a correction counts: a tenant that used more waits for the others, and one that used less starts earlier', () => {
    const queue = queueWith()
    push(queue, 'a', 5)
    push(queue, 'b', 5)
    const [first] = startAll(queue, 1)
    expect(first?.name).toBe('a1')
    queue.correct(first!, shareOf(costOf(10)), costOf(40))
    expect(names(startAll(queue, 4))).toBe('b1 b2 b3 b4')
    queue.correct(first!, shareOf(costOf(40)), costOf(10))
    expect(names(startAll(queue, 3))).toBe('a2 a3 a4')
  })

  test('an aborted job does not use up a turn', () => {
    const queue = queueWith()
    const gone = [1, 2, 3].map((i) => job(`a${i}`, { tenant: 'a', tokens: 10 }))
    for (const each of gone) queue.push(each, 0)
    push(queue, 'b', 2)
    for (const each of gone) queue.remove(each)
    push(queue, 'a', 2)
    expect(names(startAll(queue))).toBe('b1 a1 b2 a2')
  })

  test('every tenant has its first jobs among the candidates for backfill', () => {
    const queue = queueWith()
    push(queue, 'a', 100)
    push(queue, 'b', 3)
    push(queue, 'c', 1)
    const head = queue.peek(0)!
    expect(names(queue.behind(head, 7))).toBe('b1 c1 a2 b2 a3 b3 a4')
  })

  test('100,000 tenants that come and go are forgotten', () => {
    const tenants = new FairShare({}, { weightOf: () => 1, shareOf })
    let most = 0
    for (let i = 0; i < 100_000; i++) {
      const one = job('j', { tenant: `t${i}`, tokens: 1 })
      tenants.push(one)
      tenants.charge(one.tenant, 0.001)
      tenants.remove(one)
      most = Math.max(most, tenants.known)
    }
    expect(most).toBeLessThan(300)
  })

  test('the predicted work ahead of a new job follows the shares, for tenants with many jobs and with none', () => {
    const queue = queueWith()
    push(queue, 'a', 100)
    push(queue, 'b', 4)
    const ahead = (tenant: string) => queue.ahead(0, tenant).requests
    expect(ahead('c')).toBeLessThanOrEqual(3)
    expect(ahead('b')).toBeGreaterThanOrEqual(8)
    expect(ahead('b')).toBeLessThanOrEqual(10)
    expect(ahead('a')).toBe(104)
    const empty = new CostSum()
    new FairShare({}, { weightOf: () => 1, shareOf }).addAhead('a', empty)
    expect(empty.jobs).toBe(0)
  })
})

describe('the fair-queueing bound', () => {
  test('two waiting tenants never differ by more than one largest job of each, divided by the weights', () => {
    const tokens = fc.integer({ min: 1, max: 100 })
    const tenant = fc.record({
      weight: fc.constantFrom(0.5, 1, 3),
      sizes: fc.array(tokens, { minLength: 5, maxLength: 40 }),
    })
    fc.assert(
      fc.property(fc.array(tenant, { minLength: 2, maxLength: 5 }), (tenants) => {
        const weights = Object.fromEntries(tenants.map(({ weight }, i) => [`t${i}`, weight]))
        const queue = queueWith(weights)
        const waiting = tenants.map(({ sizes }) => sizes.length)
        const served = tenants.map(() => 0)
        for (const [i, { sizes }] of tenants.entries()) {
          for (const size of sizes) queue.push(job(String(i), { tenant: `t${i}`, tokens: size }), 0)
        }
        while (waiting.every((left) => left > 0)) {
          const next = queue.peek(0)!
          queue.start(next, 0)
          const i = Number(next.name)
          served[i]! += next.cost.inputTokens / tenants[i]!.weight
          waiting[i]!--
          const most = tenants.map(({ sizes, weight }) => Math.max(...sizes) / weight)
          for (const [a, sa] of served.entries()) {
            for (const [b, sb] of served.entries()) {
              if (a !== b) expect(sa - sb).toBeLessThanOrEqual(most[a]! + most[b]! + 1e-9)
            }
          }
        }
      }),
      runs(300),
    )
  })

  test.each([11, 12, 13, 14, 15])(
    'a tenant with 10,000 jobs and one with 10 share a quota with a Jain index of at least 0.99 while both wait (seed %d)',
    async (seed) => {
      const clock = new VirtualClock(0)
      const limits = { rpm: 600, tpm: 100_000, rps: 10, tps: 100_000 / 60 }
      const gate = new ModelGate({ limits, profile: profileOf('unknown'), networkJitterMs: 50, idleSince: 0 }, 0)
      const served = new Map<string, number>([
        ['many', 0],
        ['few', 0],
      ])
      let fewLeft = 10
      const indices: number[] = []
      const scheduler = new Scheduler<NamedJob>(
        clock,
        { maxWaiting: Infinity, maxBackfillDelayMs: 2000, weightOf: () => 1 },
        {
          onStart({ tenant = '', cost }) {
            served.set(tenant, served.get(tenant)! + cost.inputTokens)
            if (tenant === 'few') fewLeft--
            if (fewLeft === 1) indices.push(jain([...served.values()]))
          },
          onNever: () => expect.unreachable(),
          onLate: () => expect.unreachable(),
        },
      )
      const lane = scheduler.addLane(gate, { isPaused: false })
      const random = seeded(seed)
      const add = (tenant: string, count: number) => {
        for (let i = 0; i < count; i++) {
          scheduler.add(lane, job(tenant, { tenant, tokens: 300 + Math.floor(random() * 600) }))
        }
      }
      add('many', 10_000)
      const before = served.get('many')!
      served.set('many', 0)
      expect(before).toBeLessThan(1000)
      add('few', 10)
      await clock.run()
      expect(fewLeft).toBe(0)
      expect(indices[0]).toBeGreaterThanOrEqual(0.99)
    },
  )
})
