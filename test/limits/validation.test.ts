import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidLimits } from '../../src/errors.js'
import { LIMIT_FIELDS } from '../../src/limits/limit-fields.js'
import {
  isRetired,
  validateLimits,
  validateOverrides,
  validateRow,
  validateTable,
} from '../../src/limits/validation.js'
import { anyLimits, anyTable, modelName } from './arbitraries.js'
import { runs } from '../support/runs.js'

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidLimits)
    return (error as InvalidLimits).message
  }
  throw new Error('no error was thrown')
}

describe('validateLimits', () => {
  test('accepts every field, Infinity, and fractions of limits per second', () => {
    const limits = {
      rpm: 1,
      tpm: Infinity,
      rps: 0.5,
      tps: 1666.6,
      inputTpm: 2,
      outputTpm: 3,
      thinkingTpm: 4,
      concurrency: 5,
    }
    const checked = validateLimits('m', limits)
    expect(checked).toEqual(limits)
    expect(checked).not.toBe(limits)
    expect(Object.isFrozen(checked)).toBe(true)
  })

  test('accepts limits without fields, and drops undefined ones', () => {
    expect(Object.keys(validateLimits('m', { rpm: undefined, tpm: 5 }))).toEqual(['tpm'])
    expect(validateLimits('m', {})).toEqual({})
  })

  test('accepts a row of a table, and keeps only its limits', () => {
    expect(validateLimits('m', { rpm: 5, source: 's', region: 'r', date: 'd' })).toEqual({ rpm: 5 })
  })

  test.each([
    [{ rpm: -5 }, "model 'qwen-plus': rpm is -5: give at least 1, or leave it out if it does not bind"],
    [{ rpm: 0 }, "model 'qwen-plus': rpm is 0: give at least 1, or leave it out if it does not bind"],
    [{ rpm: 0, tpm: 0 }, "model 'qwen-plus': rpm is 0: give at least 1, or leave it out if it does not bind"],
    [{ tps: -0.5 }, "model 'qwen-plus': tps is -0.5: give a number above 0, or leave it out if it does not bind"],
    [{ tpm: -Infinity }, "model 'qwen-plus': tpm is -Infinity: give at least 1, or leave it out if it does not bind"],
    [{ rpm: Number.NaN }, "model 'qwen-plus': rpm is NaN: give a number, such as 600"],
    [{ tpm: Number.NaN }, "model 'qwen-plus': tpm is NaN: give a number, such as 100000"],
    [{ concurrency: Number.NaN }, "model 'qwen-plus': concurrency is NaN: give a number, such as 10"],
    [{ rpm: '600' }, 'model \'qwen-plus\': rpm is the text "600": give a number, not text: 600'],
    [{ tpm: '1,000,000' }, 'model \'qwen-plus\': tpm is the text "1,000,000": give a number, not text: 1000000'],
    [{ tpm: 'unlimited' }, 'tpm is the text "unlimited": give a number, not text, or leave it out if it does not bind'],
    [{ tpm: '' }, 'tpm is the text "": give a number, not text, or leave it out if it does not bind'],
    [{ rpm: null }, 'rpm is null: give a number, or leave it out if it does not bind'],
    [{ rpm: true }, 'rpm is the boolean true: give a number, or leave it out if it does not bind'],
    [{ rpm: [600] }, 'rpm is an array: give a number'],
    [{ rpm: { value: 600 } }, 'rpm is an object: give a number'],
    [{ rpm: () => 600 }, 'rpm is a function: give a number'],
    [{ rpm: 1.5 }, 'rpm is 1.5: give a whole number of at least 1 (only rps and tps may have fractions)'],
    [{ tpm: 0.2 }, 'tpm is 0.2: give a whole number of at least 1 (only rps and tps may have fractions)'],
    [{ concurrency: 2.5 }, 'concurrency is 2.5: give a whole number of at least 1'],
    [{ tpm: 1.5e14 + 1 }, 'tpm is 150000000000001: the largest is 150000000000000; give Infinity for no limit'],
    [{ tps: 2.6e12 }, 'tps is 2600000000000: the largest is 2500000000000; give Infinity for no limit'],
    [{ rps: 1e-7 }, 'rps is 1e-7: the smallest is 0.000001'],
    [{ source: 5 }, 'source is the number 5: give a text, or leave it out'],
    [{ date: new Date(0) }, 'date is a Date: give a text, or leave it out'],
  ])('rejects the limits %j', (limits, message) => {
    expect(messageOf(() => validateLimits('qwen-plus', limits))).toContain(message)
  })

  test.each([
    [null, 'is null: give an object, such as { rpm: 600, tpm: 1000000 }'],
    [undefined, 'is undefined: give an object'],
    [600, 'is the number 600: give an object'],
    ['600', 'is the text "600": give an object'],
    [[600, 1_000_000], 'is an array: give an object'],
    [new Map(), 'is a Map: give an object'],
  ])('rejects %j instead of limits', (limits, message) => {
    expect(messageOf(() => validateLimits('qwen-plus', limits))).toContain(`model 'qwen-plus' ${message}`)
  })

  test.each([
    ['qpm', 'rpm'],
    ['RPM', 'rpm'],
    ['Tpm', 'tpm'],
    ['requestsPerMinute', 'rpm'],
    ['requests_per_minute', 'rpm'],
    ['tokensPerMinute', 'tpm'],
    ['rpm_limit', 'rpm'],
    ['qps', 'rps'],
    ['requestsPerSecond', 'rps'],
    ['tokens-per-second', 'tps'],
    ['tmp', 'tpm'],
    ['rmp', 'rpm'],
    ['rpmm', 'rpm'],
    ['input_tpm', 'inputTpm'],
    ['outputTPM', 'outputTpm'],
    ['thinking_output_tpm', 'thinkingTpm'],
    ['concurency', 'concurrency'],
    ['maxConcurrency', 'concurrency'],
    ['regoin', 'region'],
  ])('suggests for the unknown field %s the field %s', (field, meant) => {
    const message = messageOf(() => validateLimits('qwen-plus', { [field]: 5 }))
    expect(message).toBe(`model 'qwen-plus': unknown field '${field}': did you mean '${meant}'?`)
  })

  test('lists all fields if none is close to the unknown one', () => {
    const message = messageOf(() => validateLimits('qwen-plus', { colour: 'blue' }))
    expect(message).toContain(
      "unknown field 'colour': the fields are rpm, tpm, rps, tps, inputTpm, outputTpm, thinkingTpm",
    )
  })

  test.each(['', ' qwen-plus', 'qwen-plus\n', undefined])('rejects %j as the name of a model', (model) => {
    expect(messageOf(() => validateLimits(model as string, { rpm: 5 }))).toContain("a model's name is")
  })

  test('rejects a bigint, and shows it as a number', () => {
    expect(messageOf(() => validateLimits('m', { rpm: 600n }))).toBe(
      "model 'm': rpm is the bigint 600: give a number: 600",
    )
  })

  test('shortens a long text in its message', () => {
    const message = messageOf(() => validateLimits('m', { rpm: 'x'.repeat(10_000) }))
    expect(message.length).toBeLessThan(200)
  })

  test('for random inputs, returns valid limits unchanged, and the same when they are checked again', () => {
    fc.assert(
      fc.property(modelName, anyLimits, (model, limits) => {
        const checked = validateLimits(model, limits)
        expect(checked).toEqual(limits)
        expect(validateLimits(model, checked)).toEqual(checked)
      }),
      runs(),
    )
  })

  test('for random inputs, finds one wrong value, and names its model and field', () => {
    const bad = fc.oneof(
      fc.double({ max: 0, noNaN: true }),
      fc.constantFrom(Number.NaN, null, 1e15, 1e300),
      fc.string(),
      fc.boolean(),
      fc.object(),
    )
    fc.assert(
      fc.property(modelName, anyLimits, fc.constantFrom(...LIMIT_FIELDS), bad, (model, limits, field, value) => {
        const message = messageOf(() => validateLimits(model, { ...limits, [field]: value }))
        expect(message).toContain(`model '${model}': ${field} is `)
      }),
      runs(),
    )
  })

  test('accepts only limits that a meter can count exactly in µs, ms or s', () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        const { rps, tps, concurrency: _concurrency, ...minutes } = validateLimits('m', limits)
        for (const limit of Object.values(minutes)) {
          if (limit !== Infinity) expect(limit * 60).toBeLessThan(2 ** 53)
        }
        for (const limit of [rps, tps]) {
          if (limit !== undefined && limit !== Infinity) expect(limit * 60).toBeLessThan(2 ** 53)
        }
      }),
      runs(),
    )
  })
})

