import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Charge } from '../../src/simulator/metering/charge.js'
import { enforcedLimits, limitNames } from '../../src/simulator/metering/enforced-limits.js'
import type { LimitName } from '../../src/simulator/metering/enforced-limits.js'
import { Throttle } from '../../src/simulator/metering/throttle.js'
import type { ThrottleSettings } from '../../src/simulator/metering/throttle.js'
import type { Limits } from '../../src/types.js'
import { runs } from '../support/runs.js'

const base: ThrottleSettings = {
  perSecond: true,
  minuteWindow: 'sliding',
  secondWindow: 'sliding',
  outputAccounting: 'completion',
  countsRejected: false,
}

function throttleOf(limits: Limits, settings: Partial<ThrottleSettings> = {}): Throttle {
  return new Throttle(limits, { ...base, ...settings }, 0)
}

/** 'in' if the request is admitted, or the limit that refuses it. */
function ask(throttle: Throttle, now: number, inputTokens = 1, maxOutputTokens = 0): LimitName | 'in' {
  const verdict = throttle.admit({ inputTokens, maxOutputTokens, maxThinkingTokens: 0 }, now)
  return typeof verdict === 'string' ? verdict : 'in'
}

function admitted(throttle: Throttle, now: number, inputTokens: number, maxOutputTokens = 0): Charge {
  const verdict = throttle.admit({ inputTokens, maxOutputTokens, maxThinkingTokens: 0 }, now)
  if (verdict instanceof Charge) return verdict
  throw new Error(`refused by ${verdict}`)
}

function times(count: number, ask: () => string): number {
  return Array.from({ length: count }, ask).filter((verdict) => verdict === 'in').length
}

describe('the enforced limits', () => {
  it('per second follow from those per minute, unless the row has its own or the option is off', () => {
    const none = Object.fromEntries(limitNames.map((name) => [name, Infinity]))
    expect(enforcedLimits({ rpm: 600, tpm: 6000 }, true)).toEqual({ ...none, rpm: 600, rps: 10, tpm: 6000, tps: 100 })
    expect(enforcedLimits({ rpm: 600, tpm: 6000 }, 'requests')).toEqual({ ...none, rpm: 600, rps: 10, tpm: 6000 })
    expect(enforcedLimits({ rpm: 600, tpm: 6000 }, false)).toEqual({ ...none, rpm: 600, tpm: 6000 })
    expect(enforcedLimits({ rpm: 600, rps: 3, tps: 7 }, false)).toEqual({ ...none, rpm: 600, rps: 3, tps: 7 })
    expect(enforcedLimits({ rpm: 600, rps: 30 }, true).rps).toBe(30)
  })
})

describe('limits on requests', () => {
  it.each(['sliding', 'fixed', 'bucket'] as const)('admit RPM/60 requests at once in a %s second', (secondWindow) => {
    const throttle = throttleOf({ rpm: 600 }, { secondWindow })
    expect(times(25, () => ask(throttle, 0))).toBe(10)
    expect(ask(throttle, 0)).toBe('rps')
    expect(times(25, () => ask(throttle, 1000))).toBe(10)
  })

  it.each(['sliding', 'fixed', 'bucket'] as const)('admit RPM requests in a %s minute', (minuteWindow) => {
    const throttle = throttleOf({ rpm: 7 }, { minuteWindow, secondWindow: 'off' })
    expect(times(20, () => ask(throttle, 100))).toBe(7)
    expect(ask(throttle, 100)).toBe('rpm')
    expect(times(20, () => ask(throttle, 60_100))).toBe(7)
  })

  it('round a fraction of a request per second up, to at least one', () => {
    expect(times(9, () => ask(sliding, 0))).toBe(2)
    expect(times(9, () => ask(slow, 0))).toBe(1)
    expect(ask(slow, 999)).toBe('rps')
    expect(ask(slow, 1000)).toBe('in')
  })
  const sliding = throttleOf({ rpm: 90 })
  const slow = throttleOf({ rpm: 30 })

  it('per second hold at least one request in a bucket, which drains at the exact rate', () => {
    const throttle = throttleOf({ rpm: 30 }, { secondWindow: 'bucket' })
    expect(times(9, () => ask(throttle, 0))).toBe(1)
    expect(ask(throttle, 1999)).toBe('rps')
    expect(ask(throttle, 2000)).toBe('in')
  })

  it('count a refused request only with countsRejected', () => {
    const lenient = throttleOf({ rpm: 2 }, { secondWindow: 'off' })
    const strict = throttleOf({ rpm: 2 }, { secondWindow: 'off', countsRejected: true })
    for (const throttle of [lenient, strict]) for (const now of [0, 0, 30_000]) ask(throttle, now)
    expect([ask(lenient, 60_000), ask(lenient, 60_000), ask(lenient, 60_000)]).toEqual(['in', 'in', 'rpm'])
    expect([ask(strict, 60_000), ask(strict, 60_000)]).toEqual(['in', 'rpm'])
  })
})

