import { InvalidLimits } from '../errors.js'
import type { Limits, LimitsRow, LimitsTable } from '../types.js'
import { nameAdvice } from './did-you-mean.js'
import { isLimitField, LIMIT_FIELDS, nearestField, ROW_FIELDS } from './limit-fields.js'
import { isPlain, shown, valueProblem } from './limit-values.js'

/**
 * Checks limits that a user gave for one model, and returns a frozen copy of them. Fields left out or undefined stay
 * out; Infinity stays, since it lifts a limit of the table. A row of a table will do: its source, region and date are
 * dropped.
 *
 * @throws InvalidLimits for a limit that is zero, negative, NaN, too large, in fractions (`rps` and `tps` alone may
 * have them) or no number, and for a field that is none of ours. The message names the model and the field, and says
 * what to do.
 */
export function validateLimits(model: string, limits: unknown): Limits {
  const checked = check(limits, at(model), false)
  return Object.freeze(pickLimits(checked))
}

/**
 * Checks limits that a user gave for several models, `{ [model]: Limits }`, as `validateLimits` does each.
 *
 * @param what - how the message calls them
 * @throws InvalidLimits
 */
export function validateOverrides(overrides: unknown, what = 'overrides'): Readonly<Record<string, Limits>> {
  return mapModels(overrides, what, (limits, place) => Object.freeze(pickLimits(check(limits, place, false))))
}

/**
 * Checks one row of a table, and returns a frozen copy of it. As `validateLimits`, but `rpm: 0` with `tpm: 0` is
 * legal and means a retired model, and `source`, `region` and `date` (texts) are kept.
 *
 * @param what - how the message calls the table
 * @throws InvalidLimits
 */
export function validateRow(model: string, row: unknown, what?: string): LimitsRow {
  return Object.freeze(check(row, at(model, what), true))
}

/**
 * Checks a table, `{ [model]: LimitsRow }`, and returns a frozen copy of it. An empty one is legal: no model is known
 * then.
 *
 * @param what - how the message calls the table: a file's path, an option's name
 * @throws InvalidLimits for the first row that is wrong, see `validateRow`
 */
export function validateTable(table: unknown, what: string): LimitsTable {
  return mapModels(table, what, (row, place) => Object.freeze(check(row, place, true)))
}

/** Whether these are the limits of a retired model, 0 requests and 0 tokens a minute: it is refused or rerouted. */
export function isRetired(limits: Pick<Limits, 'rpm' | 'tpm'>): boolean {
  return limits.rpm === 0 && limits.tpm === 0
}

/** The limits of a row alone, without what it says beside them. */
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

/** Where in what the user gave an error lies. */
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
