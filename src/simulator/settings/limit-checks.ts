import { InvalidLimits } from '../../errors.js'
import { nameAdvice } from '../../limits/did-you-mean.js'
import { LIMIT_FIELDS, nearestField, ROW_FIELDS } from '../../limits/limit-fields.js'
import { shown } from '../../limits/limit-values.js'
import type { Limits, LimitsTable } from '../../types.js'
import { limitNames } from '../metering/enforced-limits.js'

const FIELDS: ReadonlySet<string> = new Set([...LIMIT_FIELDS, ...ROW_FIELDS])

/** @throws InvalidLimits that names the row and the field. */
export function checkLimits(name: string, limits: Limits): void {
  checkObject(name, limits, 'the limits')
  for (const field of Object.keys(limits)) {
    if (FIELDS.has(field)) continue
    const advice = nameAdvice(nearestField(field), `the fields are ${LIMIT_FIELDS.join(', ')}`, '')
    throw new InvalidLimits(`${name}: ${field} is not a limit: ${advice}`)
  }
  for (const field of limitNames) {
    const value: unknown = limits[field]
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue
    const given = typeof value === 'number' ? String(value) : shown(value)
    throw new InvalidLimits(`${name}: ${field} must be a number of at least 0, not ${given}`)
  }
}

/** @throws InvalidLimits for a wrong limit, and for one above the account's */
export function checkWorkspace(workspace: string, model: string, limits: Limits, account: Limits | undefined): void {
  const name = `workspace ${workspace}, ${model}`
  checkLimits(name, limits)
  for (const field of limitNames) {
    const [own = 0, whole = Infinity] = [limits[field], account?.[field]]
    if (own > whole) throw new InvalidLimits(`${name}: ${field} ${own} is above the account's, ${whole}`)
  }
}

/** @throws InvalidLimits that names the row and the field. */
export function checkTable(name: string, limits: LimitsTable): void {
  checkObject(name, limits, 'a table of limits')
  for (const [model, row] of Object.entries(limits)) checkLimits(model, row)
}

function checkObject(name: string, value: unknown, what: string): void {
  if (Object.prototype.toString.call(value) === '[object Object]') return
  throw new InvalidLimits(`${name}: ${what} must be an object, not ${shown(value)}`)
}
