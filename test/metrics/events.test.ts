import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest'
import { Events } from '../../src/metrics/events.js'
import { settlePromises } from '../support/virtual-clock.js'

const admit = { requestId: 1, tenant: undefined, model: 'm', attempt: 1, waitMs: 0 }

describe('Events', () => {
  test('every listener of an event is called, in the order of adding, until it is removed', () => {
    const events = new Events()
    const heard: string[] = []
    const stop = events.on('admit', ({ model }) => heard.push(`a ${model}`))
    events.on('admit', ({ model }) => heard.push(`b ${model}`))
    events.on('settle', () => heard.push('settle'))
    events.emit('admit', admit)
    stop()
    stop()
    events.emit('admit', { ...admit, model: 'n' })
    expect(heard).toEqual(['a m', 'b m', 'b n'])
  })

  test('a listener that was added twice is called twice, and is removed once by each returned function', () => {
    const events = new Events()
    let heard = 0
    const listener = () => heard++
    const stop = events.on('admit', listener)
    events.on('admit', listener)
    events.emit('admit', admit)
    expect(heard).toBe(2)
    stop()
    events.emit('admit', admit)
    expect(heard).toBe(3)
  })

  test('has() says whether an event has a listener', () => {
    const events = new Events()
    expect(events.has('admit')).toBe(false)
    const stop = events.on('admit', () => {})
    expect([events.has('admit'), events.has('settle')]).toEqual([true, false])
    stop()
    expect(events.has('admit')).toBe(false)
    events.emit('admit', admit)
  })

  test('a listener that throws stops neither the others nor the emitter, and causes a warning', () => {
    const events = new Events()
    const heard: string[] = []
    const cause = new Error('mine')
    events.on('admit', () => {
      throw cause
    })
    events.on('admit', () => heard.push('second'))
    events.on('warning', (warning) => {
      expect(warning.cause).toBe(cause)
      heard.push(warning.message)
    })
    events.emit('admit', admit)
    expect(heard).toEqual(["A listener of 'admit' threw: Error: mine", 'second'])
  })

  test('a listener of warnings that throws causes no further warning', () => {
    const events = new Events()
    let warnings = 0
    events.on('warning', () => {
      warnings++
      throw new Error('again')
    })
    events.emit('warning', { message: 'x' })
    expect(warnings).toBe(1)
  })

  test('a listener may remove itself and others while an event is emitted', () => {
    const events = new Events()
    const heard: string[] = []
    const stopFirst = events.on('admit', () => {
      heard.push('first')
      stopFirst()
      stopSecond()
    })
    const stopSecond = events.on('admit', () => heard.push('second'))
    events.on('admit', () => heard.push('third'))
    events.emit('admit', admit)
    events.emit('admit', admit)
    expect(heard).toEqual(['first', 'third', 'third'])
  })

  test('an async listener that rejects causes a warning, not an unhandled rejection', async () => {
    const events = new Events()
    const warnings: string[] = []
    events.on('warning', ({ message }) => warnings.push(message))
    // The lint forbids an async listener where its type is seen. A caller without that lint may pass one.
    const failing = (): unknown => Promise.reject(new Error('async trouble'))
    events.on('admit', failing)
    events.emit('admit', admit)
    await settlePromises()
    expect(warnings).toEqual([expect.stringContaining('async trouble')])
  })
})

describe('a warning', () => {
  let emitWarning: MockInstance<typeof process.emitWarning>
  beforeEach(() => {
    emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  })
  afterEach(() => void emitWarning.mockRestore())
  const printed = () => emitWarning.mock.calls.map(([message]) => message)

  test('that nobody listens to is printed once, with its code', () => {
    const events = new Events()
    for (let i = 0; i < 3; i++) events.emit('warning', { message: 'low water', code: 'unknown_model' })
    events.emit('warning', { message: 'high water', cause: new Error('rain') })
    expect(emitWarning.mock.calls).toEqual([
      ['low water', { type: 'HeadgateWarning', code: 'unknown_model' }],
      ['high water', { type: 'HeadgateWarning' }],
    ])
  })

  test('that somebody listens to is not, until nobody does', () => {
    const events = new Events()
    const stop = events.on('warning', () => {})
    events.emit('warning', { message: 'heard' })
    expect(printed()).toEqual([])
    stop()
    events.emit('warning', { message: 'unheard' })
    expect(printed()).toEqual(['unheard'])
  })

  test('of a workspace is not printed where the workspace or the account listens', () => {
    const account = new Events()
    const workspace = new Events({ above: account, workspace: 'w' })
    const stopOwn = workspace.on('warning', () => {})
    workspace.emit('warning', { message: 'one' })
    stopOwn()
    const stopAbove = account.on('warning', () => {})
    workspace.emit('warning', { message: 'two' })
    stopAbove()
    expect(printed()).toEqual([])
    workspace.emit('warning', { message: 'three' })
    account.emit('warning', { message: 'three' })
    expect(printed()).toEqual(['three'])
  })

  test('of a listener that throws is printed, and other events are not', () => {
    const events = new Events()
    events.on('admit', () => {
      throw new Error('mine')
    })
    events.emit('admit', admit)
    events.emit('fallback', { requestId: 1, tenant: undefined, from: 'a', to: 'b', reason: 'wait' })
    expect(printed()).toEqual(["A listener of 'admit' threw: Error: mine"])
  })
})
