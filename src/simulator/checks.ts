import { InvalidRequest } from '../errors.js'
import { nameAdvice } from '../limits/did-you-mean.js'
import { nearest } from '../limits/nearest.js'
import { shown } from '../limits/limit-values.js'

/** The names that an object of options may have. As a record, it must list every option of the type. */
export type Names<T> = Readonly<Record<keyof Required<T>, true>>

/**
 * Each check returns the value that it was given if the value is valid.
 *
 * @throws InvalidRequest that names the option, the values that it may have, and the given value
 */
export function number(name: string, value: unknown, min: number, max = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value
  const range = min === -Infinity ? '' : max === Infinity ? ` of at least ${min}` : ` from ${min} to ${max}`
  throw invalidOption(name, `a number${range}`, value)
}

/** The last millisecond of the year 9999, in epoch milliseconds. An HTTP date has four digits for the year. */
const LAST_EPOCH_MS = Date.UTC(10_000, 0) - 1

/** A time in epoch milliseconds, up to the year 9999. */
export function epoch(name: string, value: unknown): number {
  return number(name, value, 0, LAST_EPOCH_MS)
}

export function integer(name: string, value: unknown, min: number, max = Infinity): number {
  if (Number.isSafeInteger(number(name, value, min, max))) return value as number
  throw invalidOption(name, 'a whole number', value)
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw invalidOption(name, `one of ${allowed.join(', ')}`, value)
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalidOption(name, 'true or false', value)
}

export function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalidOption(name, 'a non-empty string', value)
}

export function callback<T>(name: string, value: T): T {
  if (typeof value === 'function') return value
  throw invalidOption(name, 'a function', value)
}

export function list<T>(name: string, value: readonly T[], of: string): readonly T[] {
  if (Array.isArray(value)) return value
  throw invalidOption(name, `a list of ${of}`, value)
}

export function texts(name: string, value: readonly string[]): readonly string[] {
  for (const [i, one] of list(name, value, 'strings').entries()) text(`${name}[${i}]`, one)
  return value
}

/** An object whose keys the user chooses, such as names of models. */
export function record<T extends object>(name: string, value: T, of: string): T {
  if (Object.prototype.toString.call(value) === '[object Object]') return value
  throw invalidOption(name, `an object with ${of}`, value)
}

/** An object that has only these names, and no value that is null. `name` is undefined for the options as a whole. */
export function named<T extends object>(name: string | undefined, value: T, names: Names<T>): T {
  const within = name === undefined ? '' : `${name}.`
  const allowed = Object.keys(names)
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    if (name !== undefined) throw invalidOption(name, `an object with ${allowed.join(', ')}`, value)
    throw new InvalidRequest(`the simulator's options must be an object, not ${given(value)}`)
  }
  for (const [key, one] of Object.entries(value)) {
    if (one === null) throw new InvalidRequest(`simulator option ${within}${key} must not be null: leave it out`)
    if (Object.hasOwn(names, key)) continue
    const meant = nearest(key, allowed)
    const advice = nameAdvice(meant && `${within}${meant}`, `there are ${allowed.join(', ')}`, '')
    throw new InvalidRequest(`simulator option ${within}${key} is unknown: ${advice}`)
  }
  return value
}

export function invalidOption(name: string, expected: string, value: unknown): InvalidRequest {
  return new InvalidRequest(`simulator option ${name} must be ${expected}, not ${given(value)}`)
}

function given(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : shown(value)
}
