import { expect, test } from 'vitest'
import { isJsonObject, parsedJson } from '../src/json.js'

test.each([
  ['{"a":[1]}', { a: [1] }],
  ['null', null],
  ['"text"', 'text'],
  ['', undefined],
  ['{"a":', undefined],
  ['<html>', undefined],
])('%j is the value %j, or none', (text, expected) => {
  expect(parsedJson(text)).toEqual(expected)
})

test('only objects with fields are objects', () => {
  expect([{}, { a: 1 }].every(isJsonObject)).toBe(true)
  for (const other of [null, undefined, [], 'text', 1, true]) expect(isJsonObject(other)).toBe(false)
})
