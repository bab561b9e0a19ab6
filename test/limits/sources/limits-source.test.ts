import { describe, expect, test } from 'vitest'
import { InvalidLimits } from '../../../src/errors.js'
import { builtInTables } from '../../../src/limits/built-in-tables.js'
import { staticSource, toSource } from '../../../src/limits/sources/limits-source.js'
import type { LimitsSource, LimitsTable } from '../../../src/types.js'

describe('staticSource', () => {
  test('has the same table for ever, and calls no listener', () => {
    const table = { m: { rpm: 5 } }
    const source = staticSource(table)
    expect(source.current()).toBe(table)
    const stop = source.subscribe(() => expect.unreachable())
    stop()
    stop()
    expect('name' in source).toBe(false)
    expect(staticSource(table, 'mine').name).toBe('mine')
  })
})

describe('toSource', () => {
  test('returns the table of Singapore by default', () => {
    expect(toSource(undefined).current()).toBe(builtInTables['model-studio/singapore'])
    expect(toSource(undefined).name).toBe('model-studio/singapore')
  })

  test.each(Object.entries(builtInTables))('finds the built-in table %s by its name', (name, table) => {
    expect(toSource(name).current()).toBe(table)
    expect(toSource(name).name).toBe(name)
  })

  test.each([
    ['singapore', "Did you mean 'model-studio/singapore'?"],
    ['model-studio/singapoer', "Did you mean 'model-studio/singapore'?"],
    ['Model-Studio/Beijing', "Did you mean 'model-studio/beijing'?"],
    ['modelstudio/virginia', "Did you mean 'model-studio/virginia'?"],
    ['limits.json', 'give what loadLimits(path) of headgate/node resolves to'],
    ['constructor', 'limits is the text "constructor", which is not a built-in table. The built-in tables are'],
    ['', 'limits is the text "", which is not a built-in table. The built-in tables are'],
  ])('rejects the unknown name %j, and lists the built-in tables', (name, message) => {
    expect(() => toSource(name)).toThrow(InvalidLimits)
    expect(() => toSource(name)).toThrow(message)
    expect(() => toSource(name)).toThrow(
      'model-studio/international-2025, model-studio/singapore, model-studio/beijing, model-studio/virginia',
    )
  })

  test('accepts a table, and checks it', () => {
    const source = toSource({ m: { rpm: 5 } })
    expect(source.current()).toEqual({ m: { rpm: 5 } })
    expect(source.name).toBeUndefined()
    expect(() => toSource({ m: { rpm: -5 } })).toThrow("limits: model 'm': rpm is -5")
    expect(() => toSource(null as unknown as LimitsTable)).toThrow('limits is null')
    expect(() => toSource(5 as unknown as LimitsTable)).toThrow('limits is the number 5')
  })

  test('accepts a source, and returns it unchanged, also one with methods of a class', () => {
    class Live implements LimitsSource {
      current() {
        return {}
      }
      subscribe() {
        return () => {}
      }
    }
    const live = new Live()
    expect(toSource(live)).toBe(live)
  })

  test('accepts a table whose models are named current and subscribe', () => {
    expect(toSource({ current: { rpm: 5 }, subscribe: { rpm: 6 } }).current()).toEqual({
      current: { rpm: 5 },
      subscribe: { rpm: 6 },
    })
  })

  test.each([
    [{ current: () => ({}) }, 'limits is a source without subscribe()'],
    [{ subscribe: () => () => {} }, 'limits is a source without current()'],
  ])('rejects the half of a source %j: %s', (half, message) => {
    expect(() => toSource(half as unknown as LimitsSource)).toThrow(InvalidLimits)
    expect(() => toSource(half as unknown as LimitsSource)).toThrow(message)
  })
})
