import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { AttemptTimeout } from '../../src/transport/attempt-timeout.js'
import { VirtualClock } from '../support/virtual-clock.js'

describe('Leash', () => {
  it('aborts with its caller, or when its time is up, and leaves nothing', async () => {
    for (const reuses of [true, false]) {
      const clock = new VirtualClock()
      const caller = new AbortController()
      const leash = new AttemptTimeout(caller.signal, clock, 1000, reuses)
      const timed = new AttemptTimeout(undefined, clock, 1000, reuses)
      caller.abort('mine')
      expect(leash.signal!.reason).toBe('mine')
      await clock.advance(1000)
      expect((timed.signal!.reason as Error).name).toBe('TimeoutError')
      leash.release()
      timed.release()
      expect([clock.pending, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0])
    }
  })

  it('gives a signal on to the next once it has ended, and to nobody else while it has not', () => {
    const clock = new VirtualClock()
    const first = new AttemptTimeout(undefined, clock, 1000, true)
    const beside = new AttemptTimeout(undefined, clock, 1000, true)
    expect(beside.signal).not.toBe(first.signal)
    const { signal } = first
    first.release()
    first.release()
    const next = new AttemptTimeout(undefined, clock, 1000, true)
    const after = new AttemptTimeout(undefined, clock, 1000, true)
    expect(next.signal).toBe(signal)
    expect(after.signal).not.toBe(signal)
    for (const leash of [beside, next, after]) leash.release()
    expect(clock.pending).toBe(0)
  })

  it('an abort of a caller who has ended does not reach who has the signal now', () => {
    const clock = new VirtualClock()
    const caller = new AbortController()
    const first = new AttemptTimeout(caller.signal, clock, 1000, true)
    first.release()
    const next = new AttemptTimeout(undefined, clock, 1000, true)
    caller.abort()
    expect(next.signal!.aborted).toBe(false)
    next.release()
  })

  it('never gives on one that has aborted, or that somebody may have left listeners on', () => {
    const clock = new VirtualClock()
    const caller = new AbortController()
    const aborted = new AttemptTimeout(caller.signal, clock, 1000, true)
    const kept = new AttemptTimeout(undefined, clock, 1000, false)
    caller.abort()
    aborted.release()
    kept.release()
    for (let i = 0; i < 300; i++) {
      const leash = new AttemptTimeout(undefined, clock, 1000, i % 2 === 0)
      expect([leash.signal === aborted.signal, leash.signal === kept.signal, leash.signal!.aborted]).toEqual([
        false,
        false,
        false,
      ])
      if (i % 3 === 0) leash.release()
    }
  })

  it('uses one signal for a few attempts at most', () => {
    const clock = new VirtualClock()
    const uses = new Map<AbortSignal, number>()
    for (let i = 0; i < 1000; i++) {
      const leash = new AttemptTimeout(undefined, clock, 1000, true)
      uses.set(leash.signal!, (uses.get(leash.signal!) ?? 0) + 1)
      leash.release()
    }
    expect(Math.max(...uses.values())).toBeLessThanOrEqual(16)
  })
})
