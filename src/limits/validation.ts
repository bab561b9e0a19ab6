import { InvalidLimits } from '../errors.js'
import type { Limits, LimitsRow, LimitsTable } from '../types.js'
import { nameAdvice } from './did-you-mean.js'
import { isLimitField, LIMIT_FIELDS, nearestField, ROW_FIELDS } from './limit-fields.js'
import { isPlain, shown, valueProblem } from './limit-values.js'

/**
 * Returns a frozen copy of the limits that a user gave for one model, after checking them. Undefined fields are
 * dropped; Infinity stays, since it lifts a limit of the table. A row of a table is accepted, and its fields other than
 * limits are dropped.
 *
 * @throws InvalidLimits for an unknown field, and for a limit that is zero, negative, NaN, too large or not a number.
 * Only `rps` and `tps` may be fractional. The message names the model and the field, and says what to do.
 */
export function validateLimits(model: string, limits: unknown): Limits {
  const checked = check(limits, at(model), false)
  return Object.freeze(pickLimits(checked))
}

/**
 * Returns a frozen copy of the limits that a user gave for several models, `{ [model]: Limits }`, each checked by
 * {@link validateLimits}.
 *
 * @param what - the name of the limits in error messages
 * @throws InvalidLimits for the first limit that is wrong
 */
export function validateOverrides(overrides: unknown, what = 'overrides'): Readonly<Record<string, Limits>> {
  return mapModels(overrides, what, (limits, place) => Object.freeze(pickLimits(check(limits, place, false))))
}

/**
 * Returns a frozen copy of a row of a table, after checking it as {@link validateLimits} does. In addition `rpm: 0`
 * with `tpm: 0` is legal and means a retired model. The text fields are kept.
 *
 * @param what - the name of the table in error messages
 * @throws InvalidLimits for the first field that is wrong
 */
export function validateRow(model: string, row: unknown, what?: string): LimitsRow {
  return Object.freeze(check(row, at(model, what), true))
}

/**
 * Returns a frozen copy of a table, `{ [model]: LimitsRow }`, after checking each row. An empty table is legal: it
 * names no model.
 *
 * @param what - the name of the table in error messages: a file's path, an option's name
 * @throws InvalidLimits for the first row that is wrong; see {@link validateRow}
 */
export function validateTable(table: unknown, what: string): LimitsTable {
  return mapModels(table, what, (row, place) => Object.freeze(check(row, place, true)))
}

/** Whether a model with these limits is retired: 0 requests and 0 tokens per minute. */
export function isRetired(limits: Pick<Limits, 'rpm' | 'tpm'>): boolean {
  return limits.rpm === 0 && limits.tpm === 0
}

/** The limits of a row, without its other fields. */
export function pickLimits(row: { readonly [Field in keyof Limits]?: number | undefined }): Limits {
  const limits: { -readonly [Field in keyof Limits]: number } = {}
  for (const field of LIMIT_FIELDS) if (row[field] !== undefined) limits[field] = row[field]
  return limits
}

function mapModels<Row>(
  models: unknown,
  what: string,
  checkOne: (row: unknown, place: string) => Row,
): Readonly<Record<string, Row>> {
  if (!isFields(models)) {
    const advice = models instanceof Promise ? 'await it first' : "give { 'model-name': { rpm, tpm } }"
    throw new InvalidLimits(`${what} is ${shown(models)}: ${advice}`)
  }
  const checked = Object.entries(models).map(([model, row]) => {
    if (!isFields(row) && isLimitField(model)) {
      throw new InvalidLimits(`${what}: '${model}' is a limit, not a model: give { 'model-name': { ${model}: … } }`)
    }
    return [model, checkOne(row, at(model, what))] as const
  })
  return Object.freeze(Object.fromEntries(checked))
}

function check(row: unknown, place: string, mayBeRetired: boolean): LimitsRow {
  if (!isFields(row)) {
    throw new InvalidLimits(`${place} is ${shown(row)}: give an object, such as { rpm: 600, tpm: 1000000 }`)
  }
  const retired = mayBeRetired && isRetired(row)
  const checked: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(row)) {
    const problem = fieldProblem(field, value, retired)
    if (problem !== undefined) {
      const retiredToo = mayBeRetired && value === 0 ? '; a retired model has rpm: 0 and tpm: 0' : ''
      throw new InvalidLimits(`${place}: ${problem}${retiredToo}`)
    }
    if (value !== undefined) checked[field] = value
  }
  return checked
}

function fieldProblem(field: string, value: unknown, retired: boolean): string | undefined {
  if (isLimitField(field)) {
    if (value === undefined || (retired && value === 0)) return undefined
    return valueProblem(field, value)
  }
  if ((ROW_FIELDS as readonly string[]).includes(field)) {
    if (value === undefined || typeof value === 'string') return undefined
    return `${field} is ${shown(value)}: give a text, or leave it out`
  }
  if (field === 'maxInputTokens') {
    if (value === undefined || (typeof value === 'number' && value >= 1)) return undefined
    return `maxInputTokens is ${shown(value)}: give a number of tokens, or leave it out`
  }
  return `unknown field '${field}': ${nameAdvice(nearestField(field), `the fields are ${LIMIT_FIELDS.join(', ')}`)}`
}

/**
 * The place of a model within the user's input, for error messages. @throws InvalidLimits if `model` is not a valid
 * name
 */
function at(model: string, what?: string): string {
  const within = what === undefined ? '' : `${what}: `
  if (typeof model !== 'string' || model === '' || model.trim() !== model) {
    throw new InvalidLimits(
      `${within}a model's name is ${shown(model)}: give it exactly as requests name it, without spaces`,
    )
  }
  return `${within}model '${model}'`
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> & { rpm?: number; tpm?: number } {
  return isPlain(value)
}
