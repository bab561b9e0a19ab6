import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FairShareOptions } from '../../src/queue/fair-share.js'
import { AGED_AFTER_MS, JobQueue } from '../../src/queue/job-queue.js'
import { runs } from '../support/runs.js'
import { job, names, type NamedJob } from './jobs.js'

const fairness: FairShareOptions = { weightOf: () => 1, shareOf: ({ requests }) => requests / 100 }

function queueOf(...jobs: readonly NamedJob[]): JobQueue<NamedJob> {
  const queue = new JobQueue<NamedJob>(fairness)
  for (const each of jobs) queue.push(each, 0)
  return queue
}

describe('JobQueue', () => {
  test('an empty queue has no head and removes nothing', () => {
    const queue = queueOf()
    expect([queue.size, queue.peek(0), queue.takeAll(0), queue.remove(job('a'))]).toEqual([0, undefined, [], false])
  })

  test('starts higher priorities first, and one priority in the order of arrival', () => {
    const queue = queueOf(
      job('a'),
      job('b', { priority: 5 }),
      job('c'),
      job('d', { priority: -1 }),
      job('e', { priority: 5 }),
      job('f', { priority: 2.5 }),
    )
    expect(queue.peek(0)?.name).toBe('b')
    expect(queue.size).toBe(6)
    expect(names(queue.takeAll(0))).toBe('b e f a c d')
    expect([queue.size, queue.peek(0)]).toEqual([0, undefined])
  })

  test('jobs that were put back start before the new jobs of their priority, in the order in which they came back', () => {
    const queue = queueOf(job('new 1'))
    queue.putBack(job('back 1'), 0)
    queue.push(job('new 2'), 0)
    queue.putBack(job('back 2'), 0)
    queue.putBack(job('back high', { priority: 1 }), 0)
    queue.push(job('new high', { priority: 1 }), 0)
    expect(names(queue.takeAll(0))).toBe('back high new high back 1 back 2 new 1 new 2')
  })

  test('a job that was put back keeps its place when other such jobs leave', () => {
    const [a, b, c] = [job('a'), job('b'), job('c')]
    const queue = queueOf(job('new'))
    for (const each of [a, b, c]) queue.putBack(each, 0)
    queue.remove(c)
    queue.remove(a)
    queue.putBack(job('d'), 0)
    queue.remove(b)
    queue.putBack(job('e'), 0)
    expect(names(queue.takeAll(0))).toBe('d e new')
  })

  test('a removed job keeps no links to the others, and can be added again', () => {
    const [a, b, c] = [job('a'), job('b'), job('c')]
    const queue = queueOf(a, b, c)
    expect([queue.remove(b), queue.remove(b)]).toEqual([true, false])
    expect([b.inList, b.before, b.after]).toEqual([undefined, undefined, undefined])
    queue.push(b, 0)
    expect(names(queue.takeAll(0))).toBe('a c b')
  })

  test('the head stays the head unless a job of a higher priority comes or a job is put back', () => {
    const queue = queueOf(job('b1', { tenant: 'b' }))
    expect(queue.peek(0)?.name).toBe('b1')
    // Both tenants have the same tag, but b1 is the head already.
    queue.push(job('a1', { tenant: 'a' }), 0)
    expect(queue.peek(0)?.name).toBe('b1')
    queue.push(job('low', { priority: -1 }), 0)
    queue.putBack(job('back'), 0)
    expect(queue.peek(0)?.name).toBe('back')
    queue.push(job('high', { priority: 1 }), 0)
    expect(queue.peek(0)?.name).toBe('high')
  })

  test('orders, removes and lists jobs as a plain sorted array does', () => {
    const priority = fc.integer({ min: -2, max: 2 })
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('push' as const), priority }) },
      fc.record({ do: fc.constant('putBack' as const), priority }),
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat(20) }) },
      fc.record({ do: fc.constant('start' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new JobQueue<NamedJob>(fairness)
        const model: { job: NamedJob; isBack: boolean }[] = []
        const insert = (added: NamedJob, isBack: boolean) => {
          // Behind all jobs of a higher priority, and behind the jobs of the same one that it must not pass.
          const goesBefore = (other: { job: NamedJob; isBack: boolean }) =>
            other.job.priority < added.priority || (other.job.priority === added.priority && isBack && !other.isBack)
          const at = model.findIndex(goesBefore)
          model.splice(at === -1 ? model.length : at, 0, { job: added, isBack })
        }
        for (const [i, each] of steps.entries()) {
          if (each.do === 'push' || each.do === 'putBack') {
            const added = job(`${i}`, { priority: each.priority })
            queue[each.do](added, 0)
            insert(added, each.do === 'putBack')
          } else if (model.length > 0) {
            const [taken] = model.splice(each.do === 'start' ? 0 : each.at % model.length, 1)
            if (each.do === 'start') {
              expect(queue.peek(0)).toBe(taken!.job)
              queue.start(taken!.job, 0)
            } else expect(queue.remove(taken!.job)).toBe(true)
          }
          expect(queue.size).toBe(model.length)
          expect(queue.peek(0)).toBe(model[0]?.job)
          const rest = model.slice(1, 9).map((other) => other.job)
          if (model.length > 0) expect(names(queue.behind(model[0]!.job, 8))).toBe(names(rest))
        }
        expect(names(queue.takeAll(0))).toBe(names(model.map((each) => each.job)))
      }),
      runs(500),
    )
  })

  test('the work ahead of a new job is the sum of the waiting jobs at its priority and above', () => {
    const step = fc.record({
      priority: fc.constantFrom(-1, 0, 5),
      tokens: fc.nat(100),
      way: fc.constantFrom('push', 'back', 'take', 'drop'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new JobQueue<NamedJob>(fairness)
        const inside: NamedJob[] = []
        for (const { priority, tokens, way } of steps) {
          const one = way === 'drop' ? inside[tokens % Math.max(1, inside.length)] : job('j', { priority, tokens })
          if (way === 'push') queue.push(one!, 0)
          else if (way === 'back') queue.putBack(one!, 0)
          const gone = way === 'take' ? queue.peek(0) : way === 'drop' ? one : undefined
          if (way === 'push' || way === 'back') inside.push(one!)
          if (gone !== undefined) {
            queue.remove(gone)
            inside.splice(inside.indexOf(gone), 1)
          }
          for (const least of [-2, -1, 0, 3, 5, 6]) {
            const before = inside.filter((each) => each.priority >= least)
            const sum = before.reduce((all, { cost }) => all + cost.inputTokens, 0)
            expect(queue.ahead(least, undefined)).toMatchObject({ requests: before.length, inputTokens: sum })
          }
        }
      }),
      runs(200),
    )
  })
})

