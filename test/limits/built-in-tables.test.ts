import { describe, expect, test } from 'vitest'
import { DEFAULT_TABLE } from '../../src/limits/built-in-tables.js'
import * as limits from '../../src/limits/index.js'
import {
  beijing,
  builtInTables,
  international2025,
  singapore,
  validateTable,
  virginia,
} from '../../src/limits/index.js'
import type { LimitsRow, LimitsTable } from '../../src/types.js'

/** The vendor's table of 2025, copied by hand: [model, rpm, tpm]. */
const TABLE_2025: readonly (readonly [string, number, number])[] = [
  ['qwq-plus', 60, 100_000],
  ['qwen-max', 600, 1_000_000],
  ['qwen-max-latest', 60, 100_000],
  ['qwen-max-2025-01-25', 60, 100_000],
  ['qwen-max-0125', 60, 100_000],
  ['qwen-plus', 600, 1_000_000],
  ['qwen-plus-latest', 60, 100_000],
  ['qwen-plus-2025-01-25', 60, 100_000],
  ['qwen-plus-0125', 60, 100_000],
  ['qwen-turbo', 600, 5_000_000],
  ['qwen-turbo-latest', 60, 5_000_000],
  ['qwen-turbo-2024-11-01', 60, 5_000_000],
  ['qwen-turbo-1101', 60, 5_000_000],
  ['qvq-max', 60, 100_000],
  ['qvq-max-latest', 60, 100_000],
  ['qvq-max-2025-03-25', 60, 100_000],
  ['qwen-vl-plus', 1_200, 1_000_000],
  ['qwen-vl-max', 1_200, 1_000_000],
  ['qwen-mt-plus', 60, 23_797],
  ['qwen-mt-turbo', 60, 19_020],
  ['qwen2.5-14b-instruct-1m', 1_200, 5_000_000],
  ['qwen2.5-7b-instruct-1m', 1_200, 5_000_000],
  ['qwen2.5-72b-instruct', 1_200, 1_000_000],
  ['qwen2.5-32b-instruct', 1_200, 1_000_000],
  ['qwen2.5-14b-instruct', 1_200, 1_000_000],
  ['qwen2.5-7b-instruct', 1_200, 1_000_000],
  ['qwen2-72b-instruct', 60, 150_000],
  ['qwen2-57b-a14b-instruct', 60, 30_000],
  ['qwen2-7b-instruct', 60, 30_000],
  ['qwen1.5-110b-chat', 10, 20_000],
  ['qwen1.5-72b-chat', 120, 200_000],
  ['qwen1.5-32b-chat', 10, 20_000],
  ['qwen1.5-14b-chat', 120, 200_000],
  ['qwen1.5-7b-chat', 120, 200_000],
  ['qwen2.5-vl-72b-instruct', 1_200, 1_000_000],
  ['qwen2.5-vl-32b-instruct', 60, 100_000],
  ['qwen2.5-vl-7b-instruct', 1_200, 1_000_000],
  ['qwen2.5-vl-3b-instruct', 1_200, 1_000_000],
  ['qwen2.5-omni-7b', 60, 100_000],
  ['text-embedding-v3', 1_800, 600_000],
]

const k = 1_000
const M = 1_000_000

/**
 * The later table as printed: the models, then rpm and tpm of Beijing, Singapore and Virginia; null if the region lacks
 * them.
 */
