import { InvalidRequest } from '../../errors.js'
import { nameAdvice } from '../../limits/did-you-mean.js'
import { nearest } from '../../limits/nearest.js'
import { isPlainOrModule, shown } from '../../limits/limit-values.js'

/** Returns the fault of a value and how to correct it, or undefined if the value is valid. */
export type FieldCheck = (value: unknown) => string | undefined

export interface FieldRule {
  readonly check: FieldCheck
  /** Whether the field is optional. */
  readonly isOptional?: boolean
}

/** The rule for an amount of money. */
export const amount: FieldRule = {
  check: (value) => (isNumber(value) && value >= 0 ? undefined : 'give a number, 0 or more'),
}

/** The rule for an optional amount of money. */
export const amountIfAny: FieldRule = { ...amount, isOptional: true }

export const count: FieldRule = {
  check: (value) => (Number.isInteger(value) && (value as number) >= 1 ? undefined : 'give a whole number, 1 or more'),
}

export const textIfAny: FieldRule = {
  check: (value) => (typeof value === 'string' ? undefined : 'give a text, or leave it out'),
  isOptional: true,
}

export const text: FieldRule = {
  check: (value) => (typeof value === 'string' && value !== '' ? undefined : 'give a text'),
}

/** The rule for a currency code of ISO 4217. */
export const currency: FieldRule = {
  check: (value) =>
    typeof value === 'string' && /^[A-Z]{3}$/.test(value)
      ? undefined
      : "give its three letters, such as 'USD' or 'CNY'",
}

/**
 * Returns a checked, frozen copy of `row`. It may have only the fields of `rules`.
 *
 * @param place - the name of the row in messages
 * @throws InvalidRequest. The message names the row, the field and the correction
 */
export function checkedRow<Row extends object>(
  row: unknown,
  rules: { readonly [Field in keyof Row]-?: FieldRule },
  place: string,
): Row {
  const fields = Object.keys(rules) as (keyof Row & string)[]
  if (!isPlainOrModule(row)) throw new InvalidRequest(`${place} is ${shown(row)}: give { ${fields.join(', ')} }`)
  for (const name of Object.keys(row)) {
    if (Object.hasOwn(rules, name)) continue
    const advice = nameAdvice(nearest(name, fields), `the fields are ${fields.join(', ')}`)
    throw new InvalidRequest(`${place}: unknown field '${name}': ${advice}`)
  }
  const checked: Partial<Record<string, unknown>> = {}
  for (const name of fields) {
    const value = (row as Record<string, unknown>)[name]
    const { check, isOptional } = rules[name]
    if (value === undefined && isOptional === true) continue
    if (value === undefined) throw new InvalidRequest(`${place} lacks ${name}: ${check(value)}`)
    const problem = check(value)
    if (problem !== undefined) throw new InvalidRequest(`${place}: ${name} is ${shown(value)}: ${problem}`)
    checked[name] = value
  }
  return Object.freeze(checked) as Row
}

/**
 * Returns a frozen copy of a table by model. Each row is checked.
 *
 * @throws InvalidRequest
 */
export function checkedTable<Row>(
  table: unknown,
  what: string,
  checkRow: (row: unknown, place: string) => Row,
): Readonly<Record<string, Row>> {
  if (!isPlainOrModule(table)) throw new InvalidRequest(`${what} is ${shown(table)}: give { 'a-model': … }`)
  const rows = Object.entries(table).map(([model, row]) => {
    if (model === '' || model.trim() !== model) {
      throw new InvalidRequest(
        `${what}: a model's name is ${shown(model)}: give it exactly as requests name it, without spaces`,
      )
    }
    return [model, checkRow(row, `${what}: model '${model}'`)] as const
  })
  return Object.freeze(Object.fromEntries(rows))
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
