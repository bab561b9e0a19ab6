import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { abortableSleep, onAbort, orAborted } from '../src/abort-signals.js'
import { settlePromises, VirtualClock } from './support/virtual-clock.js'

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

describe('abortableSleep', () => {
  test('resolves after its time, and no sooner, and leaves no listener behind', async () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    let isOver = false
    const sleep = abortableSleep(clock, 500, signal).then(() => (isOver = true))
    await clock.advance(499)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await sleep
    expect(listeners(signal)).toBe(0)
  })

  test('rejects with the reason as soon as its signal aborts, and leaves no timer behind', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const sleep = abortableSleep(clock, 500, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(sleep).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
    expect(listeners(controller.signal)).toBe(0)
  })

  test('rejects at once where its signal has aborted, without a timer', async () => {
    const clock = new VirtualClock()
    const reason = new Error('before')
    await expect(abortableSleep(clock, 500, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })

  test('needs no signal', async () => {
    const clock = new VirtualClock()
    const sleep = abortableSleep(clock, 500, undefined)
    await clock.advance(500)
    await expect(sleep).resolves.toBeUndefined()
  })
})

describe('orAborted', () => {
  test('gives what the work gives, and leaves no listener behind', async () => {
    const { signal } = new AbortController()
    expect(await orAborted(Promise.resolve(7), signal)).toBe(7)
    expect(await orAborted(Promise.resolve(7), undefined)).toBe(7)
    await expect(orAborted(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken')
    expect(listeners(signal)).toBe(0)
  })

  test('rejects with the reason where the work takes no notice of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const work = orAborted(new Promise(() => {}), controller.signal)
    await settlePromises()
    controller.abort(reason)
    await expect(work).rejects.toBe(reason)
    await expect(orAborted(new Promise(() => {}), controller.signal)).rejects.toBe(reason)
    expect(listeners(controller.signal)).toBe(0)
  })
})
