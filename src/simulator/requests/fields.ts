import { InvalidRequest } from '../../errors.js'

/** The fields of a JSON body. A field of the wrong type is a 400, as it is for the service. */
export type Fields = Readonly<Record<string, unknown>>

const MALFORMED = 'Required body invalid, please check the request body format.'

/** The JSON object in `text`. @throws InvalidRequest if it is none */
export function parseObject(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new InvalidRequest(MALFORMED, { cause: error })
  }
  if (!isObject(body)) throw new InvalidRequest(MALFORMED)
  return body
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function optionalBoolean(body: Fields, name: string): boolean | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw new InvalidRequest(`'${name}' must be a boolean`)
  return value
}

/**
 * An integer from 1 to `max`, or undefined. The default bound is the largest signed 32-bit integer. @throws
 * InvalidRequest
 */
export function optionalInteger(body: Fields, name: string, max = 2_147_483_647): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw new InvalidRequest(`Range of ${name} should be [1, ${max}]`)
  }
  return value
}

export function optionalString(body: Fields, name: string): string | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new InvalidRequest(`'${name}' must be a string`)
  return value
}

export function isTokenList(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}
