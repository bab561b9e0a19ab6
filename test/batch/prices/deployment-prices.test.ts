import { describe, expect, test } from 'vitest'
import { builtInDeploymentPrices } from '../../../src/batch/prices/built-in-prices.js'
import { type ModelUnitPrice, validateDeploymentPrices } from '../../../src/batch/prices/deployment-prices.js'
import { InvalidRequest } from '../../../src/errors.js'
import { PROVISIONED_ROWS, TOKEN_ROWS, UNIT_ROWS } from './deployment-page.js'

const { provisioned, modelUnits, tokens } = builtInDeploymentPrices
const lines = (rows: string) => rows.trim().split('\n')

describe('the built-in prices of deployments', () => {
  test('say where they are from', () => {
    const { currency, region, date, source } = builtInDeploymentPrices
    expect({ currency, region, date }).toEqual({ currency: 'CNY', region: 'beijing', date: '2026-05' })
    expect(source).toContain('Model Studio')
  })

  test.each(lines(PROVISIONED_ROWS))('provisioned: %s', (line) => {
    const [model, most, ...figures] = line.split(' ')
    const numbers = figures.map(Number)
    const price = provisioned[model!]!
    expect(price.maxInputTokens).toBe(Number(most))
    const of = (p: typeof price.hour) =>
      [p.inputPer10kTpm, p.outputPer1kTpm, p.thinkingOutputPer1kTpm].filter((figure) => figure !== undefined)
    expect([...of(price.hour), ...of(price.day)]).toEqual(numbers)
  })

  const unitLine = (model: string, { unit, count, mode, hour, month }: ModelUnitPrice) =>
    `${model} ${unit}x${count}${mode === undefined ? '' : ' pd'} ${hour} ${month}`
  const ours = Object.entries(modelUnits).flatMap(([model, rows]) => rows.map((row) => unitLine(model, row)))

  test.each(lines(UNIT_ROWS))('units: %s', (line) => {
    expect(ours).toContain(line)
  })

  test.each(lines(TOKEN_ROWS))('tokens: %s', (line) => {
    const [model, input, output, thinkingOutput] = line.split(' ')
    const thinking = thinkingOutput === undefined ? {} : { thinkingOutput: Number(thinkingOutput) }
    expect(tokens[model!]).toEqual({ input: Number(input), output: Number(output), ...thinking })
  })

  test('have no rows beyond the page', () => {
    expect(Object.keys(provisioned)).toHaveLength(lines(PROVISIONED_ROWS).length)
    expect(ours).toHaveLength(lines(UNIT_ROWS).length)
    expect(Object.keys(tokens)).toHaveLength(lines(TOKEN_ROWS).length)
  })

  test('price a kind of unit the same in every make-up', () => {
    const hours = new Map<string, Set<number>>()
    for (const { unit, count, hour } of Object.values(modelUnits).flat()) {
      hours.set(unit, (hours.get(unit) ?? new Set()).add(hour / count))
    }
    expect([...hours.values()].map((prices) => prices.size)).toEqual([...hours].map(() => 1))
  })

  test('are frozen', () => {
    expect(Object.isFrozen(modelUnits['qwen3-32b']![0])).toBe(true)
    expect(Object.isFrozen(provisioned['glm-5.1']!.hour)).toBe(true)
  })
})

describe('validateDeploymentPrices', () => {
  test('takes the built-in ones back from JSON', () => {
    const copy = JSON.parse(JSON.stringify(builtInDeploymentPrices)) as unknown
    expect(validateDeploymentPrices(copy, 'f')).toEqual(builtInDeploymentPrices)
  })

  test('takes a part of them', () => {
    expect(validateDeploymentPrices({ currency: 'CNY', tokens: { m: { input: 1, output: 2 } } }, 'f')).toEqual({
      currency: 'CNY',
      provisioned: {},
      modelUnits: {},
      tokens: { m: { input: 1, output: 2 } },
    })
  })

  const throughput = { inputPer10kTpm: 1, outputPer1kTpm: 1 }
  test.each([
    [[], 'f is an array: give { currency, provisioned, modelUnits, tokens }'],
    [{}, 'f lacks currency: give its three letters'],
    [{ currency: 'CNY', units: {} }, "f: unknown field 'units': did you mean 'modelUnits'?"],
    [
      { currency: 'CNY', provisioned: { m: { maxInputTokens: 0, hour: throughput, day: throughput } } },
      "f: provisioned: model 'm': maxInputTokens is the number 0: give a whole number, 1 or more",
    ],
    [
      { currency: 'CNY', provisioned: { m: { maxInputTokens: 5, hour: throughput } } },
      "f: provisioned: model 'm' lacks day: give an object",
    ],
    [
      { currency: 'CNY', provisioned: { m: { maxInputTokens: 5, hour: { inputPer10kTpm: 1 }, day: throughput } } },
      "f: provisioned: model 'm': hour lacks outputPer1kTpm: give a number, 0 or more",
    ],
    [{ currency: 'CNY', modelUnits: { m: {} } }, "f: modelUnits: model 'm' is an object: give a list of"],
    [
      { currency: 'CNY', modelUnits: { m: [{ unit: 'MU1', count: 1, hour: '5', month: 5 }] } },
      'f: modelUnits: model \'m\': make-up 1: hour is the text "5": give a number, 0 or more',
    ],
    [{ currency: 'CNY', tokens: { m: { input: -1, output: 0 } } }, "f: tokens: model 'm': input is the number -1"],
  ])('refuses %j', (prices, message) => {
    expect(() => validateDeploymentPrices(prices, 'f')).toThrow(InvalidRequest)
    expect(() => validateDeploymentPrices(prices, 'f')).toThrow(message)
  })
})