describe('validateOverrides', () => {
  test('checks every model, and names the model of an error', () => {
    expect(validateOverrides({ a: { rpm: 5 }, b: { tpm: Infinity } })).toEqual({ a: { rpm: 5 }, b: { tpm: Infinity } })
    const message = messageOf(() => validateOverrides({ a: { rpm: 5 }, b: { tpm: 0 } }))
    expect(message).toBe("overrides: model 'b': tpm is 0: give at least 1, or leave it out if it does not bind")
  })

  test('rejects overrides that are not an object', () => {
    expect(messageOf(() => validateOverrides([]))).toBe("overrides is an array: give { 'model-name': { rpm, tpm } }")
  })
})

describe('validateTable', () => {
  test('keeps the source, region and date, and freezes the table and its rows', () => {
    const table = { 'qwen-plus': { rpm: 600, tpm: 1_000_000, source: 's', region: 'r', date: '2026' } }
    const checked = validateTable(table, 'limits')
    expect(checked).toEqual(table)
    expect(Object.isFrozen(checked)).toBe(true)
    expect(Object.isFrozen(checked['qwen-plus'])).toBe(true)
  })

  test('accepts an empty table', () => {
    expect(validateTable({}, 'limits')).toEqual({})
  })

  test('accepts a retired model, with zeros in its other fields too', () => {
    expect(validateTable({ old: { rpm: 0, tpm: 0 } }, 'limits')).toEqual({ old: { rpm: 0, tpm: 0 } })
    expect(validateRow('old', { rpm: 0, tpm: 0, rps: 0 })).toEqual({ rpm: 0, tpm: 0, rps: 0 })
  })

  test.each([{ rpm: 0, tpm: 1000 }, { rpm: 0 }])(
    'rejects %j, since only rpm and tpm together retire a model',
    (row) => {
      expect(messageOf(() => validateTable({ half: row }, 'limits'))).toBe(
        "limits: model 'half': rpm is 0: give at least 1, or leave it out if it does not bind; " +
          'a retired model has rpm: 0 and tpm: 0',
      )
    },
  )

  test('rejects a negative limit of a retired model', () => {
    expect(messageOf(() => validateRow('old', { rpm: 0, tpm: 0, rps: -1 }))).toContain('rps is -1')
  })

  test.each([
    [null, 'limits is null: give'],
    [undefined, 'limits is undefined: give'],
    ['x', 'limits is the text "x": give'],
    [[], 'limits is an array: give'],
    [new Map([['qwen-plus', { rpm: 5 }]]), 'limits is a Map: give'],
    [Promise.resolve({}), 'limits is a Promise: await it first'],
    [{ rpm: 600, tpm: 1000 }, "limits: 'rpm' is a limit, not a model: give { 'model-name': { rpm: … } }"],
    [{ 'qwen-plus': 600 }, "limits: model 'qwen-plus' is the number 600: give an object"],
    [{ 'qwen-plus': null }, "limits: model 'qwen-plus' is null: give an object"],
    [{ '': { rpm: 5 } }, 'limits: a model\'s name is the text ""'],
    [{ a: { rpm: 5 }, b: { rpm: '5' } }, "limits: model 'b': rpm is the text"],
    [{ a: { qpm: 5 } }, "limits: model 'a': unknown field 'qpm': did you mean 'rpm'?"],
  ])('rejects the table %j: %s', (table, message) => {
    expect(messageOf(() => validateTable(table, 'limits'))).toContain(message)
  })

  test('accepts models that are named like a limit or like a property of every object', () => {
    const table = JSON.parse('{ "rpm": { "rpm": 5 }, "__proto__": { "tpm": 5 }, "constructor": { "tpm": 6 } }')
    const checked = validateTable(table, 'limits')
    expect(Object.keys(checked)).toEqual(['rpm', '__proto__', 'constructor'])
  })

  test('for random inputs, returns a valid table unchanged', () => {
    fc.assert(
      fc.property(anyTable, (table) => {
        expect(Object.entries(validateTable(table, 'limits'))).toEqual(Object.entries(table))
      }),
      runs(),
    )
  })

  test('for random inputs of any type, returns a table or throws InvalidLimits', () => {
    fc.assert(
      fc.property(
        fc.anything({ withMap: true, withDate: true, withBigInt: true, withNullPrototype: true }),
        (table) => {
          try {
            validateTable(table, 'limits')
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidLimits)
          }
        },
      ),
      runs(),
    )
  })
})

test.each([
  [{ rpm: 0, tpm: 0 }, true],
  [{ rpm: 0 }, false],
  [{ tpm: 0 }, false],
  [{ rpm: 1, tpm: 1 }, false],
  [{}, false],
])('a model with the limits %j is retired: %s', (limits, expected) => {
  expect(isRetired(limits)).toBe(expected)
})