describe('limits on tokens', () => {
  it.each(['sliding', 'fixed', 'bucket'] as const)(
    'admit a request above a %s second only when that second is empty',
    (kind) => {
      const throttle = throttleOf({ tpm: 6000 }, { secondWindow: kind })
      expect(ask(throttle, 0, 1)).toBe('in')
      expect(ask(throttle, 0, 300)).toBe('tps')
      expect(ask(throttle, 1000, 300)).toBe('in')
      expect(ask(throttle, 1999, 1)).toBe('tps')
      // A window forgets the excess when it ends. A bucket drains it at 100 tokens per second.
      expect(ask(throttle, 2000, 100)).toBe(kind === 'bucket' ? 'tps' : 'in')
      expect(ask(throttle, kind === 'bucket' ? 4000 : 3000, 100)).toBe('in')
    },
  )

  it('refuse a request above the whole minute as tpm, whichever other limits are full', () => {
    const throttle = throttleOf({ rpm: 1, tpm: 6000 })
    expect(ask(throttle, 0, 6001)).toBe('tpm')
    expect(ask(throttle, 0, 6000)).toBe('in')
    expect(ask(throttle, 0, 6001)).toBe('tpm')
    expect(ask(throttle, 0, 5)).toBe('rpm')
  })

  it('charge nothing when one of them refuses', () => {
    const throttle = throttleOf({ rpm: 600, tpm: 6000 })
    ask(throttle, 0, 80)
    expect(times(50, () => ask(throttle, 0, 30))).toBe(0)
    const { rpm, rps, tpm, tps } = throttle.use(0)
    expect([rpm, rps, tpm, tps].map((window) => window?.used)).toEqual([1, 1, 80, 80])
  })

  it('charge output at the end, as it is generated, or reserved and corrected', () => {
    const used = (outputAccounting: ThrottleSettings['outputAccounting']): (number | undefined)[] => {
      const throttle = throttleOf({ tpm: 60_000 }, { outputAccounting })
      const charge = admitted(throttle, 0, 10, 500)
      const seen = [throttle.use(0).tpm?.used]
      charge.generate(30, 5000)
      seen.push(throttle.use(5000).tpm?.used, throttle.use(5000).tps?.used)
      charge.generate(10, 7000)
      charge.close(8000)
      charge.close(8000)
      charge.generate(99, 9000)
      seen.push(throttle.use(8000).tpm?.used, throttle.use(8000).tps?.used, throttle.use(60_000).tpm?.used)
      return seen
    }
    expect(used('completion')).toEqual([10, 10, 0, 50, 40, 40])
    expect(used('generated')).toEqual([10, 40, 30, 50, 0, 40])
    expect(used('reserved')).toEqual([510, 510, 0, 50, 0, 0])
  })

  it('count the longest output at admission when it is reserved', () => {
    const throttle = throttleOf({ tpm: 6000 }, { outputAccounting: 'reserved', secondWindow: 'off' })
    expect(ask(throttle, 0, 10, 5991)).toBe('tpm')
    admitted(throttle, 0, 10, 5990).close(0)
    expect(ask(throttle, 0, 10, 5980)).toBe('in')
    expect(ask(throttle, 0, 1)).toBe('tpm')
  })
})

describe('changed limits', () => {
  it('apply at once, and the windows keep their amounts', () => {
    const throttle = throttleOf({ rpm: 10 }, { secondWindow: 'off' })
    expect(times(20, () => ask(throttle, 0))).toBe(10)
    throttle.setLimits({ rpm: 12, tpm: 5 }, 0)
    expect([ask(throttle, 0, 5), ask(throttle, 0, 0), ask(throttle, 0, 0)]).toEqual(['in', 'in', 'rpm'])
    throttle.setLimits({ rpm: 3 }, 0)
    expect(ask(throttle, 59_999)).toBe('rpm')
    expect(times(20, () => ask(throttle, 60_000))).toBe(3)
    throttle.setLimits({}, 60_000)
    expect(times(20, () => ask(throttle, 60_000, 1e9))).toBe(20)
    expect(throttle.use(60_000)).toEqual({ rpm: { used: 0, peak: 12 }, tpm: { used: 0, peak: 5 } })
  })
})

interface Event {
  readonly at: number
  readonly tokens: number
}

/** The first limit that a sliding log of all admitted requests would exceed. */
function expectedVerdict(log: readonly Event[], tokens: number, now: number, limits: Limits): LimitName | 'in' {
  const bounds = enforcedLimits(limits, true)
  if (tokens > bounds.tpm) return 'tpm'
  const refusing = limitNames.find((name) => {
    const windowMs = name.endsWith('m') ? 60_000 : 1000
    const recent = log.filter(({ at }) => now - at < windowMs)
    if (name.startsWith('r')) return recent.length + 1 > (name === 'rps' ? Math.ceil(bounds.rps) : bounds.rpm)
    const used = recent.reduce((sum, event) => sum + event.tokens, 0)
    return used + tokens > bounds[name] && !(name === 'tps' && tokens > bounds.tps && used === 0)
  })
  return refusing ?? 'in'
}

describe('four sliding limits together', () => {
  it('admit exactly the requests that a brute-force count admits', () => {
    const steps = fc.array(
      fc.record({
        waitMs: fc.oneof(fc.nat(400), fc.constantFrom(0, 999, 1000, 20_000)),
        tokens: fc.oneof(fc.nat(40), fc.constantFrom(99, 100, 101, 1500, 6001)),
      }),
      { minLength: 20, maxLength: 200 },
    )
    const limits = fc.record({ rpm: fc.integer({ min: 60, max: 200 }), tpm: fc.constantFrom(600, 1200, 6000) })
    fc.assert(
      fc.property(limits, steps, (limits, steps) => {
        const throttle = throttleOf(limits)
        const log: Event[] = []
        let now = 0
        for (const { waitMs, tokens } of steps) {
          now += waitMs
          const verdict = ask(throttle, now, tokens)
          expect(verdict).toBe(expectedVerdict(log, tokens, now, limits))
          if (verdict === 'in') log.push({ at: now, tokens })
        }
      }),
      runs(300),
    )
  })
})
