import { describe, expect, test } from 'vitest'
import { InvalidRequest, type Limiter } from '../../src/index.js'
import { setup } from '../dispatch/setup.js'

describe('arguments that are wrong are refused, and say how', () => {
  test.each<[name: string, call: (limiter: Limiter) => unknown, message: string]>([
    [
      'an event there is not',
      (l) => l.on('nonsense' as never, () => {}),
      "There is no event 'nonsense'. The events are admit,",
    ],
    ['an event of objects', (l) => l.on('toString' as never, () => {}), "There is no event 'toString'"],
    ['no listener', (l) => l.on('admit', undefined as never), "on('admit', listener): give a function"],
    ['stats of null', (l) => l.stats(null as never), 'stats(options) was given null'],
    ['stats of NaN ms', (l) => l.stats({ lastMs: Number.NaN }), 'lastMs is the number NaN: give milliseconds above 0'],
    ['stats of -1 ms', (l) => l.stats({ lastMs: -1 }), 'lastMs is the number -1'],
    ['stats of a text', (l) => l.stats({ lastMs: '5' as never }), 'lastMs is the text "5"'],
    ['limits of nothing', (l) => l.limitsOf(undefined as never), 'model is undefined'],
    ['limits of an empty name', (l) => l.limitsOf(''), 'model is the text ""'],
    ['limits for nothing', (l) => l.setLimits(undefined as never, { rpm: 5 }), 'model is undefined'],
    ['close with null', (l) => l.close(null as never), 'close(options) was given null'],
    [
      'a misspelt option of stats',
      (l) => l.stats({ lastMS: 5 } as never),
      "stats has no option 'lastMS'. Did you mean 'lastMs'?",
    ],
    ['a misspelt option of close', (l) => l.close({ abandonn: true } as never), "close has no option 'abandonn'"],
    ['close with a text', (l) => l.close({ abandon: 'yes' as never }), 'abandon is the text "yes"'],
  ])('%s', async (_, call, message) => {
    const { limiter, clock, send } = setup()
    expect(() => call(limiter)).toThrow(InvalidRequest)
    expect(() => call(limiter)).toThrow(message)
    const other = send({ model: 'a' }, 'goes on')
    await clock.run()
    expect(other.state).toBe('done')
  })
})
