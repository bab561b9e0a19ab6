import { describe, expect, test } from 'vitest'
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
