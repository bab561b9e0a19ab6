import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { DONE, DoneIds, SEEN } from '../../../src/batch/file/done-ids.js'
import { runs } from '../../support/runs.js'

it('remembers of each id what a map would', () => {
  const step = fc.tuple(
    fc.oneof(fc.string(), fc.integer({ max: 3000, min: 0 }).map(String)),
    fc.constantFrom(SEEN, DONE),
  )
  fc.assert(
    fc.property(fc.array(step, { size: '+2', maxLength: 4000 }), (steps) => {
      const ids = new DoneIds()
      const known = new Map<string, number>()
      for (const [id, flag] of steps) {
        const before = known.get(id) ?? 0
        expect(ids.add(id, flag)).toBe(before)
        known.set(id, before | flag)
      }
      expect(ids.size).toBe(known.size)
    }),
    runs(30),
  )
})

it('keeps 200,000', () => {
  const ids = new DoneIds()
  for (let i = 0; i < 200_000; i++) ids.add(`id-${i}`, DONE)
  for (let i = 0; i < 200_000; i++) if (ids.add(`id-${i}`, SEEN) !== DONE) throw new Error(`id-${i} is lost`)
  expect(ids.add('id-200000', SEEN)).toBe(0)
})
