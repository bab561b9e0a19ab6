import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonFault } from '../../src/node/json-fault.js'
import { runs } from '../support/runs.js'

describe('jsonFault', () => {
  test.each([
    ['', 1, 1, 'the end of the file'],
    ['  \n ', 2, 2, 'the end of the file'],
    ['{', 1, 2, 'the end of the file'],
    ['{\n  "a": 1,\n}', 3, 1, "'}'"],
    ['{\r\n  "a": 1,\r\n}', 3, 1, "'}'"],
    ['{\r  "a": 1,\r}', 3, 1, "'}'"],
    ['[1, 2,]', 1, 7, "']'"],
    ['{"a": x}', 1, 7, "'x'"],
    ["{'a': 1}", 1, 2, "'''"],
    ['{"a" 1}', 1, 6, "'1'"],
    ['{"a": 1 "b": 2}', 1, 9, `'"'`],
    ['{"a": 01}', 1, 8, "'1'"],
    ['{"a": .5}', 1, 7, "'.'"],
    ['{"a": 1_000}', 1, 8, "'_'"],
    ['{"a": NaN}', 1, 7, "'N'"],
    ['{"a": "unclosed}', 1, 7, `'"'`],
    ['{"a": "\\x"}', 1, 7, `'"'`],
    ['{"a": 1]', 1, 8, "']'"],
    ['[1}', 1, 3, "'}'"],
    ['{} {}', 1, 4, "'{'"],
    ['// note\n{}', 1, 1, "'/'"],
    ['{"a": 😀}', 1, 7, "'😀'"],
  ])('finds the fault of %j at line %i, column %i: %s', (text, line, column, found) => {
    expect(jsonFault(text)).toEqual({ line, column, found })
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
  })

  test('reads nesting that is deep enough to overflow a stack', () => {
    expect(jsonFault('['.repeat(100_000))).toEqual({ line: 1, column: 100_001, found: 'the end of the file' })
  })

  test.each(['a', '\\n', '\\u00e9'])('reads a string of a million %j', (unit) => {
    const long = `"${unit.repeat(1_000_000)}"`
    expect(jsonFault(`{"a": ${long}}`)).toBeUndefined()
    expect(jsonFault(`{"a": ${long} x`)).toMatchObject({ column: 8 + long.length, found: "'x'" })
    expect(jsonFault(`{"a": ${long.slice(0, -1)}`)).toMatchObject({ column: 7, found: `'"'` })
  })

  test('finds no fault in random valid JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
        expect(jsonFault(JSON.stringify(JSON.parse(text), undefined, indent))).toBeUndefined()
      }),
      runs(),
    )
  })

  test('finds a fault in random texts exactly when JSON.parse throws', () => {
    const damaged = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '}', ']', '"', ':', '{', '0', '\\', 'e', '\u0000'),
    )
    fc.assert(
      fc.property(damaged, ([text, at, insert]) => {
        const offset = at % (text.length + 1)
        const broken = text.slice(0, offset) + insert + text.slice(offset + (insert === '' ? 1 : 0))
        expect(jsonFault(broken) === undefined).toBe(isJson(broken))
      }),
      runs(2_000),
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
