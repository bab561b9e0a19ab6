import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { onAbort } from '../src/abort-signals.js'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('onAbort', () => {
  test('a signal carries one listener, however many requests share it, and none once all have been removed', () => {
    const { signal } = new AbortController()
    const forget = Array.from({ length: 1000 }, () => onAbort(signal, () => expect.unreachable()))
    expect(listeners(signal)).toBe(1)
    for (const each of forget.slice(1)) each()
    expect(listeners(signal)).toBe(1)
    forget[0]!()
    expect(listeners(signal)).toBe(0)
  })

  test('an abort calls every listener once, in the order of adding, except those removed meanwhile', () => {
    const controller = new AbortController()
    const called: string[] = []
    onAbort(controller.signal, () => {
      called.push('a')
      forgetC()
    })
    onAbort(controller.signal, () => called.push('b'))
    const forgetC = onAbort(controller.signal, () => called.push('c'))
    controller.abort()
    controller.abort()
    expect(called).toEqual(['a', 'b'])
    expect(listeners(controller.signal)).toBe(0)
  })

  test('a listener that was added twice is called twice, and is removed once by each returned function', () => {
    const controller = new AbortController()
    let calls = 0
    const listener = () => void calls++
    const forget = onAbort(controller.signal, listener)
    onAbort(controller.signal, listener)
    forget()
    forget()
    controller.abort()
    expect(calls).toBe(1)
  })

  test('listeners can be added after all have been removed', () => {
    const controller = new AbortController()
    onAbort(controller.signal, () => expect.unreachable())()
    let calls = 0
    onAbort(controller.signal, () => void calls++)
    controller.abort()
    expect(calls).toBe(1)
  })

  test('a listener that is added while the signal aborts is not called', () => {
    const controller = new AbortController()
    let calls = 0
    const listen = (): void => {
      calls++
      onAbort(controller.signal, listen)
    }
    onAbort(controller.signal, listen)
    controller.abort()
    expect(calls).toBe(1)
  })
})
