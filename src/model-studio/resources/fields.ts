import type { JsonObject } from '../../json.js'

/** What a field that we know must be. */
export type FieldKind = 'text' | 'number' | 'boolean'

/** `gmt_create` as `gmtCreate`. */
function camelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** `inputTpm` as `input_tpm`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/**
 * An object of the service with its names in camelCase. Of the fields that we know, those that are null or cannot be what they
 * must be are left out; of all others the value is kept as it is.
 */
export function readFields(fields: JsonObject, kinds: Readonly<Record<string, FieldKind>>): Record<string, unknown> {
  const read: [string, unknown][] = []
  for (const [name, value] of Object.entries(fields)) {
    const field = camelCase(name)
    const known = Object.hasOwn(kinds, field) ? kinds[field] : undefined
    const taken = known === undefined ? value : asKind(value, known)
    if (taken !== undefined) read.push([field, taken])
  }
  // Not by assignment: a field may be called `__proto__`.
  return Object.fromEntries(read)
}

function asKind(value: unknown, kind: FieldKind): unknown {
  if (kind === 'boolean') return typeof value === 'boolean' ? value : undefined
  if (kind === 'text') return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** The fields that are given, with their names as the service writes them. */
export function writeFields(fields: JsonObject): Record<string, unknown> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [snakeCase(name), value]))
}
