import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PhaseUs } from '../../../src/quota/clock-phase.js'
import { AlignedWindow } from '../../../src/quota/windows/aligned-window.js'
import { ModelGate } from '../../../src/quota/model-gate.js'
import { profileOf, tokens } from '../../property/traffic.js'
import { cases } from '../../support/long.js'
import { runs } from '../../support/runs.js'

const SECOND = 1_000_000
const JITTER = 50_000
const LIMIT = 100

/** Counted 300 to 400 ms later by the service's clock, a minute ahead. */
const phase: PhaseUs = { fromUs: 60_300_000, toUs: 60_400_000, untilUs: Infinity }

function windowOf(takesLargeAlone = false): AlignedWindow {
  return new AlignedWindow({ limit: LIMIT, spanUs: SECOND + JITTER, takesLargeAlone }, SECOND, 1)
}

function known(takesLargeAlone = false): AlignedWindow {
  const window = windowOf(takesLargeAlone)
  window.setClockPhase(phase, 0)
  return window
}

describe('a window that begins by the server’s clock', () => {
  test('is an exact window of W + J while the phase is not known', () => {
    const window = windowOf()
    window.charge(60, 0, 1)
    expect([window.hasRoom(40, 0), window.hasRoom(41, 0)]).toEqual([true, false])
    expect(window.earliestUs(41, 0)).toBe(SECOND + JITTER)
    expect(window.nextExpiryUs(0)).toBe(SECOND + JITTER)
    expect(window.used(SECOND + JITTER)).toBe(0)
  })

  test('has all its room again as soon as a request is certain to be counted in the next one', () => {
    const window = known()
    window.charge(100, 0, 1)
    expect(window.earliestUs(1, 0)).toBe(700_000)
    expect([window.used(699_999), window.hasRoom(1, 699_999)]).toEqual([100, false])
    expect([window.used(700_000), window.hasRoom(100, 700_000)]).toEqual([0, true])
  })

  test('counts in both what may be counted in either', () => {
    const window = known()
    window.charge(10, 599_999, 1)
    window.charge(20, 600_000, 2)
    expect(window.used(650_000)).toBe(30)
    expect(window.used(700_000)).toBe(20)
    expect(window.earliestUs(100, 700_000)).toBe(1_700_000)
  })

  test('gives back from every window in which a charge counts', () => {
    const window = known()
    window.charge(20, 600_000, 1)
    window.refund(15, 1, 650_000)
    expect([window.used(650_000), window.used(700_000)]).toEqual([5, 5])
    window.refund(5, 1, 700_000)
    expect(window.used(700_000)).toBe(0)
    window.charge(7, 800_000, 2)
    window.refund(7, 2, 1_700_000)
    expect(window.used(1_700_000)).toBe(0)
  })

  test('counts anew what was charged before it knew, and when it knows better', () => {
    const window = windowOf()
    window.charge(30, 650_000, 1)
    window.setClockPhase(phase, 660_000)
    expect(window.used(700_000)).toBe(30)
    // It was counted in the first window, and this one is over.
    window.setClockPhase({ ...phase, toUs: 60_340_000 }, 700_000)
    expect(window.used(700_000)).toBe(0)
    window.setClockPhase({ ...phase, fromUs: 60_200_000 }, 700_000)
    expect(window.used(700_000)).toBe(30)
  })

  test('goes back to W + J once nothing is known any more', () => {
    const window = windowOf()
    window.setClockPhase({ ...phase, untilUs: 650_000 }, 0)
    window.charge(100, 500_000, 1)
    expect(window.earliestUs(1, 500_000)).toBe(500_000 + SECOND + JITTER)
    const configured = known()
    configured.charge(100, 500_000, 1)
    configured.setClockPhase(undefined, 600_000)
    expect(configured.earliestUs(1, 600_000)).toBe(500_000 + SECOND + JITTER)
    configured.setClockPhase({ fromUs: 0, toUs: SECOND, untilUs: Infinity }, 600_000)
    expect(configured.earliestUs(1, 600_000)).toBe(500_000 + SECOND + JITTER)
  })

  test('lets what is above its limit go alone in an empty window, and leaves a debt for that one only', () => {
    const window = known(true)
    window.charge(1, 0, 1)
    expect(window.earliestUs(500, 0)).toBe(700_000)
    window.charge(500, 700_000, 2)
    expect(window.earliestUs(1, 700_000)).toBe(1_700_000)
    expect(window.hasRoom(100, 1_700_000)).toBe(true)
    expect(known().earliestUs(101, 0)).toBe(Infinity)
  })
})

test('what waits behind others fits into no window that they leave too little of', () => {
  const window = known()
  window.charge(100, 0, 1)
  const starts = [10, 60, 160, 190, 290].map((ahead) => window.afterUs(ahead, 50, 0))
  expect(starts).toEqual([700_000, 1_700_000, 2_700_000, 2_700_000, 3_700_000])
  expect(known().afterUs(50, 50, 0)).toBe(0)
})

test('takes another J for what it does not know, and another limit at once', () => {
  const window = windowOf()
  window.charge(60, 0, 1)
  window.setRule({ limit: 50, spanUs: SECOND + 2 * JITTER, takesLargeAlone: false })
  expect(window.earliestUs(1, 0)).toBe(SECOND + 2 * JITTER)
  window.setClockPhase(phase, 0)
  expect([window.hasRoom(1, 699_999), window.hasRoom(51, 700_000), window.hasRoom(50, 700_000)]).toEqual([
    false,
    false,
    true,
  ])
})

/** The rule said in another way: for each window that a request may fall into, the sum of all that may have. */
class Oracle {
  readonly log: { at: number; amount: number; isForgotten: boolean }[] = []
  phase: PhaseUs | undefined
  readonly span: number
  readonly large: boolean

