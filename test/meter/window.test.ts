import { describe, expect, test } from 'vitest'
import { ExactWindow } from '../../src/meter/window.js'

const SPAN = 1_050_000

function windowOf(limit: number, takesLargeAlone = false): ExactWindow {
  return new ExactWindow({ limit, spanUs: SPAN, takesLargeAlone }, 1)
}

describe('a window', () => {
  test('takes exactly its limit', () => {
    const window = windowOf(100)
    window.charge(60, 0, 1)
    expect(window.earliestUs(40, 0)).toBe(0)
    expect(window.earliestUs(41, 0)).toBe(SPAN)
  })

  test('lets a charge go after exactly its span', () => {
    const window = windowOf(1)
    window.charge(1, 7, 1)
    expect(window.used(SPAN + 6)).toBe(1)
    expect(window.earliestUs(1, SPAN + 6)).toBe(SPAN + 7)
    expect(window.used(SPAN + 7)).toBe(0)
    expect(window.earliestUs(1, SPAN + 7)).toBe(SPAN + 7)
  })

  test('waits for as many of the oldest as are in the way', () => {
    const window = windowOf(100)
    window.charge(30, 0, 1)
    window.charge(30, 10, 2)
    window.charge(40, 20, 3)
    expect(window.earliestUs(30, 20)).toBe(SPAN)
    expect(window.earliestUs(31, 20)).toBe(SPAN + 10)
    expect(window.earliestUs(100, 20)).toBe(SPAN + 20)
    expect(window.nextExpiryUs(20)).toBe(SPAN)
  })

  test('names no expiry when it is empty', () => {
    const window = windowOf(100)
    expect(window.nextExpiryUs(5)).toBe(5)
  })

  test('keeps its order when its log grows while it has wrapped around', () => {
    const window = windowOf(1000)
    let seq = 0
    for (let us = 0; us < 12; us++) window.charge(1, us, ++seq)
    for (let us = SPAN + 5; us < SPAN + 45; us++) window.charge(1, us, ++seq)
    expect(window.used(SPAN + 44)).toBe(40)
    expect(window.nextExpiryUs(SPAN + 44)).toBe(2 * SPAN + 5)
    expect(window.used(2 * SPAN + 24)).toBe(20)
  })
})

describe('a charge above the limit', () => {
  test('never passes where none may stand alone', () => {
    expect(windowOf(100).earliestUs(101, 0)).toBe(Infinity)
  })

  test('goes alone where one may, and what follows waits until it has left', () => {
    const window = windowOf(100, true)
    window.charge(1, 0, 1)
    expect(window.earliestUs(101, 0)).toBe(SPAN)
    window.charge(101, SPAN, 2)
    expect(window.earliestUs(1, SPAN)).toBe(2 * SPAN)
    expect(window.earliestUs(500, SPAN)).toBe(2 * SPAN)
  })

  test('may stand beside one that was given back in full', () => {
    const window = windowOf(100, true)
    window.charge(50, 0, 1)
    window.refund(50, 1, 10)
    expect(window.earliestUs(101, 10)).toBe(10)
  })
})

describe('a refund', () => {
  test('in the microsecond of its charge undoes it', () => {
    const window = windowOf(100)
    window.charge(100, 0, 1)
    window.refund(100, 1, 0)
    expect(window.used(0)).toBe(0)
    expect(window.earliestUs(100, 0)).toBe(0)
  })

  test('finds its charge among several of one microsecond', () => {
    const window = windowOf(100)
    window.charge(10, 0, 1)
    window.charge(20, 5, 2)
    window.charge(30, 5, 3)
    window.charge(40, 9, 4)
    window.refund(20, 2, 9)
    expect(window.used(9)).toBe(80)
    expect(window.used(SPAN)).toBe(70)
    expect(window.used(SPAN + 5)).toBe(40)
  })

  test('a microsecond before the charge leaves still counts, and as it leaves no more', () => {
    const window = windowOf(100)
    window.charge(60, 0, 1)
    window.charge(40, 10, 2)
    window.refund(10, 1, SPAN - 1)
    expect(window.used(SPAN - 1)).toBe(90)
    window.refund(10, 1, SPAN)
    expect(window.used(SPAN)).toBe(40)
  })

  test('of a charge that came before the window gives nothing', () => {
    const window = new ExactWindow({ limit: 100, spanUs: SPAN, takesLargeAlone: false }, 5)
    window.charge(60, 0, 5)
    window.refund(60, 4, 0)
    expect(window.used(0)).toBe(60)
  })

  test('of a charge that it was spared gives nothing', () => {
    const window = windowOf(100)
    window.charge(60, 0, 1)
    window.charge(40, 5, 3)
    window.refund(10, 4, 5)
    expect(window.used(5)).toBe(100)
  })
})

describe('a new rule', () => {
  test('keeps what is in the window', () => {
    const window = windowOf(100)
    window.charge(60, 0, 1)
    window.setRule({ limit: 50, spanUs: SPAN, takesLargeAlone: false })
    expect(window.limit).toBe(50)
    expect(window.used(1)).toBe(60)
    expect(window.earliestUs(1, 1)).toBe(SPAN)
    window.setRule({ limit: 70, spanUs: SPAN, takesLargeAlone: false })
    expect(window.earliestUs(10, 1)).toBe(1)
  })
})
