import { InvalidArgumentError } from 'commander'

/** Returns an option parser for whole numbers in a range. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`)
  }
}

/** Returns an option parser for numbers, including fractions. */
export function someNumber(min: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isFinite(value) && value >= min) return value
    throw new InvalidArgumentError(`It must be a number, ${min} or more.`)
  }
}
