import { describe, expect, test } from 'vitest'
import { createLimiter, profiles, type Profile } from '../../src/index.js'
import { refusal, setup, type Outcome } from './setup.js'

const LIMITS = { a: { tpm: 60_000 } }
const used = (input: number, output: number): Outcome => ({
  returns: { usage: { prompt_tokens: input, completion_tokens: output } },
})

/** A limiter for a service that counts output in this way, with a limit of 1,000 tokens a second. */
function told(outputAccounting: Profile['outputAccounting']) {
  const base = setup({
    limits: LIMITS,
    perSecond: true,
    profile: { ...profiles['model-studio'], secondWindow: 'sliding', outputAccounting },
  })
  return {
    ...base,
    second: () => base.used('a')['tps'],
    minute: () => base.used('a')['tpm'],
    /** 100 of input, at most 2,000 of output, 600 of which are used after `tookMs`. */
    ask: (name = 'j', outcome = used(100, 600), tookMs = 5000) =>
      base.send({ model: 'a', inputTokens: 100, maxOutputTokens: 2000 }, name, [outcome], tookMs),
  }
}

describe('output that counts', () => {
  test('as reserved: all that may come counts with the request, and comes back at its end', async () => {
    const { ask, clock, second, minute } = told('reserved')
    ask()
    await clock.advance(0)
    expect([second(), minute()]).toEqual([2100, 2100])
    await clock.advance(5000)
    expect(minute()).toBe(700)
  })

  test.each(['completion'] as const)(
    'as %s: in its second when it is there, in the minute from the first',
    async (way) => {
      const { ask, clock, second, minute } = told(way)
      ask()
      await clock.advance(0)
      expect([second(), minute()]).toEqual([100, 100 + 256])
      await clock.advance(2000)
      expect(second()).toBe(0)
      await clock.advance(3000)
      expect([second(), minute()]).toEqual([600, 700])
      await clock.advance(1000)
      expect(second()).toBe(0)
    },
  )

  test('late: what waits goes on when the second has room beside the answers', async () => {
    const { ask, clock, sent } = told('completion')
    ask('long', used(100, 950), 1000)
    await clock.advance(1000)
    ask('next')
    await clock.run()
    // 950 of the answer and 100 of the next are too much for one second.
    expect(sent.map(({ name, at }) => `${name}@${at}`)).toEqual(['long@0', 'next@2000'])
  })

  test('late, and refused: nothing counts', async () => {
    const { ask, clock, second, minute } = told('completion')
    ask('j', refusal('billing'), 100)
    await clock.advance(100)
    expect([second(), minute()]).toEqual([0, 0])
  })

  test('late, and not known: what was reserved', async () => {
    const { ask, clock, second } = told('completion')
    ask('j', { returns: 'text' }, 2000)
    await clock.advance(2000)
    expect(second()).toBe(256)
  })

  test('exact totals count with the request, whatever the service', async () => {
    const { send, clock, second, minute } = told('completion')
    send({ model: 'a', tokens: 700 }, 'j', [used(300, 400)], 100)
    await clock.advance(0)
    expect(second()).toBe(700)
    await clock.advance(200)
    expect([second(), minute()]).toEqual([700, 700])
  })

  test('late, while it is not known so: refusals teach it, and the statistics say who told', async () => {
    const base = setup({
      limits: LIMITS,
      perSecond: true,
      profile: { ...profiles['model-studio'], outputAccounting: 'learn' },
    })
    const shown = () => base.limiter.stats().models['a']?.outputAccounting
    const ask = (name: string, outcomes: Outcome[], tookMs: number) =>
      base.send({ model: 'a', inputTokens: 300, maxOutputTokens: 2000 }, name, outcomes, tookMs)
    ask('first', [used(300, 950)], 9000)
    expect(shown()).toEqual({ as: undefined, origin: 'default' })
    await base.clock.advance(9000)
    ask('second', [refusal('tokens'), used(300, 100)], 50)
    await base.clock.run()
    expect(shown()).toEqual({ as: 'completion', origin: 'learned' })
  })

  test('in no way that there is, is refused', () => {
    const profile = { ...profiles['model-studio'], outputAccounting: 'later' as never }
    expect(() => createLimiter({ profile })).toThrow(
      'outputAccounting is later: give one of reserved, generated, completion, learn',
    )
  })
})
