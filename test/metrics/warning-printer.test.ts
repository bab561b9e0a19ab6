import { afterEach, describe, expect, test, vi } from 'vitest'
import { WarningPrinter } from '../../src/metrics/warning-printer.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function spied() {
  return vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
}

describe('WarningPrinter', () => {
  test('prints no more than a hundred messages, and says so', () => {
    const emitWarning = spied()
    const printer = new WarningPrinter()
    for (let i = 0; i < 200; i++) printer.print(`message ${i}`)
    printer.print('message 5')
    expect(emitWarning).toHaveBeenCalledTimes(101)
    expect(emitWarning.mock.calls[100]![0]).toContain('No further warnings are printed')
  })

  test('prints one line of bounded length: a model’s name may come from anybody', () => {
    const emitWarning = spied()
    new WarningPrinter().print(`Model 'a\r\nforged line\u001B[2J' ${'x'.repeat(5000)}`)
    const [message] = emitWarning.mock.calls[0]!
    expect(message).toMatch(/^Model 'a forged line \[2J' x+…$/)
    expect(String(message).length).toBeLessThanOrEqual(1001)
  })

  test('prints by console.warn where the runtime has no process.emitWarning', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    for (const process of [undefined, {}]) {
      vi.stubGlobal('process', process)
      const printer = new WarningPrinter()
      printer.print('low water', 'unknown_model')
      printer.print('low water')
    }
    vi.unstubAllGlobals()
    expect(warn.mock.calls).toEqual([['HeadgateWarning: low water'], ['HeadgateWarning: low water']])
  })

  test('stops nothing where the runtime cannot print', () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {
      throw new Error('closed')
    })
    expect(() => new WarningPrinter().print('low water')).not.toThrow()
    vi.stubGlobal('process', undefined)
    vi.stubGlobal('console', undefined)
    expect(() => new WarningPrinter().print('low water')).not.toThrow()
  })
})
