import { describe, expect, test } from 'vitest'
import { WakeTimer } from '../../src/queue/wake-timer.js'
import { VirtualClock } from '../support/virtual-clock.js'

describe('a wake timer', () => {
  test('that is set to a time in the past is not lost: it fires by itself', async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    const timer = new WakeTimer(clock, () => fired.push(clock.now()))
    await clock.advance(60_000)
    const setAt = clock.now()
    timer.set(5000)
    expect([timer.at, timer.isLost(setAt), timer.isLost(setAt + 500)]).toEqual([5000, false, false])
    await clock.advance(1)
    expect(fired).toEqual([setAt])
    expect([timer.at, timer.isLost(clock.now() + 1e9)]).toEqual([Infinity, false])
  })

  test('that has not fired a second after its time is lost', () => {
    const timer = new WakeTimer({ now: () => 0, setTimeout: () => 0, clearTimeout() {} }, () => {})
    timer.set(1000)
    expect([timer.isLost(2000), timer.isLost(2001)]).toEqual([false, true])
    timer.set(Infinity)
    expect(timer.isLost(1e9)).toBe(false)
  })
})
