import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidLimits, InvalidRequest } from '../../src/errors.js'
import { builtInTables } from '../../src/limits/built-in-tables.js'
import { LIMIT_FIELDS } from '../../src/limits/limit-fields.js'
import { mergeLimits, resolveLimits, withPerSecond } from '../../src/limits/resolve-limits.js'
import type { Limits, LimitsTable } from '../../src/types.js'
import { anyLimits, finiteLimits, modelName } from './arbitraries.js'
import { runs } from '../support/runs.js'

const NONE = Object.fromEntries(LIMIT_FIELDS.map((field) => [field, undefined]))
const table: LimitsTable = {
  live: { rpm: 600, tpm: 1_200_000, source: 'a page', region: 'here', date: '2026-02' },
  embedding: { rps: 30, tpm: 1_200_000 },
  retired: { rpm: 0, tpm: 0, date: '2026' },
  open: { rpm: Infinity },
}

describe('a model of the table', () => {
  test('has the limits of its row, the derived limits per second, and all eight fields', () => {
    const source = 'my table: a page (here, 2026-02)'
    expect(resolveLimits('live', { table, tableName: 'my table' })).toStrictEqual({
      limits: { ...NONE, rpm: 600, tpm: 1_200_000, rps: 10, tps: 20_000, source },
      source,
      origin: 'table',
      retired: false,
    })
  })

  test('has no derived limits per second if perSecond is false, but keeps those of its row', () => {
    expect(resolveLimits('live', { table, perSecond: false }).limits).toMatchObject({ rps: undefined, tps: undefined })
    expect(resolveLimits('embedding', { table, perSecond: false }).limits).toMatchObject({ rps: 30, tps: undefined })
  })

  test('has no limit per minute if its row has one per second alone', () => {
    expect(resolveLimits('embedding', { table }).limits).toMatchObject({ rpm: undefined, rps: 30, tps: 20_000 })
  })

  test('has no limits if its row is unlimited', () => {
    expect(resolveLimits('open', { table }).limits).toEqual({ ...NONE, source: 'user' })
  })

  test('is reported as retired if its row is 0/0, and then has no limits per second', () => {
    expect(resolveLimits('retired', { table })).toStrictEqual({
      limits: { ...NONE, rpm: 0, tpm: 0, source: '(2026)' },
      source: '(2026)',
      origin: 'table',
      retired: true,
    })
  })

  test.each([
    ['model-studio/singapore', 'qwen-max', '(international, 2026-02)'],
    ['model-studio/singapore', 'qwen-plus', '(international, 2025)'],
    ['model-studio/beijing', 'qwen3.7-max', '(beijing, 2026-06)'],
  ] as const)('in %s has the table, document, region and date as its source: %s', (tableName, model, end) => {
    const { source } = resolveLimits(model, { table: builtInTables[tableName], tableName })
    expect(source).toMatch(new RegExp(`^${tableName}: Alibaba Cloud Model Studio, `))
    expect(source.endsWith(` ${end}`)).toBe(true)
  })

  test('is rejected if its row is not valid, since a live source may hold anything', () => {
    const bad = { live: { rpm: -1 } }
    expect(() => resolveLimits('live', { table: bad, tableName: 'my table' })).toThrow(InvalidLimits)
    expect(() => resolveLimits('live', { table: bad, tableName: 'my table' })).toThrow(
      "my table: model 'live': rpm is -1",
    )
  })
})

describe('an override', () => {
  test("replaces the table's limits field by field, and limits per second follow", () => {
    const { limits, origin, source } = resolveLimits('live', {
      table,
      overrides: { live: { rpm: 60, concurrency: 4 } },
    })
    expect(limits).toEqual({ ...NONE, rpm: 60, tpm: 1_200_000, rps: 1, tps: 20_000, concurrency: 4, source: 'user' })
    expect({ origin, source }).toEqual({ origin: 'user', source: 'user' })
  })

  test('of Infinity lifts a limit per minute together with the derived one, or a limit per second alone', () => {
    const minute = resolveLimits('live', { table, overrides: { live: { tpm: Infinity } } }).limits
    expect(minute).toMatchObject({ tpm: undefined, tps: undefined, rpm: 600, rps: 10 })
    const second = resolveLimits('live', { table, overrides: { live: { tps: Infinity } } }).limits
    expect(second).toMatchObject({ tpm: 1_200_000, tps: undefined, rpm: 600, rps: 10 })
  })

  test('without fields has no effect', () => {
    for (const nothing of [{}, { rpm: undefined }] as Limits[]) {
      expect(resolveLimits('live', { table, overrides: { live: nothing } }).origin).toBe('table')
      expect(resolveLimits('new', { table, overrides: { new: nothing } }).origin).toBe('unknown-model')
    }
  })

  test('makes a model known, whatever unknownModel says', () => {
    for (const unknownModel of ['conservative', 'unlimited', 'reject'] as const) {
      const { limits, origin } = resolveLimits('new', { table, unknownModel, overrides: { new: { rpm: 120 } } })
      expect(limits).toEqual({ ...NONE, rpm: 120, rps: 2, source: 'user' })
      expect(origin).toBe('user')
    }
  })

  test("of rpm or tpm revives a retired model with the override's limits alone, and other overrides do not", () => {
    const back = resolveLimits('retired', { table, overrides: { retired: { rpm: 60 } } })
    expect(back).toMatchObject({
      retired: false,
      origin: 'user',
      limits: { rpm: 60, tpm: undefined, rps: 1, tps: undefined },
    })
    const still = resolveLimits('retired', { table, overrides: { retired: { concurrency: 2 } } })
    expect(still).toMatchObject({ retired: true, origin: 'table' })
  })
})

