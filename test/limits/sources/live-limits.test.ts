import { describe, expect, test } from 'vitest'
import { InvalidLimits } from '../../../src/errors.js'
import { LiveLimits, type LimitsListener } from '../../../src/limits/sources/live-limits.js'
import type { LimitsSource } from '../../../src/types.js'
import { VirtualClock } from '../../support/virtual-clock.js'

function live(source: unknown, listener: Partial<LimitsListener> = {}): LiveLimits {
  const limits = new LiveLimits({
    source: source as LimitsSource,
    perSecond: undefined,
    unknownModel: 'conservative',
    clock: new VirtualClock(),
  })
  limits.start({ onChange() {}, warn() {}, ...listener })
  return limits
}
/** Like a promise of another library. */
// oxlint-disable-next-line unicorn/no-thenable
const thenable = { then: (): void => {} }
const listening = { subscribe: () => () => {} }

describe('a faulty source of limits', () => {
  test.each([
    [null, 'returned null from current()'],
    [undefined, 'returned undefined from current()'],
    ['table', 'returned the text "table" from current()'],
    [[], 'returned an array from current()'],
    [new Map([['m', { rpm: 5 }]]), 'returned a Map from current()'],
    [thenable, 'returned an object from current()'],
    [Promise.resolve({}), 'returned a Promise from current()'],
  ])('is rejected for the value %j: it %s', (table, message) => {
    const limits = live({ ...listening, current: () => table })
    expect(() => limits.resolve('m', true)).toThrow(InvalidLimits)
    expect(() => limits.resolve('m', true)).toThrow(`The source of limits ${message}: return a table`)
  })

  test('is rejected with the cause if current() throws', () => {
    const cause = new Error('no connection')
    const limits = live({
      ...listening,
      current() {
        throw cause
      },
    })
    expect(() => limits.resolve('m', true)).toThrow(
      expect.objectContaining({
        code: 'invalid_limits',
        message: 'The source of limits threw in current(): Error: no connection',
        cause,
      }) as Error,
    )
  })

  test.each([undefined, null, {}, 5])('is rejected if subscribe() returns %j', (unsubscribe) => {
    expect(() => live({ current: () => ({}), subscribe: () => unsubscribe })).toThrow(InvalidLimits)
    expect(() => live({ current: () => ({}), subscribe: () => unsubscribe })).toThrow(
      'from subscribe(listener): return a function that ends the subscription',
    )
  })

  test('is rejected if subscribe() throws', () => {
    const source = {
      current: () => ({}),
      subscribe() {
        throw new Error('no connection')
      },
    }
    expect(() => live(source)).toThrow('The source of limits threw in subscribe(listener): Error: no connection')
  })
})
