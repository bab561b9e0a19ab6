import type { Limits, LimitsRow, LimitsTable } from '../types.js'

/** The fields that all rows of one document share. */
type Origin = Required<Pick<LimitsRow, 'source' | 'region' | 'date'>>

/** `[rpm, tpm]`, or the limits by name. */
type Numbers = readonly [rpm: number, tpm: number] | Limits

/**
 * The rows of one document: the limits of each model, with the `source`, `region` and `date` of `origin`. All are
 * frozen.
 */
export function rows(origin: Origin, numbers: Readonly<Record<string, Numbers>>): LimitsTable {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(numbers).map(([model, row]) => [model, Object.freeze({ ...named(row), ...origin })]),
    ),
  )
}

function named(row: Numbers): Limits {
  return isPair(row) ? { rpm: row[0], tpm: row[1] } : row
}

function isPair(row: Numbers): row is readonly [number, number] {
  return Array.isArray(row)
}