describe('an unknown model', () => {
  test("has 60 requests and 100,000 tokens per minute, and limits per second derived from them, by default and if 'conservative'", () => {
    const expected = { ...NONE, rpm: 60, tpm: 100_000, rps: 1, tps: 100_000 / 60, source: 'unknown-model' }
    for (const unknownModel of [undefined, 'conservative'] as const) {
      const { limits, origin, retired } = resolveLimits('new', { table, tableName: 'my table', unknownModel })
      expect(limits).toStrictEqual(expected)
      expect({ origin, retired }).toEqual({ origin: 'unknown-model', retired: false })
    }
  })

  test("has no limits if unknownModel is 'unlimited'", () => {
    const { limits, origin } = resolveLimits('new', { table, unknownModel: 'unlimited' })
    expect(limits).toStrictEqual({ ...NONE, source: 'unknown-model' })
    expect(origin).toBe('unknown-model')
  })

  test("throws InvalidRequest with the nearest name if unknownModel is 'reject'", () => {
    const options = { table: builtInTables['model-studio/beijing'], unknownModel: 'reject' } as const
    expect(() => resolveLimits('qwen-plsu', options)).toThrow(InvalidRequest)
    expect(() => resolveLimits('qwen-plsu', options)).toThrow(
      "Model 'qwen-plsu' is not in the limits table, and unknownModel is 'reject'. Did you mean 'qwen-plus'?",
    )
    expect(() => resolveLimits('gpt-99-nano', { ...options, tableName: 'mine' })).toThrow(
      "Model 'gpt-99-nano' is not in the limits table 'mine', and unknownModel is 'reject'. Otherwise give",
    )
  })

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('may have the name %s', (model) => {
    expect(resolveLimits(model, { table, overrides: {} }).origin).toBe('unknown-model')
  })

  test('may differ from a known one by case alone, since names are exact', () => {
    expect(resolveLimits('LIVE', { table }).origin).toBe('unknown-model')
  })
})

describe('withPerSecond', () => {
  test('derives undefined limits per second, if told to', () => {
    expect(withPerSecond({ rpm: 90, tpm: 600 }, true)).toEqual({ rpm: 90, tpm: 600, rps: 1.5, tps: 10 })
    expect(withPerSecond({ rpm: 90, rps: 9 }, true)).toEqual({ rpm: 90, rps: 9 })
    expect(withPerSecond({ rpm: 90, rps: Infinity }, true)).toEqual({ rpm: 90, rps: Infinity })
    expect(withPerSecond({ rpm: 90, tpm: 600 }, false)).toEqual({ rpm: 90, tpm: 600 })
    expect(withPerSecond({}, true)).toEqual({})
  })
})

test('mergeLimits takes each limit of the upper one that is set, and of the lower one otherwise', () => {
  expect(mergeLimits({ rpm: 1, tpm: 2 }, { tpm: 3, rps: 4 })).toEqual({ rpm: 1, tpm: 3, rps: 4 })
})

test("for random inputs, each limit is the override, else the row's, else the derived one, and never Infinity", () => {
  fc.assert(
    fc.property(modelName, finiteLimits, anyLimits, fc.boolean(), (model, row, override, perSecond) => {
      const options = { table: Object.fromEntries([[model, row]]), overrides: Object.fromEntries([[model, override]]) }
      const { limits } = resolveLimits(model, { ...options, perSecond })
      const given = (field: keyof Limits) => override[field] ?? row[field]
      for (const field of LIMIT_FIELDS) {
        const minute = field === 'rps' ? given('rpm') : field === 'tps' ? given('tpm') : undefined
        const expected = given(field) ?? (perSecond && minute !== undefined ? minute / 60 : undefined)
        expect(limits[field]).toBe(expected === Infinity ? undefined : expected)
      }
    }),
    runs(),
  )
})
