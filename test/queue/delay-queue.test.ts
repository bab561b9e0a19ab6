import { describe, expect, test } from 'vitest'
import { DelayQueue } from '../../src/queue/delay-queue.js'

describe('DelayQueue', () => {
  test('an empty queue has no due job and removes nothing', () => {
    const timed = new DelayQueue<string, string>()
    expect([timed.size, timed.nextDueAt, timed.takeDue(Infinity), timed.remove('a'), timed.takeAll('x')]).toEqual([
      0,
      Infinity,
      undefined,
      false,
      [],
    ])
  })

  test('gives the earliest job first, equal times in the order of adding, and no job before its time', () => {
    const timed = new DelayQueue<string, string>()
    timed.add('late', 'x', 30)
    timed.add('a', 'x', 10)
    timed.add('b', 'y', 10)
    timed.add('early', 'y', 5)
    expect([timed.size, timed.nextDueAt]).toEqual([4, 5])
    expect(timed.takeDue(4.999)).toBeUndefined()
    expect([1, 2, 3, 4].map(() => timed.takeDue(10)?.job)).toEqual(['early', 'a', 'b', undefined])
    expect(timed.nextDueAt).toBe(30)
  })

  test('a removed job can be added again with another time', () => {
    const timed = new DelayQueue<string, string>()
    timed.add('a', 'x', 5)
    expect([timed.remove('a'), timed.remove('a')]).toEqual([true, false])
    timed.add('a', 'x', 9)
    expect(timed.takeDue(8)).toBeUndefined()
    expect(timed.takeDue(9)).toEqual({ job: 'a', lane: 'x' })
  })

  test('counts, lists and takes the jobs of one lane', () => {
    const timed = new DelayQueue<string, string>()
    for (const [job, lane] of ['ax', 'by', 'cx'] as unknown as [string, string][]) timed.add(job, lane, 1)
    expect([timed.of('x'), timed.of('y'), timed.of('z')]).toEqual([['a', 'c'], ['b'], []])
    expect([timed.takeAll('x'), timed.size, timed.takeAll('y'), timed.nextDueAt]).toEqual([
      ['a', 'c'],
      1,
      ['b'],
      Infinity,
    ])
  })
})
