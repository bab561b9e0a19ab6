import { describe, expect, test } from 'vitest'
import type { ScheduleRequest } from '../../src/index.js'
import { ok, refusal, setup } from './setup.js'

const limits = { a: { rpm: 2, tpm: 1000 }, b: { rpm: 2, tpm: 1000 }, c: { rpm: 60, tpm: 200 } }
const fallback = { a: ['b', 'c'] }

/** What waits or runs at the models before the request comes: so many requests of so many tokens. */
type Before = readonly (readonly [model: string, count: number, tokens: number])[]

describe('fallbackAfterWaitMs', () => {
  test.each<
    [
      name: string,
      before: Before,
      request: Partial<ScheduleRequest>,
      fallbackAfterWaitMs: number | undefined,
      to: string,
    ]
  >([
    ['room at its own', [], {}, 0, 'a'],
    ['no room, and spilling is off', [['a', 2, 0]], {}, undefined, 'a'],
    ['no room, a backup has', [['a', 2, 0]], {}, 0, 'b'],
    ['no room for a minute, and a minute is not too long', [['a', 2, 0]], {}, 60_000, 'a'],
    ['no room for two minutes: those that wait count', [['a', 4, 0]], {}, 60_000, 'b'],
    [
      'tokens that wait count',
      [
        ['a', 1, 900],
        ['b', 2, 0],
      ],
      { tokens: 150 },
      0,
      'c',
    ],
    [
      'the model that starts first, not the next',
      [
        ['a', 2, 0],
        ['b', 4, 0],
        ['c', 61, 0],
      ],
      {},
      0,
      'a',
    ],
    [
      'one that is too small for it is passed over',
      [
        ['a', 2, 0],
        ['b', 2, 0],
      ],
      { tokens: 500 },
      0,
      'a',
    ],
    [
      'one that has no room is passed over',
      [
        ['a', 2, 0],
        ['b', 2, 0],
      ],
      { tokens: 100 },
      0,
      'c',
    ],
    ['a higher priority waits for less', [['a', 3, 0]], { priority: 1 }, 60_000, 'a'],
    ['fallback: false stays', [['a', 9, 0]], { fallback: false }, 0, 'a'],
  ])('%s', async (_, before, request, fallbackAfterWaitMs, to) => {
    const { clock, send, sent, heard } = setup({ limits, fallback, fallbackAfterWaitMs })
    for (const [model, count, tokens] of before) {
      for (let i = 0; i < count; i++) send({ model, tokens, fallback: false }, 'before', [{ returns: '' }])
    }
    await clock.advance(20)
    const ending = send({ model: 'a', tokens: 0, ...request }, 'asked')
    await clock.run()
    expect(ending.state).toBe('done')
    expect(sent.find(({ name }) => name === 'asked')?.grant.model).toBe(to)
    expect(heard.fallback.map(({ from, to }) => [from, to])).toEqual(to === 'a' ? [] : [['a', to]])
  })

  test('goes to a backup while its own model is held; without it new requests wait', async () => {
    for (const fallbackAfterWaitMs of [500, undefined]) {
      const { clock, send, sends } = setup({
        limits: { a: { rpm: 100 }, b: { rpm: 100 } },
        fallback: { a: ['b'] },
        fallbackAfterWaitMs,
      })
      send({ model: 'a' }, 'refused', [refusal('surge'), ok])
      await clock.advance(20)
      send({ model: 'a' }, 'new')
      await clock.run()
      const at = fallbackAfterWaitMs === undefined ? 'new a@1010' : 'new b@20'
      expect(sends()).toEqual(['refused a@0', 'refused b@10', at])
    }
  })

  test('1,000 at once share the models as these can start them', async () => {
    const { clock, send, sent } = setup({
      limits: { a: { rpm: 600 }, b: { rpm: 300 }, c: { rpm: 100 } },
      fallback,
      fallbackAfterWaitMs: 0,
    })
    for (let i = 0; i < 1000; i++) send({ model: 'a' }, 'j')
    await clock.run()
    const count = (model: string) => sent.filter(({ grant }) => grant.model === model).length
    expect([count('a'), count('b'), count('c')]).toEqual([600, 300, 100])
  })

  test.each([-1, Number.NaN, '500', null])('is %j: refused', (fallbackAfterWaitMs) => {
    expect(() => setup({ fallbackAfterWaitMs: fallbackAfterWaitMs as number })).toThrow(
      `fallbackAfterWaitMs is ${fallbackAfterWaitMs}`,
    )
  })
})
