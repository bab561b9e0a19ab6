import { describe, expect, test } from 'vitest'
import {
  createLimiter,
  InvalidLimits,
  InvalidRequest,
  profiles,
  type LimiterOptions,
  type Profile,
} from '../../src/index.js'
import { VirtualClock } from '../support/virtual-clock.js'

const create = (options: unknown) => () => createLimiter(options as LimiterOptions)

describe('createLimiter', () => {
  test('takes nothing, an empty object, and undefined for each', () => {
    for (const options of [
      undefined,
      {},
      { limits: undefined, maxQueue: undefined, clock: undefined, random: undefined },
    ]) {
      expect(createLimiter(options).limitsOf('qwen-flash').rpm).toBe(600)
    }
  })

  test.each<[options: unknown, message: string]>([
    [null, 'give an object, or nothing'],
    ['model-studio/beijing', 'give an object, or nothing'],
    [
      { maxRetires: 3 },
      "createLimiter has no option 'maxRetires'. Did you mean 'maxRetries'? There are limits, overrides,",
    ],
    [{ maxRetries: -1 }, 'maxRetries is -1: give a whole number, 0 or more'],
    [{ maxRetries: 1.5 }, 'maxRetries is 1.5'],
    [{ maxRetries: Infinity }, 'maxRetries is Infinity'],
    [{ maxRetries: '4' }, 'maxRetries is 4'],
    [{ maxQueue: -1 }, 'maxQueue is -1: give a whole number, 0 or more, or Infinity'],
    [{ maxQueue: Number.NaN }, 'maxQueue is NaN'],
    [{ maxQueue: 0.5 }, 'maxQueue is 0.5'],
    [{ networkJitterMs: -1 }, 'networkJitterMs is -1: give milliseconds from 0 to 10,000'],
    [{ networkJitterMs: 10_001 }, 'networkJitterMs is 10001'],
    [{ networkJitterMs: Number.NaN }, 'networkJitterMs is NaN'],
    [{ networkJitterMs: '50' }, 'networkJitterMs is 50'],
    [{ perSecond: 1 }, 'perSecond is 1: give true or false'],
    [{ startFull: 'yes' }, 'startFull is yes: give true or false'],
    [{ unknownModel: 'ignore' }, "unknownModel is ignore: give 'conservative', 'unlimited' or 'reject'"],
    [{ fallback: { a: 'b' } }, "fallback of 'a' is no list of model names: give { 'a': ['its-backup'] }"],
    [{ fallback: { a: ['b', ''] } }, "fallback of 'a'"],
    [{ fallback: { a: [5] } }, "fallback of 'a'"],
    [{ fallback: ['a', 'b'] }, 'fallback'],
    [{ fallback: 5 }, 'fallback'],
    [{ fallback: new Map([['a', ['b']]]) }, 'fallback is [object Map]'],
    [[], 'give an object, or nothing'],
    [{ profile: 'dashscope' }, "profile is 'dashscope': give one of model-studio, openai, azure, or a Profile"],
    [{ profile: 'toString' }, "profile is 'toString'"],
    [{ profile: 5 }, 'profile is 5'],
    [{ profile: { ...profiles.openai, windowPhase: 'utc' } }, 'profile.windowPhase is utc: give one of clock'],
    [{ profile: {} }, 'profile.minuteWindow is undefined: give one of unknown, fixed, sliding, bucket, counter'],
    [
      { profile: { ...profiles.openai, secondWindow: 'counters' } },
      'profile.secondWindow is counters: give one of unknown, fixed, sliding, bucket, counter',
    ],
    [{ profile: { ...profiles.openai, rejectedCost: 2 } }, 'profile.rejectedCost is 2: give one of 0, 1'],
    [{ profile: { ...profiles.openai, insufficientQuota: 'x' } }, 'profile.insufficientQuota is x'],
    [{ estimator: 5 }, 'estimator is no function'],
    [{ random: 0.5 }, 'random is no function'],
    [{ tokenizer: () => 5 }, 'tokenizer has no count(text)'],
    [{ clock: Date }, 'clock has no setTimeout()'],
    [{ clock: { now: () => 0, setTimeout } }, 'clock has no clearTimeout()'],
  ])('%j: %s', (options, message) => {
    expect(create(options)).toThrow(InvalidRequest)
    expect(create(options)).toThrow(message)
  })

  test.each<[options: unknown, message: string]>([
    [{ limits: 'model-studio/bejing' }, "Did you mean 'model-studio/beijing'?"],
    [{ limits: { a: { rpm: -1 } } }, "limits: model 'a': rpm is -1"],
    [{ limits: null }, 'limits is null'],
    [{ overrides: { a: { rpm: Number.NaN } } }, "overrides: model 'a': rpm is NaN"],
    [{ overrides: { a: { rpm: '600' } } }, 'give a number, not text: 600'],
    [{ overrides: { a: { rmp: 600 } } }, "did you mean 'rpm'?"],
    [{ overrides: { a: { rpm: 0, tpm: 0 } } }, 'rpm is 0'],
  ])('%j: %s', (options, message) => {
    expect(create(options)).toThrow(InvalidLimits)
    expect(create(options)).toThrow(message)
  })
})