  constructor(span: number, large: boolean) {
    this.span = span
    this.large = large
  }

  tell(phase: PhaseUs | undefined, now: number): void {
    this.phase = phase
    for (const entry of this.log) if (entry.at <= now - this.span) entry.isForgotten = true
  }

  sums(at: number): number[] {
    const { phase } = this
    if (phase === undefined || at >= phase.untilUs) {
      return [sum(this.log.filter((entry) => entry.at > at - this.span))]
    }
    const windows = (us: number) => [Math.floor((us + phase.fromUs) / SECOND), Math.floor((us + phase.toUs) / SECOND)]
    const [first, last] = windows(at)
    return [first!, last!].map((k) =>
      sum(this.log.filter((entry) => !entry.isForgotten && windows(entry.at)[0]! <= k && k <= windows(entry.at)[1]!)),
    )
  }

  fits(amount: number, at: number): boolean {
    return this.sums(at).every((held) => held + amount <= LIMIT || (this.large && amount > LIMIT && held === 0))
  }

  earliest(amount: number, now: number): number {
    if (amount > LIMIT && !this.large) return Infinity
    const at = [now, ...this.log.map((entry) => entry.at + this.span)]
    if (this.phase !== undefined) {
      const { fromUs, untilUs } = this.phase
      const start = Math.floor((now + fromUs) / SECOND) * SECOND
      at.push(untilUs, ...[1, 2, 3].map((n) => start + n * SECOND - fromUs))
    }
    return (
      at
        .filter((us) => us >= now && us < Infinity)
        .toSorted((a, b) => a - b)
        .find((us) => this.fits(amount, us)) ?? Infinity
    )
  }
}

const sum = (entries: readonly { amount: number }[]) => entries.reduce((all, { amount }) => all + amount, 0)

const step = fc.oneof(
  {
    arbitrary: fc.record({
      does: fc.constant('ask' as const),
      amount: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 130 })),
      waits: fc.boolean(),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({
      does: fc.constant('idle' as const),
      us: fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 3_000_000 })),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      does: fc.constant('refund' as const),
      which: fc.nat(30),
      amount: fc.integer({ min: 1, max: 60 }),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      does: fc.constant('tell' as const),
      offset: fc.constantFrom(0, 350_000, 999_999, -7_777_777, 1_790_000_000_000_000),
      moves: fc.integer({ min: -60_000, max: 60_000 }),
      width: fc.oneof(fc.constantFrom(0, 999_999), fc.integer({ min: 0, max: 200_000 })),
      validUs: fc.constantFrom(Infinity, Infinity, 900_000, 0),
      isKnown: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    }),
    weight: 1,
  },
)

test('the time that is answered is exact, whatever is told, charged and given back', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 60, size: 'max' }), (large, steps) => {
      const window = windowOf(large)
      const oracle = new Oracle(SECOND + JITTER, large)
      let now = 5
      for (const each of steps) {
        if (each.does === 'idle') now += each.us
        else if (each.does === 'tell') {
          const fromUs = each.offset + each.moves
          const configured = { fromUs, toUs: fromUs + each.width, untilUs: now + each.validUs }
          oracle.tell(each.isKnown ? configured : undefined, now)
          window.setClockPhase(each.isKnown ? configured : undefined, now)
        } else if (each.does === 'refund') {
          if (oracle.log.length === 0) continue
          const which = each.which % oracle.log.length
          const entry = oracle.log[which]!
          const given = Math.min(each.amount, entry.amount)
          // It is the gate that gives back no more than was charged.
          if (given > 0) window.refund(given, which + 1, now)
          if (entry.at > now - oracle.span) entry.amount -= given
        } else {
          const at = window.earliestUs(each.amount, now)
          expect(at).toBe(oracle.earliest(each.amount, now))
          if (window.hasRoom(each.amount, now)) expect(at).toBe(now)
          if (each.waits && at < Infinity) now = at
          expect(window.used(now)).toBe(oracle.sums(now)[0])
          if (at > now) continue
          oracle.log.push({ at: now, amount: each.amount, isForgotten: false })
          window.charge(each.amount, now, oracle.log.length)
        }
      }
    }),
    runs(cases(500, 3000)),
  )
})

test('says when requests can start after those that wait before them', () => {
  const rest = fc.record({ sent: fc.nat(20), us: fc.integer({ min: 0, max: 2_000_000 }), ahead: fc.nat(60) })
  fc.assert(
    fc.property(rest, fc.integer({ min: 1, max: 12 }), ({ sent, us, ahead }, rps) => {
      const profile = { ...profileOf('fixed'), windowPhase: 'clock' } as const
      const gate = new ModelGate(
        {
          limits: { rps: rps < 3 ? 3 : rps },
          profile,
          networkJitterMs: 50,
          phase: { fromMs: 300, toMs: 400, untilMs: Infinity },
          idleSince: -Infinity,
        },
        0,
      )
      let now = 0
      const admitAll = (count: number) => {
        for (let i = 0; i < count; i++) {
          for (
            let answer = gate.admit(tokens(0), now);
            answer.kind === 'not-before';
            answer = gate.admit(tokens(0), now)
          ) {
            now = answer.at
          }
        }
      }
      admitAll(sent)
      now += us / 1000
      const answer = gate.earliest(tokens(0), now, tokens(0, ahead))
      admitAll(ahead + 1)
      expect(answer).toMatchObject({ kind: 'not-before' })
      expect('at' in answer && Math.round(answer.at * 1000)).toBe(Math.round(now * 1000))
    }),
    runs(cases(300, 1000)),
  )
})
