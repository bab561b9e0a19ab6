import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, estimateTextTokens } from '../../src/tokens/text-tokens.js'
import { isHeadgateError } from '../../src/errors.js'
import { runs } from '../support/runs.js'

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')

/** The true counts of the texts in `fixtures/`, counted once with the public Qwen2.5 vocabulary. */
const TRUE_COUNTS = Object.entries(JSON.parse(fixture('counts.json')) as Record<string, number>)

/** Short texts of the shapes that a prompt may contain, counted with the same vocabulary. */
const SHORT: readonly (readonly [text: string, tokens: number])[] = [
  ['hello world', 2],
  ['你好世界', 2],
  ['12345', 5],
  ['    x = 1\n', 6],
  ['\n\n', 1],
  [' '.repeat(12), 1],
  [' '.repeat(82), 2],
  ['-'.repeat(32), 1],
  ['😀', 1],
  ['//', 1],
  ['});\n', 1],
]

describe('estimateTextTokens', () => {
  it.each(TRUE_COUNTS.filter(([name]) => !name.startsWith('other-')))(
    'differs by less than 15 percent from the true count of %s, which is %i tokens',
    (name, tokens) => {
      const text = fixture(`${name}.txt`)
      expect(text.length).toBeGreaterThanOrEqual(600)
      expect(Math.abs(estimateTextTokens(text) / tokens - 1)).toBeLessThan(0.15)
    },
  )

  it.each(TRUE_COUNTS.filter(([name]) => name.startsWith('other-')))(
    'differs by less than 25 percent from the true count of %s, which is %i tokens',
    (name, tokens) => {
      expect(Math.abs(estimateTextTokens(fixture(`${name}.txt`)) / tokens - 1)).toBeLessThan(0.25)
    },
  )

  it.each(SHORT)('differs by at most 2 tokens from the true count of %j, which is %i', (text, tokens) => {
    expect(Math.abs(estimateTextTokens(text) - tokens)).toBeLessThanOrEqual(2)
  })

  it('is 0 for the empty text, and at least 1 for every other text', () => {
    expect(estimateTextTokens('')).toBe(0)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const tokens = estimateTextTokens(text)
        expect(Number.isSafeInteger(tokens)).toBe(true)
        expect(tokens).toBeGreaterThanOrEqual(1)
        expect(tokens).toBeLessThanOrEqual(2 * text.length)
      }),
      runs(),
    )
  })

  it('accepts lone surrogates and every other code unit', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes))
    fc.assert(
      fc.property(units, (text) => {
        expect(Number.isSafeInteger(estimateTextTokens(text))).toBe(true)
      }),
      runs(),
    )
    expect(estimateTextTokens('a\ud800b')).toBeLessThanOrEqual(3)
  })

  it('grows in proportion to a text that is repeated', () => {
    for (const [name] of TRUE_COUNTS) {
      const once = estimateTextTokens(`${fixture(`${name}.txt`)}\n`)
      const often = estimateTextTokens(`${fixture(`${name}.txt`)}\n`.repeat(20))
      expect(Math.abs(often / (20 * once) - 1)).toBeLessThan(0.02)
    }
  })

  it('does not take an English text for a foreign one because of two accented names', () => {
    const english = fixture('english-science.txt')
    const named = `${english} Thanks to Zoë and José.`
    expect(estimateTextTokens(named) - estimateTextTokens(english)).toBeLessThan(30)
  })
})

describe('countTokens', () => {
  const failure = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    throw new Error('did not throw')
  }

  it('estimates without a tokenizer, and otherwise returns the count of the tokenizer, rounded up', () => {
    expect(countTokens('hello world')).toBe(estimateTextTokens('hello world'))
    expect(countTokens('hello world', { count: (text) => text.length })).toBe(11)
    expect(countTokens('hello world', { count: () => 0 })).toBe(0)
    expect(countTokens('hello world', { count: () => 2.5 })).toBe(3)
  })

  it('calls the tokenizer as a method', () => {
    const tokenizer = {
      perLetter: 2,
      count(text: string) {
        return text.length * this.perLetter
      },
    }
    expect(countTokens('abc', tokenizer)).toBe(6)
  })

  it('throws InvalidRequest with the cause if the tokenizer throws', () => {
    const cause = new Error('vocabulary missing')
    const error = failure(() =>
      countTokens('x', {
        count: () => {
          throw cause
        },
      }),
    )
    expect(isHeadgateError(error, 'invalid_request')).toBe(true)
    expect((error as Error).cause).toBe(cause)
  })

  it.each([NaN, -1, Infinity, '3', undefined, null, 3n])(
    'throws InvalidRequest if the tokenizer returns %s',
    (returned) => {
      const error = failure(() => countTokens('x', { count: () => returned as number }))
      expect(isHeadgateError(error, 'invalid_request')).toBe(true)
      expect((error as Error).message).toContain(String(returned))
    },
  )
})
