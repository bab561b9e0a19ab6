import { InvalidRequest } from '../../errors.js'

/** The fields of a JSON body, read as the service reads them: what is of the wrong form is a 400. */
export type Fields = Readonly<Record<string, unknown>>

const MALFORMED = 'Required body invalid, please check the request body format.'

/** @throws InvalidRequest unless the text is a JSON object. */
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
