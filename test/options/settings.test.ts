import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/options/settings.js'
import { profiles } from '../../src/throttling/profiles.js'
import type { LimiterOptions } from '../../src/index.js'
import { VirtualClock } from '../support/virtual-clock.js'

describe('the settings', () => {
  test('without options are the defaults', () => {
    const { limits, tenantWeights, clock, ...settings } = settingsOf({})
    expect(settings).toEqual({
      overrides: {},
      perSecond: undefined,
      fallback: {},
      fallbackAfterWaitMs: undefined,
      maxRetries: 4,
      maxRetriesOfClients: undefined,
      maxQueue: Infinity,
      maxBackfillDelayMs: 2000,
      networkJitterMs: 'learn',
      profile: undefined,
      defaultProfile: profiles['model-studio'],
      unknownModel: 'conservative',
      probeHigherLimits: false,
      estimator: undefined,
      tokenizer: undefined,
      startFull: false,
      random: Math.random,
    })
    expect(limits.name).toBe('model-studio/singapore')
    expect(tenantWeights('any')).toBe(1)
    expect(clock.now()).toBeGreaterThan(0)
  })

  test('are the options where these are given, 0 and false too', () => {
    const given = {
      perSecond: false,
      fallbackAfterWaitMs: 0,
      maxRetries: 0,
      maxQueue: 0,
      maxBackfillDelayMs: 0,
      networkJitterMs: 0,
      unknownModel: 'reject',
      probeHigherLimits: true,
      startFull: true,
      random: () => 0,
      estimator: () => ({}),
      tokenizer: { count: () => 1 },
    } satisfies LimiterOptions
    expect(settingsOf(given)).toMatchObject({ ...given, maxRetriesOfClients: 0 })
    expect(settingsOf({ profile: 'azure' })).toMatchObject({
      profile: profiles.azure,
      defaultProfile: profiles.azure,
    })
  })

  test('have every option under its name', () => {
    const names: Record<keyof LimiterOptions, true> = {
      limits: true,
      overrides: true,
      perSecond: true,
      fallback: true,
      fallbackAfterWaitMs: true,
      maxRetries: true,
      maxQueue: true,
      maxBackfillDelayMs: true,
      tenantWeights: true,
      networkJitterMs: true,
      profile: true,
      unknownModel: true,
      probeHigherLimits: true,
      estimator: true,
      tokenizer: true,
      startFull: true,
      clock: true,
      random: true,
    }
    expect(Object.keys(settingsOf({}))).toEqual(expect.arrayContaining(Object.keys(names)))
  })

  test('weigh tenants by name, and others 1', () => {
    const { tenantWeights } = settingsOf({ tenantWeights: { web: 3, __proto__: null } as never })
    expect(['web', 'other', 'toString', undefined].map(tenantWeights)).toEqual([3, 1, 1, 1])
  })

  test('have a clock that never runs backward', () => {
    const clock = new VirtualClock(5000)
    const settings = settingsOf({ clock })
    const before = settings.clock.now()
    clock.jump(-1000)
    expect(settings.clock.now()).toBe(before)
  })

  test('are frozen, and what is set of tables and weights afterwards changes nothing', () => {
    const overrides = { a: { rpm: 60 } }
    const tenantWeights = { web: 3 }
    const options: { maxRetries: number } & LimiterOptions = { overrides, tenantWeights, maxRetries: 1 }
    const settings = settingsOf(options)
    overrides.a.rpm = 5
    tenantWeights.web = 5
    options.maxRetries = 5
    expect(settings).toMatchObject({ overrides: { a: { rpm: 60 } }, maxRetries: 1 })
    expect(settings.tenantWeights('web')).toBe(3)
    expect([Object.isFrozen(settings), Object.isFrozen(settings.overrides)]).toEqual([true, true])
  })

  test('read each option once: what was checked is what holds', () => {
    let reads = 0
    const options = {
      get maxRetries() {
        return ++reads
      },
    }
    expect(settingsOf(options).maxRetries).toBe(1)
    expect(reads).toBe(1)
  })

  test('keep a copy of a profile: what is written into it afterwards changes nothing', () => {
    const profile = { ...profiles.openai }
    const settings = settingsOf({ profile })
    Object.assign(profile, { rejectedCost: 1 })
    expect(settings.profile?.rejectedCost).toBe(profiles.openai.rejectedCost)
  })
})
