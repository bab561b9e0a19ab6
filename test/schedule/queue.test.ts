import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JobQueue, type PriorityClass, type Waiting } from '../../src/schedule/queue.js'

interface Job extends Waiting {
  readonly name: string
}

function job(name: string, priority = 0, inputTokens = 0): Job {
  const cost = { requests: 1, inputTokens, outputTokens: 2 * inputTokens, thinkingTokens: 0 }
  return { name, priority, cost, inClass: undefined as PriorityClass | undefined, before: undefined, after: undefined }
}

const names = (jobs: readonly Job[]) => jobs.map(({ name }) => name).join(' ')

describe('JobQueue', () => {
  test('an empty one', () => {
    const queue = new JobQueue<Job>()
    expect([queue.size, queue.peek(), queue.takeAll(), queue.remove(job('a'))]).toEqual([0, undefined, [], false])
  })

  test('higher priorities first, first in first out within one', () => {
    const queue = new JobQueue<Job>()
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', -1],
      ['e', 5],
      ['f', 2.5],
    ] as const) {
      queue.push(job(name, priority))
    }
    expect(queue.peek()?.name).toBe('b')
    expect(queue.size).toBe(6)
    expect(names(queue.takeAll())).toBe('b e f a c d')
    expect([queue.size, queue.peek()]).toEqual([0, undefined])
  })

  test('what is put back comes before all new ones of its priority, and in the order in which it came back', () => {
    const queue = new JobQueue<Job>()
    queue.push(job('new 1'))
    queue.putBack(job('back 1'))
    queue.push(job('new 2'))
    queue.putBack(job('back 2'))
    queue.putBack(job('back high', 1))
    queue.push(job('new high', 1))
    expect(names(queue.takeAll())).toBe('back high new high back 1 back 2 new 1 new 2')
  })

  test('what is put back keeps its place when others of its kind leave', () => {
    const queue = new JobQueue<Job>()
    const [a, b, c] = [job('a'), job('b'), job('c')]
    queue.push(job('new'))
    for (const each of [a, b, c]) queue.putBack(each)
    queue.remove(c)
    queue.remove(a)
    queue.putBack(job('d'))
    queue.remove(b)
    queue.putBack(job('e'))
    expect(names(queue.takeAll())).toBe('d e new')
  })

  test('a job taken out can come again, and is no longer bound to the others', () => {
    const queue = new JobQueue<Job>()
    const [a, b, c] = [job('a'), job('b'), job('c')]
    for (const each of [a, b, c]) queue.push(each)
    expect(queue.remove(b)).toBe(true)
    expect(queue.remove(b)).toBe(false)
    expect([b.inClass, b.before, b.after]).toEqual([undefined, undefined, undefined])
    queue.push(b)
    expect(names(queue.takeAll())).toBe('a c b')
  })

  test('does what a plain array does', () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('push' as const), priority: fc.integer({ min: -2, max: 2 }) }),
      },
      fc.record({ do: fc.constant('putBack' as const), priority: fc.integer({ min: -2, max: 2 }) }),
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat(20) }) },
      fc.record({ do: fc.constant('shift' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new JobQueue<Job>()
        const model: { job: Job; isBack: boolean }[] = []
        const insert = (added: Job, isBack: boolean) => {
          // Behind all that is of a higher priority, or of the same and not to be passed.
          const goesBefore = (other: { job: Job; isBack: boolean }) =>
            other.job.priority < added.priority || (other.job.priority === added.priority && isBack && !other.isBack)
          const at = model.findIndex(goesBefore)
          model.splice(at === -1 ? model.length : at, 0, { job: added, isBack })
        }
        for (const [i, each] of steps.entries()) {
          if (each.do === 'push' || each.do === 'putBack') {
            const added = job(`${i}`, each.priority)
            queue[each.do](added)
            insert(added, each.do === 'putBack')
          } else if (model.length > 0) {
            const [taken] = model.splice(each.do === 'shift' ? 0 : each.at % model.length, 1)
            if (each.do === 'shift') expect(queue.peek()).toBe(taken!.job)
            expect(queue.remove(taken!.job)).toBe(true)
          }
          expect(queue.size).toBe(model.length)
          expect(queue.peek()).toBe(model[0]?.job)
        }
        expect(names(queue.takeAll())).toBe(names(model.map(({ job }) => job)))
      }),
      { numRuns: 500 },
    )
  })

  test('ahead: the sums of what waits at that priority and above, whatever came and went', () => {
    const step = fc.record({
      priority: fc.constantFrom(-1, 0, 5),
      tokens: fc.nat(100),
      way: fc.constantFrom('push', 'back', 'take', 'drop'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new JobQueue<Job>()
        const inside: Job[] = []
        for (const { priority, tokens, way } of steps) {
          const one = way === 'drop' ? inside[tokens % Math.max(1, inside.length)] : job('j', priority, tokens)
          if (way === 'push') queue.push(one!)
          else if (way === 'back') queue.putBack(one!)
          const gone = way === 'take' ? queue.peek() : way === 'drop' ? one : undefined
          if (way === 'push' || way === 'back') inside.push(one!)
          if (gone !== undefined) {
            queue.remove(gone)
            inside.splice(inside.indexOf(gone), 1)
          }
          for (const least of [-2, -1, 0, 3, 5, 6]) {
            const before = inside.filter(({ priority }) => priority >= least)
            const sum = before.reduce((tokens, { cost }) => tokens + cost.inputTokens, 0)
            const expected = { requests: before.length, inputTokens: sum, outputTokens: 2 * sum, thinkingTokens: 0 }
            expect(queue.ahead(least)).toEqual(expected)
          }
        }
      }),
    )
  })
})
