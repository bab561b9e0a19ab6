import { describe, expect, test } from 'vitest'
import { builtInPrices, pricesBeside } from '../../../src/batch/prices/built-in-prices.js'
import { BATCH_PRICE_SHARE, costOf, validatePrices } from '../../../src/batch/prices/prices.js'
import { InvalidRequest } from '../../../src/errors.js'
import { builtInTables } from '../../../src/limits/index.js'

describe('the built-in prices', () => {
  test.each([
    ['model-studio/singapore', 'USD', 'qwen3.7-max', 2.5, 7.5],
    ['model-studio/singapore', 'USD', 'qwen3.7-plus', 0.4, 1.6],
    ['model-studio/singapore', 'USD', 'qwen3.6-flash', 0.25, 1.5],
    ['model-studio/singapore', 'USD', 'qwen3-vl-plus', 0.2, 1.6],
    ['model-studio/singapore', 'USD', 'text-embedding-v4', 0.07, 0],
    ['model-studio/beijing', 'CNY', 'qwen3.7-max', 12, 36],
    ['model-studio/beijing', 'CNY', 'qwen3.6-plus', 2, 10],
    ['model-studio/beijing', 'CNY', 'qwen3.6-flash', 1.2, 7.2],
    ['model-studio/beijing', 'CNY', 'qwen3.5-flash', 0.2, 2],
  ] as const)('%s, %s: %s', (table, currency, model, input, output) => {
    expect(builtInPrices[table][model]).toMatchObject({ input, output, currency, date: '2026-06' })
    expect(builtInPrices[table][model]?.source).toContain('Model Studio')
  })

  test('are no more than these, frozen, and pass their own check', () => {
    expect(Object.values(builtInPrices).map((table) => Object.keys(table).length)).toEqual([5, 4])
    for (const table of Object.values(builtInPrices)) {
      expect(Object.isFrozen(Object.values(table)[0])).toBe(true)
      expect(validatePrices(JSON.parse(JSON.stringify(table)), 'built-in')).toEqual(table)
    }
  })

  test('are found beside a limits table of their region', () => {
    expect(pricesBeside('model-studio/singapore')).toBe(builtInPrices['model-studio/singapore'])
    expect(pricesBeside('model-studio/international-2025')).toBe(builtInPrices['model-studio/singapore'])
    expect(pricesBeside('model-studio/beijing')).toBe(builtInPrices['model-studio/beijing'])
    expect(pricesBeside('model-studio/virginia')).toEqual({})
    expect(pricesBeside('toString')).toEqual({})
    expect(Object.keys(builtInTables)).toContain('model-studio/international-2025')
  })
})

describe('costOf', () => {
  const prices = {
    m: { input: 2, output: 10, currency: 'CNY' },
    t: { input: 1, output: 4, thinkingOutput: 9, currency: 'CNY' },
  }

  test('adds input and output', () => {
    const cost = costOf('m', { inputTokens: 1_500_000, outputTokens: 200_000 }, prices)
    expect(cost).toEqual({ known: true, amount: 5, currency: 'CNY', price: { currency: 'CNY' } })
  })

  test('has a price of its own for answers that think', () => {
    const tokens = { inputTokens: 0, outputTokens: 3_000_000, thinkingOutputTokens: 1_000_000 }
    expect(costOf('t', tokens, prices)).toMatchObject({ amount: 17 })
    expect(costOf('m', tokens, prices)).toMatchObject({ amount: 30 })
  })

  test('is half of it in a batch', () => {
    expect(costOf('m', { inputTokens: 1e6, outputTokens: 1e6 }, prices, BATCH_PRICE_SHARE)).toMatchObject({ amount: 6 })
  })

  test.each(['other', 'toString'])('says that the price of %s is unknown', (model) => {
    expect(costOf(model, { inputTokens: 1, outputTokens: 1 }, prices)).toEqual({
      known: false,
      why: `no price of '${model}' is known`,
    })
  })
})

describe('validatePrices', () => {
  test('gives a frozen copy', () => {
    const table = {
      m: { input: 0, output: 2.5, thinkingOutput: 3, currency: 'USD', region: 'r', date: '2026', source: 's' },
    }
    const checked = validatePrices(table, 'f')
    expect(checked).toEqual(table)
    expect(Object.isFrozen(checked) && Object.isFrozen(checked['m'])).toBe(true)
  })

  test.each([
    [null, "f is null: give { 'a-model': … }"],
    [[], 'f is an array'],
    [{ m: 5 }, "f: model 'm' is the number 5: give { input, output"],
    [{ ' m': {} }, 'f: a model\'s name is the text " m": give it exactly'],
    [{ m: { input: 1, currency: 'USD' } }, "f: model 'm' lacks output: give a number, 0 or more"],
    [{ m: { input: 1, output: 1 } }, "f: model 'm' lacks currency: give its three letters, such as 'USD' or 'CNY'"],
    [{ m: { input: 1, output: 1, currency: '$' } }, 'f: model \'m\': currency is the text "$": give its three letters'],
    [{ m: { input: '1', output: 1, currency: 'USD' } }, 'f: model \'m\': input is the text "1": give a number'],
    [{ m: { input: 1, output: Infinity, currency: 'USD' } }, "f: model 'm': output is the number Infinity"],
    [{ m: { input: 1, ouput: 1, currency: 'USD' } }, "f: model 'm': unknown field 'ouput': did you mean 'output'?"],
    [
      { m: { input: 1, output: 1, currency: 'USD', date: 2026 } },
      "f: model 'm': date is the number 2026: give a text, or leave it out",
    ],
  ])('refuses %j', (table, message) => {
    expect(() => validatePrices(table, 'f')).toThrow(InvalidRequest)
    expect(() => validatePrices(table, 'f')).toThrow(message)
  })
})
