import { describe, expect, test } from 'vitest'
import { anotherModel, nextModel, soonestModel, modelAfterWait, type Candidate } from '../../src/throttling/fallback.js'

function candidate(model: string, at: number, state: Partial<Candidate> = {}): Candidate {
  return { model, tried: false, held: false, closed: false, startsAt: () => at, ...state }
}

const names = (chain: readonly Candidate[]) => [nextModel, soonestModel, anotherModel].map((of) => of(chain)?.model)

describe('the next model, the soonest one, and another one', () => {
  test.each<[string, Candidate[], (string | undefined)[]]>([
    ['of none', [], [undefined, undefined, undefined]],
    ['of some that are all free', [candidate('a', 5), candidate('b', 3)], ['a', 'b', 'a']],
    ['where two start at once, the earlier', [candidate('a', 3), candidate('b', 3)], ['a', 'a', 'a']],
    ['where one was tried', [candidate('a', 1, { tried: true }), candidate('b', 3)], ['b', 'a', 'b']],
    ['where one is held', [candidate('a', 1, { held: true }), candidate('b', 3)], ['b', 'a', 'b']],
    ['where one is closed', [candidate('a', 1, { closed: true }), candidate('b', 3)], ['b', 'b', 'b']],
    [
      'where all were tried or are held',
      [candidate('a', 9, { tried: true }), candidate('b', 3, { held: true })],
      [undefined, 'b', 'b'],
    ],
    ['where none can serve', [candidate('a', 1, { closed: true })], [undefined, undefined, undefined]],
    ['where the time is not known', [candidate('a', Infinity, { held: true })], [undefined, 'a', 'a']],
  ])('%s', (_, chain, expected) => {
    expect(names(chain)).toEqual(expected)
  })
})

test('a new request goes to its own model unless that starts it too late', () => {
  const chain = [candidate('a', 100), candidate('b', 50)]
  expect(modelAfterWait(chain, 0, 100)?.model).toBe('a')
  expect(modelAfterWait(chain, 0, 99)?.model).toBe('b')
  expect(modelAfterWait([candidate('a', 0, { closed: true }), candidate('b', 50)], 0, 100)?.model).toBe('b')
})
