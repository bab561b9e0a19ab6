import { describe, expect, test, vi } from 'vitest'
import { createLimiter, type HeadgateEvents, type LimiterOptions, type LimitsTable } from '../../src/index.js'
import { settlePromises } from '../support/virtual-clock.js'

/** What a listener hears that is added right after the limiter was made. */
async function warned(options: LimiterOptions): Promise<HeadgateEvents['warning'][]> {
  const limiter = createLimiter(options)
  const heard: HeadgateEvents['warning'][] = []
  limiter.on('warning', (event) => heard.push(event))
  expect(heard).toEqual([])
  await settlePromises()
  return heard
}

describe('a model in fallback that is in no table', () => {
  test('is a warning with the nearest name, for backups and for keys', async () => {
    expect(await warned({ fallback: { 'qwen-plus': ['qwen-falsh'], 'qwen-plsu': ['qwen-flash'] } })).toEqual([
      {
        code: 'unknown_fallback',
        model: 'qwen-falsh',
        message: "fallback names the model 'qwen-falsh', which is in no limits table. Did you mean 'qwen-flash'?",
      },
      {
        code: 'unknown_fallback',
        model: 'qwen-plsu',
        message: "fallback names the model 'qwen-plsu', which is in no limits table. Did you mean 'qwen-plus'?",
      },
    ])
  })

  test('is one warning, however often it is named; and has no hint where nothing is near', async () => {
    const heard = await warned({ limits: { a: {}, b: {} }, fallback: { a: ['elsewhere'], b: ['elsewhere', 'a'] } })
    expect(heard.map(({ message }) => message)).toEqual([
      "fallback names the model 'elsewhere', which is in no limits table.",
    ])
  })

  test.each<[string, LimiterOptions]>([
    ['it is in the table', { fallback: { 'qwen-plus': ['qwen-flash'] } }],
    ['the user gave its limits', { fallback: { 'qwen-plus': ['mine'] }, overrides: { mine: { rpm: 5 } } }],
    ['there is no fallback', {}],
    ['unknown models are rejected', { fallback: { 'qwen-plus': ['mine'] }, unknownModel: 'reject' }],
    ['there is no table', { limits: {}, fallback: { a: ['b'] }, unknownModel: 'unlimited' }],
  ])('is none where %s', async (_, options) => {
    expect(await warned(options)).toEqual([])
  })

  test('is checked when a source has its first table, and then no more', async () => {
    let table: LimitsTable = {}
    let tell = () => {}
    const limiter = createLimiter({
      limits: {
        current: () => table,
        subscribe(listener) {
          tell = listener
          listener()
          return () => {}
        },
      },
      fallback: { a: ['b'] },
    })
    const heard: string[] = []
    limiter.on('warning', ({ model }) => heard.push(model!))
    await settlePromises()
    expect(heard).toEqual([])
    for (const next of [{ a: {} }, { c: {} }]) {
      table = next
      tell()
      await settlePromises()
    }
    expect(heard).toEqual(['b'])
  })

  test('is not checked against a source that throws: its requests say so', async () => {
    const limits = {
      current(): LimitsTable {
        throw new Error('no connection')
      },
      subscribe: () => () => {},
    }
    expect(await warned({ limits, fallback: { a: ['b'] } })).toEqual([])
  })

  test('is printed where nobody listens', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    createLimiter({ fallback: { 'qwen-plus': ['qwen-falsh'] } })
    await settlePromises()
    expect(emitWarning.mock.calls).toEqual([
      [expect.stringContaining("Did you mean 'qwen-flash'?"), { type: 'HeadgateWarning', code: 'unknown_fallback' }],
    ])
    emitWarning.mockRestore()
  })
})
