import { describe, expect, test } from 'vitest'
import { TimedJobs } from '../../src/schedule/timed.js'

describe('TimedJobs', () => {
  test('gives each back once, when it is due, with its lane', () => {
    const timed = new TimedJobs<string, string>()
    for (const [job, lane, at] of [
      ['c', 'x', 30],
      ['a', 'x', 10],
      ['b', 'y', 20],
    ] as const)
      timed.add(job, lane, at)
    expect([timed.size, timed.nextDueAt, timed.countIn('x')]).toEqual([3, 10, 2])
    expect(timed.takeDue(9)).toBeUndefined()
    expect([timed.takeDue(25), timed.takeDue(25), timed.takeDue(25)]).toEqual([
      { job: 'a', lane: 'x' },
      { job: 'b', lane: 'y' },
      undefined,
    ])
    expect([timed.remove('a'), timed.remove('c'), timed.size, timed.nextDueAt]).toEqual([false, true, 0, Infinity])
  })

  test('takes out all of one lane, or all', () => {
    const timed = new TimedJobs<string, string>()
    for (const [job, lane] of [
      ['a', 'x'],
      ['b', 'y'],
      ['c', 'x'],
      ['d', 'y'],
    ] as const)
      timed.add(job, lane, 5)
    expect([timed.takeAll('x'), timed.takeAll(), timed.size, timed.takeDue(9)]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
      0,
      undefined,
    ])
  })
})
