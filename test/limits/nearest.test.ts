import { expect, test } from 'vitest'
import { nearest } from '../../src/limits/nearest.js'

const models = ['qwen-max', 'qwen-plus', 'qwen-plus-latest', 'text-embedding-v3']

test.each([
  ['qwen-plus', 'qwen-plus'],
  ['Qwen_Plus', 'qwen-plus'],
  ['qwne-plus', 'qwen-plus'],
  ['qwen-mxa', 'qwen-max'],
  ['latest', 'qwen-plus-latest'],
  ['text-embeding-v3', 'text-embedding-v3'],
  ['claude', undefined],
  ['', undefined],
  ['通义', undefined],
])('the candidate nearest to %j is %s', (name, expected) => {
  expect(nearest(name, models)).toBe(expected)
})

test('no candidate is nearest if there are none', () => {
  expect(nearest('qwen', [])).toBeUndefined()
})
