import * as fc from 'fast-check'
import { ModelGate } from '../../src/quota/model-gate.js'
import type { Cost, Limits, Profile, WindowKind } from '../../src/types.js'
import type { Row } from '../support/oracle.js'

export function profileOf(window: WindowKind): Profile {
  return {
    name: 'test',
    minuteWindow: window,
    secondWindow: window,
    perSecond: true,
    rejectedCost: 0,
    insufficientQuota: 'tokens',
  }
}

export function limitsOf({ rpm, tpm, perSecond }: Row): Limits {
  return {
    ...(rpm !== undefined && { rpm }),
    ...(tpm !== undefined && { tpm }),
    ...(rpm !== undefined && perSecond && { rps: rpm / 60 }),
    ...(tpm !== undefined && perSecond && { tps: tpm / 60 }),
  }
}

/** A gate that has been idle since `startUs`, its buckets empty then. */
export function gateOf(row: Row, jitterUs: number, startUs: number, window: WindowKind = 'unknown'): ModelGate {
  const options = {
    limits: limitsOf(row),
    profile: profileOf(window),
    networkJitterMs: jitterUs / 1000,
    idleSince: startUs / 1000,
  }
  return new ModelGate(options, startUs / 1000)
}

export function tokens(inputTokens: number, requests = 1): Cost {
  return { requests, inputTokens, outputTokens: 0, thinkingTokens: 0 }
}

const rpm = fc.oneof(
  fc.constantFrom(1, 10, 59, 60, 61, 100, 119, 120, 150, 179, 180, 200, 600, 30_000),
  fc.integer({ min: 1, max: 2000 }),
)
/** So few that time is counted in whole microseconds, and every answer is exact to one. */
const fineTpm = fc.oneof(
  fc.constantFrom(1, 30, 60, 90, 100, 6000, 100_000, 5_000_000),
  fc.integer({ min: 1, max: 70_000_000 }),
)
export const coarseTpm = fc.oneof(fc.constantFrom(75_000_000, 1_000_000_000), fc.integer({ min: 75e6, max: 1e9 }))

function rowOf(tpm: fc.Arbitrary<number>): fc.Arbitrary<Row> {
  return fc.oneof(
    fc.record({ rpm, perSecond: fc.boolean() }),
    fc.record({ tpm, perSecond: fc.boolean() }),
    fc.record({ rpm, tpm, perSecond: fc.boolean() }),
  )
}

/** So slow that debts of many minutes are kept in full: a bucket cuts them off where its integers end. */
export const modestRow = rowOf(fc.oneof(fc.constantFrom(1, 60, 6000, 100_000), fc.integer({ min: 1, max: 2_000_000 })))
export const anyRow = rowOf(fc.oneof({ arbitrary: fineTpm, weight: 3 }, coarseTpm))

/** J in µs. Above a second's length no second's bucket could keep any depth. */
export const jitter = fc.oneof(
  fc.constantFrom(0, 1, 10_000, 50_000, 200_000, 500_000),
  fc.integer({ min: 0, max: 900_000 }),
)
export const start: fc.Arbitrary<number> = fc.constantFrom(0, 1_234_567, 86_400_000_000)

/** A size relative to the row it is asked of. */
export interface Size {
  readonly of: 'one' | 'few' | 'second' | 'seconds' | 'minute' | 'whole second' | 'whole minute'
  readonly share: number
}

const share = fc.double({ min: 0, max: 1, noNaN: true })
export const size: fc.Arbitrary<Size> = fc.record({
  of: fc.oneof(
    { arbitrary: fc.constantFrom('one' as const, 'few' as const), weight: 2 },
    { arbitrary: fc.constant('second' as const), weight: 4 },
    { arbitrary: fc.constant('seconds' as const), weight: 2 },
    { arbitrary: fc.constantFrom('minute' as const, 'whole second' as const, 'whole minute' as const), weight: 1 },
  ),
  share,
})

export function amountOf({ of, share }: Size, row: Row): number {
  const tpm = row.tpm ?? 6000
  const base = { one: 0, few: 10, second: tpm / 60, seconds: tpm / 12, minute: tpm }
  switch (of) {
    case 'whole second':
      return Math.max(1, Math.floor(tpm / 60))
    case 'whole minute':
      return tpm
    default:
      return Math.max(1, Math.min(tpm, Math.ceil(base[of] * share)))
  }
}

export type Step =
  /** Ask for `size`, and where `waits`, again at the time that the answer names. */
  | { readonly does: 'ask'; readonly size: Size; readonly waits: boolean }
  | { readonly does: 'idle'; readonly us: number }
  /** Settle the `which`-th of those in flight at `share` of what it reserved. */
  | { readonly does: 'settle'; readonly which: number; readonly share: number }
  | { readonly does: 'hold'; readonly us: number; readonly empties: 'requests' | 'tokens' | 'all' | 'none' }

const ask = fc.record({ does: fc.constant('ask' as const), size, waits: fc.boolean() })
const idle = fc.record({
  does: fc.constant('idle' as const),
  us: fc.oneof(
    { arbitrary: fc.integer({ min: 0, max: 10 }), weight: 1 },
    { arbitrary: fc.integer({ min: 0, max: 2_000_000 }), weight: 4 },
    { arbitrary: fc.integer({ min: 0, max: 200_000_000 }), weight: 1 },
  ),
})
const settleAt = (most: number): fc.Arbitrary<Step> =>
  fc.record({
    does: fc.constant('settle' as const),
    which: fc.nat(30),
    share: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: most, noNaN: true })),
  })
const hold = fc.record({
  does: fc.constant('hold' as const),
  us: fc.oneof(fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 0, max: 900_000_000 })),
  empties: fc.constantFrom('requests' as const, 'tokens' as const, 'all' as const, 'none' as const),
})

/**
 * Bursts and waits, idle gaps, settlements early and late, from an empty bucket or a full one; `excess` up to twice the
 * reservation, `holds` as well.
 */
export function traffic(options: { excess?: boolean; holds?: boolean; maxLength?: number } = {}): fc.Arbitrary<Step[]> {
  const { excess = false, holds = false, maxLength = 60 } = options
  const steps = fc.array<Step>(
    fc.oneof<fc.WeightedArbitrary<Step>[]>(
      { arbitrary: ask, weight: 8 },
      { arbitrary: idle, weight: 3 },
      { arbitrary: settleAt(excess ? 2 : 1), weight: 4 },
      ...(holds ? [{ arbitrary: hold, weight: 1 }] : []),
    ),
    { minLength: 1, maxLength, size: 'max' },
  )
  const idleFirst = fc.constantFrom(0, 59_970_000, 200_000_000)
  return fc.tuple(idleFirst, steps).map(([us, steps]) => (us === 0 ? steps : [{ does: 'idle', us }, ...steps]))
}
