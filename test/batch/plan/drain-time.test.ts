import { describe, expect, test } from 'vitest'
import { type Amounts, countedOutput, drainOf, neverPasses } from '../../../src/batch/plan/drain-time.js'
import { createLimiter } from '../../../src/index.js'
import { withPerSecond } from '../../../src/limits/resolve-limits.js'
import { profiles } from '../../../src/throttling/profiles.js'
import type { Limits, Profile } from '../../../src/types.js'
import { seeded } from '../../support/seeded.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const PACE = { profile: profiles['model-studio'], networkJitterMs: 50 }

/** Minutes from the first start to the last, as the limiter itself paces these requests. */
async function really(requests: readonly Amounts[], limits: Limits, profile: Profile = PACE.profile): Promise<number> {
  const clock = new VirtualClock()
  const limiter = createLimiter({ limits: { m: limits }, clock, networkJitterMs: 50, profile, random: () => 0.5 })
  const starts: number[] = []
  const sent = requests.map(({ inputTokens, outputTokens }) =>
    limiter.schedule({ model: 'm', inputTokens, tokens: inputTokens + outputTokens }, async () => {
      starts.push(clock.now())
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 500))
      return { usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens } }
    }),
  )
  await clock.run()
  await Promise.all(sent)
  await limiter.close()
  expect(starts).toHaveLength(requests.length)
  return (Math.max(...starts) - Math.min(...starts)) / 60_000
}

/** Sizes as prompts have: log-normal around a median; a tenth of each is output. */
function sized(count: number, median: number, sigma: number, most = 60_000): Amounts[] {
  const random = seeded(count + median)
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const tokens = Math.max(2, Math.min(most, Math.round(median * Math.exp(sigma * normal))))
    const outputTokens = Math.floor(tokens / 10)
    return { inputTokens: tokens - outputTokens, outputTokens }
  })
}

describe('drainOf and the limiter itself', () => {
  test('1,319 requests at 600 a minute', async () => {
    const requests = sized(1319, 100, 0.5)
    const limits = { rpm: 600, tpm: 1_000_000 }
    const drain = drainOf(requests, withPerSecond(limits, true), PACE)
    const real = await really(requests, limits)
    expect(drain.binding).toBe('rps')
    expect(drain.minutes).toBeCloseTo((1319 / 600) * 1.05, 3)
    expect(Math.abs(drain.minutes / real - 1)).toBeLessThan(0.01)
  })

  test.each([
    ['requests, fractions a second', 200, 100, 0.5, { rpm: 100, tpm: 1_000_000 }, 'rps'],
    ['requests, one a second', 200, 100, 0.5, { rpm: 60, tpm: 1_000_000 }, 'rps'],
    ['small requests', 2000, 500, 0.6, { rpm: 30_000, tpm: 1_000_000 }, 'tps'],
    ['a chat', 600, 800, 0.8, { rpm: 600, tpm: 100_000 }, 'tps'],
    ['short chats', 800, 170, 0.8, { rpm: 3000, tpm: 100_000 }, 'tps'],
    ['long prompts', 600, 8300, 0.6, { rpm: 600, tpm: 1_000_000 }, 'tps'],
    ['prompts beyond a second', 300, 40_000, 0.6, { rpm: 600, tpm: 1_000_000 }, 'tps'],
    ['one size, three a second and a rest', 300, 5000, 0, { rpm: 600, tpm: 1_000_000 }, 'tps'],
    ['one size, one a second and a rest', 300, 11_000, 0, { rpm: 600, tpm: 1_000_000 }, 'tps'],
    ['one size, two seconds each', 150, 33_000, 0, { rpm: 600, tpm: 1_000_000 }, 'tps'],
    ['sizes of all kinds', 600, 3000, 1.2, { rpm: 3000, tpm: 1_000_000 }, 'tps'],
  ] as const)('%s', async (_name, count, median, sigma, limits, binding) => {
    const requests = sized(count, median, sigma)
    const drain = drainOf(requests, withPerSecond(limits, true), PACE)
    const real = await really(requests, limits)
    expect(drain.binding).toBe(binding)
    expect(Math.abs(drain.minutes / real - 1)).toBeLessThan(0.03)
  })

  test.each([
    ['requests', 2000, 100, { rpm: 600 }, 'rpm'],
    ['tokens', 800, 800, { rpm: 6000, tpm: 100_000 }, 'tpm'],
    ['input', 800, 800, { rpm: 6000, inputTpm: 90_000, outputTpm: 90_000 }, 'inputTpm'],
  ] as const)('limits a minute alone: %s', async (_name, count, median, limits, binding) => {
    const requests = sized(count, median, 0.8)
    const profile = { ...PACE.profile, perSecond: false }
    const drain = drainOf(requests, limits, { profile, networkJitterMs: 50 })
    expect(drain.binding).toBe(binding)
    expect(Math.abs(drain.minutes / (await really(requests, limits, profile)) - 1)).toBeLessThan(0.03)
  })

  test.each(['fixed', 'bucket', 'counter'] as const)('a service known to count seconds by %s', async (secondWindow) => {
    const requests = sized(600, 1500, 0.8)
    const limits = { rpm: 6000, tpm: 600_000 }
    const profile = { ...PACE.profile, secondWindow }
    const drain = drainOf(requests, withPerSecond(limits, true), { profile, networkJitterMs: 50 })
    expect(Math.abs(drain.minutes / (await really(requests, limits, profile)) - 1)).toBeLessThan(
      secondWindow === 'counter' ? 0.04 : 0.03,
    )
  })
})

