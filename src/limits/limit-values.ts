import type { LimitField } from './limit-fields.js'

/**
 * The largest limit per minute, in requests or tokens. Derived: a meter's level is an integer, limit × window. Its time
 * is in the finest of µs, ms and s that keeps the level below 2^53, and so exact. Larger: levels would not be exact
 * even in seconds. Smaller: legal limits would be rejected; the largest known one is 5e9.
 */
export const MAX_PER_MINUTE = 1.5e14

/** The largest limit per second: the same rate. */
export const MAX_PER_SECOND = MAX_PER_MINUTE / 60

/**
 * The smallest limit per second: one request or token in eleven days. Derived: one unit of limit × window with time in
 * µs. Smaller: the level would round to 0.
 */
export const MIN_PER_SECOND = 1e-6

/**
 * The error of `value` as the limit `field`, with what to do about it; undefined if the value is valid. Limits per
 * minute and `concurrency` must be integers ≥ 1. Limits per second may have fractions. Infinity is always valid.
 */
export function valueProblem(field: LimitField, value: unknown): string | undefined {
  if (typeof value !== 'number') return `${field} is ${shown(value)}: ${adviceFor(value)}`
  if (Number.isNaN(value)) return `${field} is NaN: give a number, such as ${exampleOf(field)}`
  if (value === Infinity) return undefined
  const perSecond = field === 'rps' || field === 'tps'
  if (value <= 0) {
    const least = perSecond ? 'a number above 0' : 'at least 1'
    return `${field} is ${value}: give ${least}, or leave it out if it does not bind`
  }
  const most = perSecond ? MAX_PER_SECOND : MAX_PER_MINUTE
  if (value > most) return `${field} is ${value}: the largest is ${most}; give Infinity for no limit`
  if (perSecond) {
    return value < MIN_PER_SECOND ? `${field} is ${value}: the smallest is ${MIN_PER_SECOND}` : undefined
  }
  if (Number.isInteger(value)) return undefined
  return `${field} is ${value}: give a whole number of at least 1 (only rps and tps may have fractions)`
}

/** `value` as an error message shows it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `the text ${JSON.stringify(shortened(value))}`
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') {
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
    return kind === 'Object' ? 'an object' : `a ${kind}`
  }
  return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : `the ${typeof value} ${value}`
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function adviceFor(value: unknown): string {
  if (typeof value === 'bigint') return `give a number: ${value}`
  if (typeof value !== 'string') return 'give a number, or leave it out if it does not bind'
  const digits = value.replace(/[,_\s]/g, '')
  const number = digits === '' ? Number.NaN : Number(digits)
  if (Number.isFinite(number)) return `give a number, not text: ${number}`
  return 'give a number, not text, or leave it out if it does not bind'
}

function exampleOf(field: LimitField): string {
  if (field === 'concurrency' || field === 'rps') return '10'
  return field === 'rpm' ? '600' : '100000'
}

/**
 * Whether `value` is an object with fields of its own. The entries of a Map or an array would be ignored, so these are
 * not.
 */
export function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
}

/** Whether `value` is such an object, or a module as `import * as` gives it. */
export function isPlainOrModule(value: unknown): value is object {
  return isPlain(value) || Object.prototype.toString.call(value) === '[object Module]'
}