describe('ageing', () => {
  test('a priority without a start for five minutes starts one job before all others', () => {
    const queue = queueOf(...['h1', 'h2', 'h3', 'h4'].map((name) => job(name, { priority: 1 })), job('l1'), job('l2'))
    const order: string[] = []
    for (const now of [0, AGED_AFTER_MS - 1, AGED_AFTER_MS, AGED_AFTER_MS + 1, 2 * AGED_AFTER_MS, 2 * AGED_AFTER_MS]) {
      const next = queue.peek(now)!
      order.push(next.name)
      queue.start(next, now)
    }
    expect(order.join(' ')).toBe('h1 h2 l1 h3 l2 h4')
  })

  test('the priority that has waited longest goes first, and no job replaces an aged head', () => {
    const queue = queueOf(job('low', { priority: -5 }))
    queue.push(job('middle'), 10)
    queue.push(job('high', { priority: 9 }), 20)
    expect(queue.peek(AGED_AFTER_MS)?.name).toBe('low')
    queue.push(job('highest', { priority: 99 }), AGED_AFTER_MS)
    queue.putBack(job('back', { priority: -5 }), AGED_AFTER_MS)
    expect(queue.peek(AGED_AFTER_MS)?.name).toBe('low')
    queue.start(queue.peek(AGED_AFTER_MS)!, AGED_AFTER_MS)
    // The highest priority has one turn between two aged ones.
    expect(queue.peek(AGED_AFTER_MS + 10)?.name).toBe('highest')
    queue.start(queue.peek(AGED_AFTER_MS + 10)!, AGED_AFTER_MS + 10)
    expect(queue.peek(AGED_AFTER_MS + 10)?.name).toBe('middle')
  })

  test('once a priority has waited five minutes, its next job starts after at most two other jobs for each priority', () => {
    const arrival = fc.record({ priority: fc.integer({ min: 0, max: 4 }), gapMs: fc.nat(60_000) })
    let aged = 0
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 300, maxLength: 300 }), (arrivals) => {
        const queue = new JobQueue<NamedJob>(fairness)
        const cameAt = new Map<NamedJob, number>()
        const firstSince = new Map<number, { at: number; starts: number }>()
        let now = 0
        for (const [i, { priority, gapMs }] of arrivals.entries()) {
          now += gapMs
          const added = job(`${i}`, { priority })
          queue.push(added, now)
          cameAt.set(added, now)
          if (!firstSince.has(priority)) firstSince.set(priority, { at: now, starts: 0 })
          // Twice as many jobs arrive as start, so lower priorities start by ageing alone.
          if (i % 2 === 0) continue
          const next = queue.peek(now)!
          queue.start(next, now)
          for (const [level, since] of firstSince) {
            if (level === next.priority || now < since.at + AGED_AFTER_MS) continue
            since.starts++
            aged++
            expect(since.starts).toBeLessThanOrEqual(2 * 5)
          }
          const isLeft = [...cameAt.keys()].some((each) => each.priority === next.priority && each.inList !== undefined)
          if (isLeft) firstSince.set(next.priority, { at: now, starts: 0 })
          else firstSince.delete(next.priority)
        }
      }),
      runs(100),
    )
    expect(aged, 'starts while another priority has waited for five minutes').toBeGreaterThan(1000)
  })
})