describe('drainOf', () => {
  const hundred = Array.from({ length: 100 }, () => ({ inputTokens: 10, outputTokens: 0 }))

  test('is nothing without limits, or without requests', () => {
    expect(drainOf(hundred, {}, PACE)).toEqual({ minutes: 0, binding: undefined, byLimit: {} })
    expect(drainOf([], { rpm: 60 }, PACE)).toMatchObject({ minutes: 0, binding: undefined })
  })

  test('says what each limit would take', () => {
    const { byLimit, minutes } = drainOf(hundred, { rpm: 100, tpm: 500 }, { ...PACE, networkJitterMs: 0 })
    expect(byLimit.rpm).toBeCloseTo(1, 9)
    expect(byLimit.tpm).toBeCloseTo(2, 9)
    expect(minutes).toBe(byLimit.tpm)
  })

  test('is longer with a larger spread', () => {
    const seconds = { rps: 10 }
    const at = (networkJitterMs: number) => drainOf(hundred, seconds, { ...PACE, networkJitterMs }).minutes * 60
    expect(at(0)).toBeCloseTo(10, 9)
    expect(at(200)).toBeCloseTo(12, 9)
  })

  test('counts concurrency where the time of an answer is known', () => {
    expect(drainOf(hundred, { concurrency: 5 }, PACE).minutes).toBe(0)
    const drain = drainOf(hundred, { concurrency: 5 }, { ...PACE, answerMs: 3000 })
    expect(drain).toMatchObject({ minutes: 1, binding: 'concurrency' })
  })

  test('counts output that is charged with the answer among the same tokens', () => {
    const profile = { ...PACE.profile, outputAccounting: 'completion' } as const
    const requests = sized(200, 1000, 0.5)
    const late = drainOf(requests, { tps: 10_000 }, { profile, networkJitterMs: 50 })
    expect(late.minutes).toBe(drainOf(requests, { tps: 10_000 }, PACE).minutes)
  })
})

describe('what cannot pass', () => {
  test('is an input above a minute; output is cut to what is left', () => {
    expect(neverPasses(1000, { tpm: 1000, inputTpm: 1000 })).toBeUndefined()
    expect(neverPasses(1001, { tpm: 1000 })).toBe('tpm')
    expect(neverPasses(901, { tpm: 1000, inputTpm: 900 })).toBe('inputTpm')
    expect(neverPasses(1e9, { tps: 5, rpm: 1 })).toBeUndefined()
    expect(countedOutput({ inputTokens: 900, outputTokens: 500 }, { tpm: 1000 })).toBe(100)
    expect(countedOutput({ inputTokens: 900, outputTokens: 500 }, { outputTpm: 30 })).toBe(30)
    expect(countedOutput({ inputTokens: 900, outputTokens: 500 }, {})).toBe(500)
  })
})
