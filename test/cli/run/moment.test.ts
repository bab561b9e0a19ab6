import { expect, it } from 'vitest'
import { moment } from '../../../src/cli/run/moment.js'

const after = new Date(2026, 8, 19, 21, 30)

it.each<[string, Date]>([
  ['22:30', new Date(2026, 8, 19, 22, 30)],
  ['21:30', new Date(2026, 8, 20, 21, 30)],
  ['6:05:09', new Date(2026, 8, 20, 6, 5, 9)],
  ['2026-09-19T23:00', new Date(2026, 8, 19, 23)],
  ['2026-09-19 23:00', new Date(2026, 8, 19, 23)],
  ['2026-09-19T23:00Z', new Date(Date.UTC(2026, 8, 19, 23))],
])('%s', (text, expected) => {
  expect(moment(text)(after)).toEqual(expected)
})

it.each(['24:00', '10', '2026-13-40T10:00', 'tomorrow', ''])('%j is none', (text) => {
  expect(() => moment(text)).toThrow(/22:30/)
})
