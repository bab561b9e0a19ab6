import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SkipList, type SkipListNode } from '../../src/queue/skip-list.js'
import { runs } from '../support/runs.js'
import { seeded } from '../support/seeded.js'

function items<T>(ordered: SkipList<T>): T[] {
  const found: T[] = []
  for (let at = ordered.first; at !== undefined; at = at.next) found.push(at.item)
  return found
}

describe('SkipList', () => {
  test('an empty list has no first item', () => {
    const ordered = new SkipList<string>()
    expect([ordered.size, ordered.first, ordered.atLeast(0)]).toEqual([0, undefined, undefined])
  })

  test('adds, removes and finds items as a sorted array does', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), key: fc.integer({ min: -9, max: 9 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), at: fc.nat(100) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const ordered = new SkipList<number>()
        const places = new Map<number, SkipListNode<number>>()
        let model: { item: number; key: number }[] = []
        for (const [item, each] of steps.entries()) {
          if (each.do === 'add') {
            places.set(item, ordered.add(item, each.key))
            model.push({ item, key: each.key })
            // `toSorted` is stable, so equal keys keep their order.
            model = model.toSorted((a, b) => a.key - b.key)
          } else if (model.length > 0) {
            const [gone] = model.splice(each.at % model.length, 1)
            ordered.remove(places.get(gone!.item)!)
          }
        }
        expect(items(ordered)).toEqual(model.map(({ item }) => item))
        expect(ordered.size).toBe(model.length)
        for (const key of [-10, -3, 0, 9, 10]) {
          expect(ordered.atLeast(key)?.item).toBe(model.find((each) => each.key >= key)?.item)
        }
      }),
      runs(500),
    )
  })

  test.each([1000, 100_000])('among %d items, adding or removing one compares fewer than 8 × log2 n keys', (size) => {
    let compared = 0
    // Each comparison of two keys asks both for their numbers.
    const counting = (value: number) => ({ valueOf: () => (compared++, value) }) as unknown as number
    const random = seeded(5)
    const ordered = new SkipList<number>()
    const places = Array.from({ length: size }, (_, i) => ordered.add(i, counting(random())))
    const rounds = 2000
    compared = 0
    for (let i = 0; i < rounds; i++) {
      const at = Math.floor(random() * places.length)
      ordered.remove(places[at]!)
      places[at] = ordered.add(i, counting(random()))
    }
    expect(compared / 2 / (2 * rounds)).toBeLessThan(8 * Math.log2(size))
    expect(compared).toBeGreaterThan(0)
  })
})