type Cell = readonly [rpm: number, tpm: number] | null
const LATER: readonly (readonly [models: string, beijing: Cell, singapore: Cell, virginia: Cell])[] = [
  ['qwen3-max', [30 * k, 5 * M], [600, M], [600, M]],
  ['qwen3-max-2026-01-23 qwen3-max-preview', [600, M], [600, M], null],
  ['qwen3-max-2025-09-23', [60, 100 * k], [60, 100 * k], null],
  ['qwen-max', [1200, M], [120, 100 * k], null],
  ['qwen-max-latest', [1200, M], [600, M], null],
  ['qwen3.5-plus', [30 * k, 5 * M], [15 * k, 5 * M], null],
  ['qwen3.5-plus-2026-02-15', [600, M], [60, M], null],
  ['qwen-plus', [30 * k, 5 * M], null, [15 * k, 5 * M]],
  ['qwen-plus-latest', [15 * k, 1.2 * M], [600, M], null],
  ['qwen-plus-2025-12-01', [120, M], [120, M], [60, M]],
  ['qwen-plus-2025-09-11', [60, M], [120, M], [60, M]],
  ['qwen-plus-2025-07-28', [60, M], [60, 100 * k], [60, M]],
  ['qwen-plus-2025-07-14', [60, 100 * k], [60, 100 * k], [60, M]],
  ['qwen3.5-flash', [30 * k, 10 * M], [15 * k, 5 * M], null],
  ['qwen3.5-flash-2026-02-23', [600, M], [600, M], null],
  ['qwen-flash', [30 * k, 10 * M], [600, 5 * M], [15 * k, 10 * M]],
  ['qwen-flash-2025-07-28', [60, M], [600, 5 * M], null],
  ['qwen-turbo', [1200, 5 * M], [240, 100 * k], null],
  ['qwen-turbo-latest', [1200, 5 * M], [600, 5 * M], null],
  ['qwq-plus', [600, M], [60, 100 * k], null],
  ['qwen3-coder-plus', [5 * k, 5 * M], [2400, 2 * M], [2400, 2 * M]],
  ['qwen3-coder-flash', [5 * k, 5 * M], [600, 5 * M], [1200, M]],
  ['qwen3-vl-plus qwen3-vl-flash', [3 * k, 5 * M], [1200, M], [1200, M]],
  ['qwen-vl-max qwen-vl-plus', [1200, M], [1200, M], null],
  ['qwen3-32b', [2400, M], [600, M], [600, M]],
  ['qwen3-235b-a22b qwen3-30b-a3b qwen3-14b qwen3-8b', [600, M], [600, M], [600, M]],
  ['qwen3-rerank', [5400, 5_000 * M], [5400, 5_000 * M], null],
]

function laterColumn(column: 1 | 2 | 3): (readonly [string, number, number])[] {
  return LATER.flatMap((line) => {
    const cell = line[column]
    return cell === null ? [] : line[0].split(' ').map((model) => [model, ...cell] as const)
  })
}

function numbers(row: LimitsRow | undefined): unknown {
  if (row === undefined) return undefined
  const { source: _source, region: _region, date: _date, ...limits } = row
  return limits
}

