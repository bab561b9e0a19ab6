import { describe, expect, test } from 'vitest'
import { InvalidLimits } from '../../src/errors.js'
import { LiveLimits } from '../../src/limits/live.js'
import type { LimitsSource } from '../../src/types.js'

const live = (source: unknown) => new LiveLimits({ limits: source as LimitsSource }, () => {})
const listening = { subscribe: () => () => {} }

describe('a source of limits that goes wrong', () => {
  test.each([
    [null, 'gave null in current()'],
    [undefined, 'gave undefined in current()'],
    ['table', 'gave the text "table" in current()'],
    [[], 'gave an array in current()'],
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
})
