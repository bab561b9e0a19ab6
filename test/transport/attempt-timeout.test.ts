import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { AttemptTimeout } from '../../src/transport/attempt-timeout.js'
import { VirtualClock } from '../support/virtual-clock.js'

describe('AttemptTimeout', () => {
  it('aborts its signal with the reason of the caller', () => {
    const clock = new VirtualClock()
    const caller = new AbortController()
    const timeout = new AttemptTimeout(caller.signal, clock, 1000)
    caller.abort('mine')
    expect(timeout.signal!.reason).toBe('mine')
    timeout.release()
    expect([clock.pending, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0])
  })

  it('is aborted from the start where the caller has aborted before', () => {
    const clock = new VirtualClock()
    const timeout = new AttemptTimeout(AbortSignal.abort('before'), clock, 1000)
    expect(timeout.signal!.reason).toBe('before')
    timeout.release()
    expect(clock.pending).toBe(0)
  })

  it('aborts its signal with a TimeoutError when the time is up', async () => {
    const clock = new VirtualClock()
    const timeout = new AttemptTimeout(undefined, clock, 1000)
    await clock.advance(999)
    expect(timeout.signal!.aborted).toBe(false)
    await clock.advance(1)
    expect((timeout.signal!.reason as Error).name).toBe('TimeoutError')
    timeout.release()
    expect(clock.pending).toBe(0)
  })

  it('aborts nothing after its release, and leaves no timer and no listener', async () => {
    const clock = new VirtualClock()
    const caller = new AbortController()
    const timeout = new AttemptTimeout(caller.signal, clock, 1000)
    timeout.release()
    timeout.release()
    expect([clock.pending, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0])
    caller.abort()
    await clock.advance(1000)
    expect(timeout.signal!.aborted).toBe(false)
  })

  it('still follows the caller once its timer is stopped', async () => {
    const clock = new VirtualClock()
    const caller = new AbortController()
    const timeout = new AttemptTimeout(caller.signal, clock, 1000)
    timeout.stopTimer()
    await clock.advance(1000)
    expect(timeout.signal!.aborted).toBe(false)
    caller.abort('mine')
    expect(timeout.signal!.reason).toBe('mine')
    timeout.release()
  })

  it('makes a signal for each attempt, and shares none', () => {
    const clock = new VirtualClock()
    const signals = new Set<AbortSignal>()
    for (let i = 0; i < 50; i++) {
      const timeout = new AttemptTimeout(undefined, clock, 1000)
      signals.add(timeout.signal!)
      timeout.release()
    }
    expect(signals.size).toBe(50)
  })

  it("without a timeout is the caller's own signal, or none", () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    expect(new AttemptTimeout(signal, clock, undefined).signal).toBe(signal)
    expect(new AttemptTimeout(undefined, clock, undefined).signal).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})
