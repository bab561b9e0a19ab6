import { describe, expect, test } from 'vitest'
import { ExactWindow } from '../../../src/quota/windows/exact-window.js'

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

describe('a log of many blocks', () => {
  const many = 5000

  /** A charge of 1 in each microsecond, numbered from 1. */
  function filled(): ExactWindow {
    const window = windowOf(1e9)
    for (let us = 0; us < many; us++) window.charge(1, us, us + 1)
    return window
  }

  test('lets each charge go at its time', () => {
    const window = filled()
    for (let us = 0; us < many; us++) {
      expect(window.nextExpiryUs(SPAN - 1 + us)).toBe(SPAN + us)
      expect(window.used(SPAN + us)).toBe(many - 1 - us)
    }
    window.charge(7, 2 * SPAN, many + 1)
    expect(window.used(2 * SPAN)).toBe(7)
    expect(window.nextExpiryUs(2 * SPAN)).toBe(3 * SPAN)
  })

  test('finds every charge that is given back, and none that has left', () => {
    const window = filled()
    const left = 1700
    for (let seq = many; seq >= 1; seq -= 3) window.refund(1, seq, SPAN - 1 + left)
    let kept = 0
    for (let us = left; us < many; us++) if ((many - 1 - us) % 3 !== 0) kept++
    expect(window.used(SPAN - 1 + left)).toBe(kept)
    for (let us = left; us < many; us++) {
      if ((many - 1 - us) % 3 !== 0) kept--
      expect(window.used(SPAN + us)).toBe(kept)
    }
  })

  test('says when room comes from far behind the oldest block', () => {
    const window = windowOf(many)
    for (let us = 0; us < many; us++) window.charge(1, us, us + 1)
    for (const amount of [1, 16, 17, 48, 49, 2000, many]) {
      expect(window.earliestUs(amount, many)).toBe(SPAN + amount - 1)
    }
  })

  test('keeps charges of one microsecond in one entry where a block ends', () => {
    const window = windowOf(1e9)
    for (let us = 0; us < 16; us++) window.charge(1, us, us + 1)
    window.charge(5, 15, 17)
    window.refund(6, 16, 15)
    expect(window.used(15)).toBe(15)
    window.charge(1, 16, 18)
    expect(window.nextExpiryUs(SPAN + 14)).toBe(SPAN + 15)
    expect(window.used(SPAN + 15)).toBe(1)
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
