import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Delays } from '../../src/schedule/delays.js'

describe('Delays', () => {
  test('an empty one', () => {
    const delays = new Delays<string>()
    expect([delays.size, delays.nextDueAt, delays.takeDue(Infinity), delays.remove('a')]).toEqual([
      0,
      Infinity,
      undefined,
      false,
    ])
  })

  test('the earliest first, equal times in the order of their coming, and none before its time', () => {
    const delays = new Delays<string>()
    delays.add('late', 30)
    delays.add('a', 10)
    delays.add('b', 10)
    delays.add('early', 5)
    expect(delays.nextDueAt).toBe(5)
    expect(delays.takeDue(4.999)).toBeUndefined()
    expect([delays.takeDue(10), delays.takeDue(10), delays.takeDue(10), delays.takeDue(10)]).toEqual([
      'early',
      'a',
      'b',
      undefined,
    ])
    expect([...delays.items()]).toEqual(['late'])
  })

  test('an item taken out can come again at another time', () => {
    const delays = new Delays<string>()
    delays.add('a', 5)
    expect([delays.remove('a'), delays.remove('a')]).toEqual([true, false])
    delays.add('a', 9)
    expect(delays.takeDue(8)).toBeUndefined()
    expect(delays.takeDue(9)).toBe('a')
  })

  test('does what a plain array does', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), dueAt: fc.nat(30) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat(100) }) },
      fc.record({ do: fc.constant('take' as const), now: fc.nat(30) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const delays = new Delays<number>()
        let model: { item: number; dueAt: number }[] = []
        const first = () =>
          model.reduce<(typeof model)[0] | undefined>((a, b) => (a && a.dueAt <= b.dueAt ? a : b), undefined)
        for (const [i, each] of steps.entries()) {
          if (each.do === 'add') {
            delays.add(i, each.dueAt)
            model.push({ item: i, dueAt: each.dueAt })
          } else if (each.do === 'remove' && model.length > 0) {
            const { item } = model[each.at % model.length]!
            expect(delays.remove(item)).toBe(true)
            model = model.filter((entry) => entry.item !== item)
          } else if (each.do === 'take') {
            const due = first()
            const expected = due !== undefined && due.dueAt <= each.now ? due.item : undefined
            expect(delays.takeDue(each.now)).toBe(expected)
            model = model.filter(({ item }) => item !== expected)
          }
          expect(delays.size).toBe(model.length)
          expect(delays.nextDueAt).toBe(first()?.dueAt ?? Infinity)
          expect([...delays.items()].sort((a, b) => a - b)).toEqual(model.map(({ item }) => item).sort((a, b) => a - b))
        }
      }),
      { numRuns: 300 },
    )
  })
})
