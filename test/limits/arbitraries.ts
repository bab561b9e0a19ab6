import * as fc from 'fast-check'
import { LIMIT_FIELDS, ROW_FIELDS } from '../../src/limits/limit-fields.js'
import { MAX_PER_MINUTE, MAX_PER_SECOND, MIN_PER_SECOND } from '../../src/limits/limit-values.js'
import type { Limits, LimitsRow, LimitsTable } from '../../src/types.js'

const perMinute = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.maxSafeInteger().map(intoRange))
const perSecond = fc.double({ min: MIN_PER_SECOND, max: MAX_PER_SECOND, noNaN: true })

function intoRange(integer: number): number {
  return (Math.abs(integer) % MAX_PER_MINUTE) + 1
}

const limitFields = Object.fromEntries(
  LIMIT_FIELDS.map((field) => [field, field === 'rps' || field === 'tps' ? perSecond : perMinute]),
)

/** Valid limits with any of the eight fields left out. JSON can hold them. */
export const finiteLimits = fc.record(limitFields, { requiredKeys: [] }) as fc.Arbitrary<Limits>

/** The same, with Infinity among the values. */
export const anyLimits = fc.record(
  Object.fromEntries(LIMIT_FIELDS.map((field) => [field, fc.oneof(limitFields[field]!, fc.constant(Infinity))])),
  { requiredKeys: [] },
) as fc.Arbitrary<Limits>

const origin = fc.record(Object.fromEntries(ROW_FIELDS.map((field) => [field, fc.string()])), { requiredKeys: [] })
const retiredRow = fc.constant<LimitsRow>({ rpm: 0, tpm: 0 })

/** A row of a table, sometimes that of a retired model. */
export const anyRow: fc.Arbitrary<LimitsRow> = fc
  .tuple(fc.oneof({ weight: 5, arbitrary: finiteLimits }, { weight: 1, arbitrary: retiredRow }), origin)
  .map(([limits, from]) => ({ ...limits, ...from }))

/** The name of a model: any text without spaces at its ends, and names of properties that every object has. */
export const modelName = fc.oneof(
  fc.string({ minLength: 1 }).filter((name) => name.trim() === name),
  fc.constantFrom('qwen-plus', 'constructor', '__proto__', 'toString', 'rpm'),
)

export const anyTable: fc.Arbitrary<LimitsTable> = fc
  .array(fc.tuple(modelName, anyRow), { maxLength: 12 })
  .map((rows) => Object.fromEntries(rows))
