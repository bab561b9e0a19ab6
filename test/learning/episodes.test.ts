import { describe, expect, test } from 'vitest'
import { Episodes, type RefusalOutcome, type RefusalEvent } from '../../src/learning/episodes.js'

const J = 50
const SECOND = 1000 + J
const MINUTE = 60_000 + J

/** The refusals of a group, told in short: sent and answered in the same ms where nothing else is said. */
function group({ perSecond = true, random = (): number => 0 } = {}) {
  const episodes = new Episodes({ perSecond }, () => J, random)
  let seq = 0
  let cutAt = -Infinity
  return {
    /** One that goes before the next that is refused, and is taken. */
    taken: () => episodes.sent(++seq),
    served: (sentAt: number) => episodes.served(sentAt),
    refused(sentAt: number, event: Partial<RefusalEvent> = {}): RefusalOutcome & { holdMs: number | undefined } {
      const now = event.now ?? sentAt + 1
      if (sentAt > cutAt) episodes.sent(++seq)
      const lesson = episodes.refused({
        class: 'requests',
        retryAfterMs: undefined,
        minuteFreesAt: now,
        seq,
        ...event,
        sentAt,
        now,
      })
      if (lesson.holdUntil !== undefined) cutAt = now
      return { ...lesson, holdMs: lesson.holdUntil === undefined ? undefined : lesson.holdUntil - now }
    },
  }
}

describe('one cut an episode', () => {
  test('answers to requests sent before the cut are stale and teach nothing', () => {
    const { refused } = group()
    expect(refused(0, { now: 100 })).toMatchObject({ holdUntil: 100 + SECOND, empties: 'requests', exhausted: false })
    const stale = { holdUntil: undefined, empties: 'none', exhausted: false }
    expect(refused(50, { now: 120 })).toMatchObject(stale)
    expect(refused(99, { now: 5000, class: 'tokens' })).toMatchObject(stale)
    // Nothing of the group can be sent once it is cut: what was sent at that very ms was sent before.
    expect(refused(100, { now: 100 })).toMatchObject(stale)
    expect(refused(1150, { now: 1200 }).holdUntil).toBe(1200 + MINUTE)
  })

  test('ten answers of one ms are one episode', () => {
    const { refused } = group()
    const holds = Array.from({ length: 10 }, () => refused(7, { now: 7 }).holdUntil)
    expect(holds.filter((hold) => hold !== undefined)).toEqual([7 + SECOND])
  })
})

describe('a wait that the server asks for', () => {
  test('is held as long as a minute’s limit may take: ten minutes', () => {
    expect(group().refused(0, { retryAfterMs: 600_000 })).toMatchObject({ holdMs: 600_000, exhausted: false })
  })

  test.each([600_001, 86_400_000, 1e15, Number.MAX_VALUE])('of %d ms is that of a quota used up', (retryAfterMs) => {
    expect(group().refused(0, { retryAfterMs }).exhausted).toBe(true)
  })
})

