import { describe, expect, test } from 'vitest'
import { OutputAccountingEstimator } from '../../src/learning/output-accounting-estimator.js'

const TPS = 1000

describe('when output counts', () => {
  test('what is told is not learned', () => {
    const charging = new OutputAccountingEstimator('reserved')
    charging.sent(0, 900, 1900, true, TPS)
    charging.refused(0, 900, 1900, true, 50, TPS)
    expect(charging).toMatchObject({ way: 'reserved', origin: 'configured' })
  })

  test.each(['learn', undefined] as const)('%s: nothing is known before a refusal', (told) => {
    const charging = new OutputAccountingEstimator(told)
    charging.sent(0, 100, 1100, true, TPS)
    charging.ended(0, 4000, 300, TPS)
    expect(charging).toMatchObject({ way: undefined, origin: 'default' })
  })

  /** Every ten seconds a long answer ends, and a request is sent just then. */
  function afterAnswers(
    refusals: number,
    charging = new OutputAccountingEstimator('learn'),
  ): OutputAccountingEstimator {
    for (let i = 0; i < refusals; i++) {
      const at = 20_000 * (i + 1)
      charging.sent(at, 100, 1100, true, TPS)
      charging.ended(at, at + 9000, 900, TPS)
      charging.sent(at + 9010, 200, 250, true, TPS)
      charging.refused(at + 9010, 200, 250, true, at + 9060, TPS)
      charging.ended(at + 9010, at + 9060, undefined, TPS)
    }
    return charging
  }

  test('when answers end: refused just after long ones', () => {
    expect(afterAnswers(2)).toMatchObject({ way: 'completion', origin: 'learned' })
  })

  test('what went on before the first refusal counts, as far back as it was noted', () => {
    const learned = (others: number) => {
      const charging = new OutputAccountingEstimator('learn')
      charging.sent(0, 100, 1100, true, TPS)
      charging.ended(0, 9000, 900, TPS)
      for (let i = 0; i < others; i++) charging.sent(9001, 0, 0, false, TPS)
      charging.sent(9010, 200, 250, true, TPS)
      charging.refused(9010, 200, 250, true, 9060, TPS)
      return charging.way
    }
    expect([learned(0), learned(253), learned(1000)]).toEqual(['completion', 'completion', undefined])
  })

  test('as it is written: refused while many are, none of which has ended', () => {
    const charging = new OutputAccountingEstimator('learn')
    for (let i = 0; i < 14; i++) charging.sent(i, 10, 20, true, TPS)
    charging.sent(4000, 400, 410, true, TPS)
    charging.refused(4000, 400, 410, true, 4050, TPS)
    expect(charging).toMatchObject({ way: 'generated', origin: 'learned' })
  })

  test('with the request: refused where only the most that answers may have fills the second', () => {
    const charging = new OutputAccountingEstimator('learn')
    for (let i = 0; i < 3; i++) {
      const at = 10_000 * (i + 1)
      charging.sent(at, 100, 900, true, TPS)
      charging.sent(at + 100, 100, 900, true, TPS)
      charging.refused(at + 100, 100, 900, true, at + 150, TPS)
      charging.ended(at + 100, at + 150, undefined, TPS)
      charging.ended(at, at + 2000, 20, TPS)
    }
    expect(charging).toMatchObject({ way: 'reserved', origin: 'learned' })
  })

  test('a refusal that no way explains teaches nothing, and neither does one of a request that goes alone', () => {
    const charging = new OutputAccountingEstimator('learn')
    for (let i = 0; i < 5; i++) {
      charging.sent(10_000 * i, 10, 20, false, TPS)
      charging.refused(10_000 * i, 10, 20, true, 10_000 * i + 50, TPS)
      charging.sent(10_000 * i + 5000, 1500, 2500, false, TPS)
      charging.refused(10_000 * i + 5000, 1500, 2500, true, 10_000 * i + 5050, TPS)
    }
    expect(charging).toMatchObject({ way: undefined, origin: 'default' })
  })

  test('nor does one of a request whose total is known: there the limits are not as told', () => {
    const charging = new OutputAccountingEstimator('learn')
    for (let i = 0; i < 14; i++) charging.sent(i, 10, 20, true, TPS)
    charging.sent(4000, 400, 400, false, TPS)
    charging.refused(4000, 400, 400, false, 4050, TPS)
    expect(charging).toMatchObject({ way: undefined, origin: 'default' })
  })

  test('what was learned is given up when another way explains more', () => {
    const charging = new OutputAccountingEstimator('learn')
    for (let i = 0; i < 14; i++) charging.sent(i, 10, 20, true, TPS)
    charging.sent(4000, 400, 410, true, TPS)
    charging.refused(4000, 400, 410, true, 4050, TPS)
    for (let i = 0; i < 14; i++) charging.ended(i, 5000, 200, TPS)
    charging.ended(4000, 4050, undefined, TPS)
    expect(charging.way).toBe('generated')
    expect(afterAnswers(4, charging).way).toBe('completion')
  })
})