test('a profile may say sliding counters', () => {
  const profile: Profile = { ...profiles.openai, minuteWindow: 'counter', secondWindow: 'counter' }
  expect(create({ profile })).not.toThrow()
})

describe('limitsOf', () => {
  test('perSecond: true, false, and what the profile says', () => {
    const limits = { a: { rpm: 600, tpm: 60_000 } }
    const rps = (options: LimiterOptions) => createLimiter({ limits, ...options }).limitsOf('a').rps
    expect([rps({}), rps({ perSecond: true }), rps({ perSecond: false })]).toEqual([10, 10, undefined])
    expect([rps({ profile: 'openai' }), rps({ profile: 'openai', perSecond: true })]).toEqual([undefined, 10])
    expect(rps({ profile: 'azure' })).toBe(10)
    const own: Profile = { ...profiles['model-studio'], name: 'mine', perSecond: false }
    expect(rps({ profile: own })).toBeUndefined()
    expect(rps({ profile: own, perSecond: true })).toBe(10)
  })

  test('overrides, field by field; Infinity lifts', () => {
    const limiter = createLimiter({
      limits: { a: { rpm: 600, tpm: 60_000, source: 'page', region: 'r', date: '2026-01' }, b: { rpm: 1 } },
      overrides: { a: { rpm: 60, tps: Infinity }, mine: { tpm: 5000 } },
    })
    expect(limiter.limitsOf('a')).toEqual({
      rpm: 60,
      tpm: 60_000,
      rps: 1,
      tps: undefined,
      inputTpm: undefined,
      outputTpm: undefined,
      thinkingTpm: undefined,
      concurrency: undefined,
      source: 'user',
    })
    expect(limiter.limitsOf('mine')).toMatchObject({ rpm: undefined, tpm: 5000, source: 'user' })
    expect(limiter.limitsOf('b').source).toBe('user')
  })

  test('a table’s name, and a row’s own words', () => {
    expect(createLimiter({ limits: 'model-studio/beijing' }).limitsOf('qwen-flash')).toMatchObject({
      rpm: 30_000,
      tpm: 10_000_000,
      source: expect.stringMatching(/^model-studio\/beijing: /),
    })
  })

  test('before and after the first request', async () => {
    const limiter = createLimiter({ limits: { a: { rpm: 60 } }, startFull: true, clock: new VirtualClock() })
    const before = limiter.limitsOf('a')
    await limiter.schedule({ model: 'a' }, () => 1)
    expect(limiter.limitsOf('a')).toEqual(before)
  })
})

describe('the start', () => {
  const firstAt = async (options: LimiterOptions) => {
    const clock = new VirtualClock(5000)
    const limiter = createLimiter({ limits: { a: { rpm: 600 } }, networkJitterMs: 0, clock, ...options })
    let at = -1
    void limiter.schedule({ model: 'a' }, () => (at = clock.now() - 5000))
    await clock.run()
    return at
  }

  test('is as if the last minute had been used, unless told otherwise', async () => {
    expect(await firstAt({})).toBe(100)
    expect(await firstAt({ startFull: true })).toBe(0)
  })

  test('the buckets have filled since the limiter was made, not since the first request', async () => {
    const clock = new VirtualClock()
    const limiter = createLimiter({ limits: { a: { rpm: 60 } }, clock, perSecond: false, networkJitterMs: 0 })
    await clock.advance(10_000)
    let started = 0
    for (let i = 0; i < 20; i++) void limiter.schedule({ model: 'a' }, () => started++)
    await clock.advance(0)
    expect(started).toBe(10)
    await clock.run()
    expect(started).toBe(20)
  })
})

test('a clock that jumps back stops nothing', async () => {
  const clock = new VirtualClock(1e6)
  const limiter = createLimiter({
    limits: { a: { rpm: 1 } },
    perSecond: false,
    startFull: true,
    networkJitterMs: 0,
    clock,
  })
  const started: number[] = []
  for (let i = 0; i < 3; i++) void limiter.schedule({ model: 'a' }, () => started.push(i)).catch(() => {})
  await clock.advance(10_000)
  clock.jump(-900_000)
  await clock.run()
  expect(started).toEqual([0, 1, 2])
  expect(clock.pending).toBe(0)
})

test('a clock may begin below 0', async () => {
  const clock = new VirtualClock(-3_600_000)
  const limiter = createLimiter({
    limits: { a: { rpm: 60 } },
    perSecond: false,
    startFull: true,
    networkJitterMs: 0,
    clock,
  })
  const started: number[] = []
  for (let i = 0; i < 61; i++) void limiter.schedule({ model: 'a' }, () => started.push(i))
  await clock.advance(0)
  expect(started).toHaveLength(60)
  await clock.advance(60_001)
  expect(started).toHaveLength(61)
})