function byModel([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number {
  return a < b ? -1 : 1
}

/** The rows of `table` that `want` accepts, without their origin, sorted by model. */
function literal(table: LimitsTable, want: (row: LimitsRow) => boolean = () => true): unknown[] {
  const chosen = Object.entries(table).filter(([, row]) => want(row))
  return chosen.toSorted(byModel).map(([model, row]) => [model, numbers(row)])
}

function asLiteral(rows: readonly (readonly [string, number, number])[]): unknown[] {
  return rows.toSorted(byModel).map(([model, rpm, tpm]) => [model, { rpm, tpm }])
}

describe('model-studio/international-2025', () => {
  test("has exactly the 40 rows of the vendor's page, aliases included", () => {
    expect(TABLE_2025).toHaveLength(40)
    expect(literal(international2025)).toEqual(asLiteral(TABLE_2025))
  })

  test.each([
    ['qwen-max-0125', 'qwen-max-2025-01-25'],
    ['qwen-plus-0125', 'qwen-plus-2025-01-25'],
    ['qwen-turbo-1101', 'qwen-turbo-2024-11-01'],
  ])('gives %s the limits of %s, of which it is an alias', (alias, model) => {
    expect(international2025[alias]).toEqual(international2025[model])
  })

  test('names the source, region and date on every row', () => {
    const origin = { source: 'Alibaba Cloud Model Studio, "Throttling"', region: 'international', date: '2025' }
    for (const row of Object.values(international2025)) expect(row).toMatchObject(origin)
  })
})

describe('model-studio/singapore', () => {
  test('has the 32 rows of early 2026', () => {
    expect(laterColumn(2)).toHaveLength(32)
    expect(literal(singapore, (row) => row.date === '2026-02')).toEqual(asLiteral(laterColumn(2)))
  })

  test('has the rows of 2025, unchanged, for the 32 models that the later table lacks', () => {
    const later = new Set(laterColumn(2).map(([model]) => model))
    const lacking = TABLE_2025.filter(([model]) => !later.has(model))
    expect(lacking).toHaveLength(32)
    expect(literal(singapore, (row) => row.date === '2025')).toEqual(asLiteral(lacking))
    for (const [model] of lacking) expect(singapore[model]).toBe(international2025[model])
    expect(Object.keys(singapore)).toHaveLength(64)
  })

  test('prefers the later row, and has qwen-plus of 2025 because the later table lacks it', () => {
    expect(singapore['qwen-max']).toMatchObject({ rpm: 120, tpm: 100_000, date: '2026-02' })
    expect(singapore['qwen-plus']).toMatchObject({ rpm: 600, tpm: 1_000_000, date: '2025' })
  })
})

describe('model-studio/beijing', () => {
  const BEIJING_ALONE: readonly (readonly [string, number, number])[] = [
    ['qwen-long', 1200, 3 * M],
    ['qwen-vl-ocr', 600, 6 * M],
    ['qwen-mt-plus', 60, 25 * k],
    ['qwen-mt-flash', 60, 35 * k],
    ['qwen-mt-turbo', 60, 35 * k],
    ['qwen-mt-lite', 60, 100 * k],
    ['deepseek-v3.2', 15 * k, 1.2 * M],
    ['deepseek-v3.1', 15 * k, 1.2 * M],
    ['deepseek-r1', 15 * k, 1.2 * M],
    ['deepseek-v3', 15 * k, 1.2 * M],
    ['kimi-k2.5', 60, 100 * k],
    ['kimi-k2-thinking', 60, 100 * k],
    ['glm-5', 60, M],
    ['glm-4.7', 60, M],
    ['MiniMax-M2.5', 60, M],
  ]
  const MID_2026: readonly (readonly [string, number, number])[] = [
    ['qwen3.7-max', 30 * k, 5 * M],
    ['qwen3.7-plus', 30 * k, 5 * M],
    ['qwen3.6-plus', 30 * k, 5 * M],
    ['qwen3.6-flash', 30 * k, 10 * M],
  ]

  test('has the 33 rows of the later table and the 15 of Beijing alone', () => {
    const early = literal(beijing, (row) => row.date === '2026-02' && row.rpm !== undefined)
    expect(laterColumn(1)).toHaveLength(33)
    expect(early).toEqual(asLiteral([...laterColumn(1), ...BEIJING_ALONE]))
  })

  test('dates the four models of mid-2026 to that time', () => {
    expect(literal(beijing, (row) => row.date === '2026-06')).toEqual(asLiteral(MID_2026))
  })

  test.each([1, 2, 3, 4])('limits text-embedding-v%i per second for requests, and not per minute', (version) => {
    expect(numbers(beijing[`text-embedding-v${version}`])).toEqual({ rps: 30, tpm: 1_200_000 })
  })

  test('has no other rows', () => {
    expect(Object.keys(beijing)).toHaveLength(33 + 15 + 4 + 4)
  })
})

describe('model-studio/virginia', () => {
  test('has the 16 rows of the later table and the 3 -us models, and no others', () => {
    const us = [
      ['qwen-plus-us', 600, M],
      ['qwen-flash-us', 600, 5 * M],
      ['qwen3-vl-flash-us', 1200, M],
    ] as const
    expect(laterColumn(3)).toHaveLength(16)
    expect(literal(virginia)).toEqual(asLiteral([...laterColumn(3), ...us]))
  })
})

describe('all built-in tables', () => {
  test('are found by their names, and Singapore is the default', () => {
    expect(builtInTables).toEqual({
      'model-studio/international-2025': international2025,
      'model-studio/singapore': singapore,
      'model-studio/beijing': beijing,
      'model-studio/virginia': virginia,
    })
    expect(DEFAULT_TABLE).toBe('model-studio/singapore')
  })

  test.each(Object.entries(builtInTables))(
    '%s is valid, and every row has a source, a region and a date',
    (name, table) => {
      for (const row of Object.values(table)) {
        expect(row.source).toMatch(/^Alibaba Cloud Model Studio, /)
        expect(row.region).toMatch(/^(international|beijing|virginia)$/)
        expect(row.date).toMatch(/^20\d\d(-\d\d)?$/)
        expect(row.rpm ?? row.rps).toBeGreaterThan(0)
        expect(row.tpm).toBeGreaterThan(0)
      }
      expect(validateTable(table, name)).toEqual(table)
    },
  )

  test.each(Object.entries(builtInTables))('%s is frozen, and so are its rows', (_name, table) => {
    expect(Object.isFrozen(table)).toBe(true)
    expect(Object.values(table).every((row) => Object.isFrozen(row))).toBe(true)
  })

  test('are exported from headgate/limits, with joinLimits and validateTable and nothing else', () => {
    const names = [
      'beijing',
      'builtInTables',
      'international2025',
      'joinLimits',
      'singapore',
      'validateTable',
      'virginia',
    ]
    expect(Object.keys(limits).sort()).toEqual(names)
  })
})