describe('an advice that would bring the request back at once', () => {
  test('of no wait is none', () => {
    expect(group().refused(0, { retryAfterMs: 0 }).holdMs).toBe(SECOND)
    expect(group().refused(0, { retryAfterMs: 0, class: 'surge' }).holdMs).toBe(1000)
  })

  test('is believed once; then waits double from a second to a minute, until a success', () => {
    const { refused, served } = group()
    let now = 0
    const waits: (number | undefined)[] = []
    for (let i = 0; i < 9; i++) {
      const { holdMs } = refused(now, { retryAfterMs: 5 })
      waits.push(holdMs)
      now += 1 + holdMs! + 1
    }
    expect(waits).toEqual([5, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    served(now)
    expect(refused(now + 1, { retryAfterMs: 5 }).holdMs).toBe(5)
  })

  test('that is longer than that stands', () => {
    const { refused } = group()
    refused(0, { retryAfterMs: 30_000 })
    expect(refused(40_000, { retryAfterMs: 30_000 }).holdMs).toBe(30_000)
  })
})

describe('how long', () => {
  test('first the second, then, with no success between, the minute', () => {
    const { refused, served } = group()
    expect(refused(0, { class: 'tokens' }).holdMs).toBe(SECOND)
    expect(refused(2000, { class: 'tokens' }).holdMs).toBe(MINUTE)
    expect(refused(70_000, { class: 'requests' }).holdMs).toBe(MINUTE)
    served(140_000)
    expect(refused(140_100).holdMs).toBe(SECOND)
  })

  test('what went before it and was not refused was taken, though its answer is not there yet: the second again', () => {
    const { refused, taken } = group()
    refused(0, { class: 'tokens' })
    taken()
    expect(refused(2000, { class: 'tokens' }).holdMs).toBe(SECOND)
    expect(refused(4000, { class: 'tokens' }).holdMs).toBe(MINUTE)
  })

  test('a success of a request sent before the cut, or at it, is no success after it', () => {
    const { refused, served } = group()
    refused(0, { now: 100 })
    served(50)
    served(100)
    expect(refused(2000).holdMs).toBe(MINUTE)
  })

  test('without limits a second, until the minute frees something: a second at least, a minute at most', () => {
    const hold = (frees: number) => group({ perSecond: false }).refused(0, { now: 100, minuteFreesAt: frees }).holdMs
    expect(hold(20_100)).toBe(20_000)
    expect(hold(100)).toBe(1000)
    expect(hold(600)).toBe(1000)
    expect(hold(1e9)).toBe(MINUTE)
    const { refused } = group({ perSecond: false })
    refused(0, { minuteFreesAt: 5000 })
    expect(refused(6000, { minuteFreesAt: 7000 }).holdMs).toBe(MINUTE)
  })

  test('surge and capacity double from a second to a minute, less up to a quarter', () => {
    for (const kind of ['surge', 'capacity'] as const) {
      const { refused } = group()
      const holds = Array.from({ length: 8 }, (_, i) => refused(i * 100_000, { class: kind }).holdMs)
      expect(holds).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
      expect(group({ random: () => 0.999_999 }).refused(0, { class: kind }).holdMs).toBeCloseTo(750, 2)
    }
  })

  test('the server’s word comes first', () => {
    const { refused } = group()
    expect(refused(0, { retryAfterMs: 7000 }).holdMs).toBe(7000)
    expect(refused(10_000, { retryAfterMs: 9000, class: 'surge' }).holdMs).toBe(9000)
  })
})

test('what it says of the buckets', () => {
  const empties = (kind: RefusalEvent['class']) => group().refused(0, { class: kind }).empties
  expect(empties('requests')).toBe('requests')
  expect(empties('tokens')).toBe('tokens')
  expect(empties('surge')).toBe('none')
  expect(empties('capacity')).toBe('none')
})

describe('tokens over three full windows in which nothing of ours ran', () => {
  const gap = MINUTE + 1

  test('are none where something else of ours went before the refused one each time', () => {
    const { refused, taken } = group()
    refused(0, { class: 'tokens' })
    for (let i = 1; i < 10; i++) {
      taken()
      expect(refused(i * gap, { class: 'tokens' }).exhausted).toBe(false)
    }
  })

  test('are a quota that is used up', () => {
    const { refused } = group()
    expect(refused(0, { class: 'tokens' }).exhausted).toBe(false)
    const then = [1, 2, 3].map((n) => refused(n * gap, { class: 'tokens' }).exhausted)
    expect(then).toEqual([false, false, true])
  })

  test('that takes five answers where the first hold is the second’s', () => {
    const { refused } = group()
    let at = 0
    const said: boolean[] = []
    for (let i = 0; i < 5; i++) {
      const { exhausted, holdUntil } = refused(at, { class: 'tokens' })
      said.push(exhausted)
      at = holdUntil!
    }
    expect(said).toEqual([false, false, false, false, true])
  })

  test.each([
    ['a success between', (g: ReturnType<typeof group>, at: number) => g.served(at)],
    [
      'a refusal of another class between',
      (g: ReturnType<typeof group>, at: number) => g.refused(at, { class: 'requests' }),
    ],
    [
      'a window that was not full',
      (g: ReturnType<typeof group>, at: number) => g.refused(at - gap + 2000, { class: 'tokens' }),
    ],
  ])('not with %s', (_, between) => {
    const g = group()
    for (const n of [0, 1, 2]) expect(g.refused(n * gap, { class: 'tokens' }).exhausted).toBe(false)
    between(g, 3 * gap)
    expect(g.refused(3 * gap + 10, { class: 'tokens' }).exhausted).toBe(false)
  })

  test('not of requests, surge or capacity', () => {
    for (const kind of ['requests', 'surge', 'capacity'] as const) {
      const { refused } = group()
      for (let n = 0; n < 6; n++) expect(refused(n * gap, { class: kind }).exhausted).toBe(false)
    }
  })

  test('stale answers are no further window', () => {
    const { refused } = group()
    for (let n = 0; n < 3; n++) refused(n * gap, { class: 'tokens' })
    for (let i = 0; i < 5; i++) expect(refused(100, { now: 2 * gap + 5, class: 'tokens' }).exhausted).toBe(false)
  })
})
