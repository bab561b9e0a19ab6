import { InvalidLimits, InvalidRequest } from '../errors.js'
import type { Limits, LimitsTable } from '../types.js'
import { limitNames } from './metering/limits.js'

/** @throws InvalidLimits that names the row and the field. */
export function checkLimits(name: string, limits: Limits): void {
  if (typeof limits !== 'object' || limits === null) throw new InvalidLimits(`${name}: the limits must be an object`)
  for (const field of limitNames) {
    const value: unknown = limits[field]
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue
    throw new InvalidLimits(`${name}: ${field} must be a number from 0 on, not ${String(value)}`)
  }
}

/** @throws InvalidLimits where a workspace would have more than its account. */
export function checkWorkspace(workspace: string, model: string, limits: Limits, account: Limits | undefined): void {
  const name = `workspace ${workspace}, ${model}`
  checkLimits(name, limits)
  for (const field of limitNames) {
    const [own = 0, whole = Infinity] = [limits[field], account?.[field]]
    if (own > whole) throw new InvalidLimits(`${name}: ${field} ${own} is above the account's, ${whole}`)
  }
}

export function checkTable(limits: LimitsTable): void {
  for (const [model, row] of Object.entries(limits)) checkLimits(model, row)
}

/** @throws InvalidRequest that names the option and what it may be. */
export function number(name: string, value: unknown, min: number, max = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value
  const range = min === -Infinity ? '' : max === Infinity ? ` from ${min} on` : ` from ${min} to ${max}`
  throw new InvalidRequest(`simulator option ${name} must be a number${range}, not ${String(value)}`)
}

export function integer(name: string, value: unknown, min: number, max = Infinity): number {
  if (Number.isSafeInteger(number(name, value, min, max))) return value as number
  throw new InvalidRequest(`simulator option ${name} must be a whole number, not ${String(value)}`)
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw new InvalidRequest(`simulator option ${name} must be one of ${allowed.join(', ')}, not ${String(value)}`)
}
