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
/** As a promise of another library. */
// oxlint-disable-next-line unicorn/no-thenable
const thenable = { then: (): void => {} }
const listening = { subscribe: () => () => {} }

describe('a source of limits that goes wrong', () => {
  test.each([
    [null, 'gave null in current()'],
    [undefined, 'gave undefined in current()'],
    ['table', 'gave the text "table" in current()'],
    [[], 'gave an array in current()'],
    [new Map([['m', { rpm: 5 }]]), 'gave a Map in current()'],
    [thenable, 'gave an object in current()'],
    [Promise.resolve({}), 'gave a Promise in current()'],
  ])('current() gives %j', (table, message) => {
    const limits = live({ ...listening, current: () => table })
    expect(() => limits.resolve('m', true)).toThrow(InvalidLimits)
    expect(() => limits.resolve('m', true)).toThrow(`The source of limits ${message}: give a table`)
  })

  test('current() throws', () => {
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

  test.each([undefined, null, {}, 5])('subscribe() gives %j', (unsubscribe) => {
    expect(() => live({ current: () => ({}), subscribe: () => unsubscribe })).toThrow(InvalidLimits)
    expect(() => live({ current: () => ({}), subscribe: () => unsubscribe })).toThrow(
      'in subscribe(listener): give a function that ends the subscription',
    )
  })

  test('subscribe() throws', () => {
    const source = {
      current: () => ({}),
      subscribe() {
        throw new Error('no connection')
      },
    }
    expect(() => live(source)).toThrow('The source of limits threw in subscribe(listener): Error: no connection')
  })
})
