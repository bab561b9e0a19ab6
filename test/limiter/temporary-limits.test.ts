import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Clock, createLimiter, InvalidLimits, InvalidRequest } from '../../src/index.js'
import { setup } from '../dispatch/setup.js'
import { runs } from '../support/runs.js'
import { VirtualClock } from '../support/virtual-clock.js'

const NOW = Date.UTC(2026, 5, 1)
const MINUTE = 60_000
const limits = { a: { rpm: 60, tpm: 1000 } }

beforeEach(() => void vi.spyOn(Date, 'now').mockReturnValue(NOW))
afterEach(() => void vi.restoreAllMocks())

describe('limits set for a time', () => {
  test.each([NOW + MINUTE, new Date(NOW + MINUTE)])('hold until then, as limitsOf shows: %s', async (until) => {
    const { limiter, clock, send, heard } = setup({ limits })
    send({ model: 'a' }, 'one')
    limiter.setLimits('a', { tpm: 5000 }, { until })
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 60, tpm: 5000, source: 'user', until: NOW + MINUTE })
    await clock.advance(MINUTE - 1)
    expect(limiter.limitsOf('a').tpm).toBe(5000)
    await clock.advance(1)
    expect(limiter.limitsOf('a')).toEqual({ ...limiter.limitsOf('a'), rpm: 60, tpm: 1000 })
    expect(limiter.limitsOf('a')).not.toHaveProperty('until')
    expect(heard.limits.map(({ from, to }) => [from.tpm, to.tpm])).toEqual([
      [1000, 5000],
      [5000, 1000],
    ])
    expect(clock.pending).toBe(0)
  })

  test('take effect on what waits, and so does their end', async () => {
    const { limiter, clock, send, sends } = setup({ limits: { a: { tpm: 1000 } } })
    for (let i = 0; i < 8; i++) send({ model: 'a', tokens: 1000 }, `${i}`, [{ returns: undefined }])
    limiter.setLimits('a', { tpm: 2000 }, { until: NOW + 3 * MINUTE })
    await clock.run()
    const at = sends().map((text) => Number(text.split('@')[1]) / 1000)
    expect(at).toEqual([0, 30, 60, 90, 120, 150, 210, 270])
  })

  test('nothing is lost of a job or of a charge when they end', async () => {
    const { limiter, clock, send, used } = setup({ limits: { a: { tpm: 1000 } } })
    limiter.setLimits('a', { tpm: 4000 }, { until: NOW + 1000 })
    const all = Array.from({ length: 6 }, (_, i) => send({ model: 'a', tokens: 1000 }, `${i}`, undefined, 5000))
    await clock.advance(2000)
    expect(used('a')).toEqual({ tpm: 4000 })
    await clock.run()
    expect(all.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'done'))
  })

  test('of a model that nothing was sent to', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('b', { rpm: 5 }, { until: NOW + 1000 })
    expect(limiter.limitsOf('b')).toMatchObject({ rpm: 5, tpm: undefined, until: NOW + 1000 })
    await clock.advance(1000)
    expect(limiter.limitsOf('b')).toMatchObject({ rpm: 60, tpm: 100_000, source: 'unknown-model' })
  })

  test('for more than a timer takes', async () => {
    const { limiter, clock } = setup({ limits })
    const month = 30 * 24 * 60 * MINUTE
    limiter.setLimits('a', { tpm: 5000 }, { until: NOW + month })
    await clock.advance(month - 1)
    expect(limiter.limitsOf('a').tpm).toBe(5000)
    await clock.advance(1)
    expect(limiter.limitsOf('a').tpm).toBe(1000)
  })

  test('a change of the machine’s time does not move their end', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('a', { tpm: 5000 }, { until: NOW + MINUTE })
    vi.mocked(Date.now).mockReturnValue(NOW + 24 * 60 * MINUTE)
    await clock.advance(MINUTE - 1)
    expect(limiter.limitsOf('a').tpm).toBe(5000)
    await clock.advance(1)
    expect(limiter.limitsOf('a').tpm).toBe(1000)
  })

  test('a timer that wakes too early ends nothing', async () => {
    const clock = new VirtualClock()
    const early: Clock = {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs > 1 ? delayMs - 1 : delayMs),
      clearTimeout: (handle) => clock.clearTimeout(handle),
    }
    const { limiter } = setup({ limits, clock: early })
    limiter.setLimits('a', { tpm: 5000 }, { until: NOW + MINUTE })
    await clock.advance(MINUTE - 1)
    expect(limiter.limitsOf('a').tpm).toBe(5000)
    await clock.advance(1)
    expect(limiter.limitsOf('a').tpm).toBe(1000)
  })
})

describe('of several', () => {
  test('the newest stands on top, and what is below it holds after it', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('a', { tpm: 2000, rpm: 120 }, { until: NOW + 3000 })
    limiter.setLimits('a', { tpm: 3000 }, { until: NOW + 1000 })
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 3000, rpm: 120, until: NOW + 1000 })
    await clock.advance(1000)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 2000, rpm: 120, until: NOW + 3000 })
    await clock.advance(2000)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 1000, rpm: 60 })
  })

  test('one set for longer replaces what it covers', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('a', { tpm: 2000, rpm: 120 }, { until: NOW + 1000 })
    limiter.setLimits('a', { tpm: 3000 }, { until: NOW + 2000 })
    await clock.advance(1000)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 3000, rpm: 60, until: NOW + 2000 })
  })

  test('one set for good ends what was set for a time, field by field', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('a', { tpm: 2000, rpm: 120 }, { until: NOW + 1000 })
    limiter.setLimits('a', { tpm: 500 })
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 500, rpm: 120 })
    await clock.advance(1000)
    expect(limiter.limitsOf('a')).toMatchObject({ tpm: 500, rpm: 60, source: 'user' })
    expect(clock.pending).toBe(0)
  })

  test('the same for longer is no other limit: nothing is told, and what was found stays', async () => {
    const { limiter, heard, send } = setup({ limits })
    send({ model: 'a' }, 'one')
    limiter.setLimits('a', { tpm: 2000 }, { until: NOW + 1000 })
    limiter.setLimits('a', { tpm: 2000 }, { until: NOW + 2000 })
    expect(heard.limits).toHaveLength(1)
    expect(limiter.limitsOf('a').until).toBe(NOW + 2000)
    limiter.setLimits('a', { tpm: 2000 })
    expect(heard.limits).toHaveLength(1)
    expect(limiter.limitsOf('a')).not.toHaveProperty('until')
  })

  test('what changes below in the meantime holds after them', async () => {
    let table = { a: { rpm: 60, tpm: 1000 } }
    let tell = () => {}
    const { limiter, clock } = setup({
      limits: {
        current: () => table,
        subscribe: (listener) => {
          tell = listener
          return () => {}
        },
      },
    })
    limiter.setLimits('a', { tpm: 5000 }, { until: NOW + 1000 })
    table = { a: { rpm: 60, tpm: 700 } }
    tell()
    expect(limiter.limitsOf('a').tpm).toBe(5000)
    await clock.advance(1000)
    expect(limiter.limitsOf('a').tpm).toBe(700)
  })
})

describe('against a list of all that was set', () => {
  const fields = fc.record(
    { rpm: fc.integer({ min: 1, max: 99 }), tpm: fc.integer({ min: 1, max: 9999 }) },
    { requiredKeys: [] },
  )
  const step = fc.record({
    limits: fields,
    lastsMs: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
    waitMs: fc.nat(2000),
  })

  test('each limit is the newest that has not ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { limiter, clock } = setup({ limits })
        const set: { limits: object; endsAt: number }[] = [{ limits: { rpm: 60, tpm: 1000 }, endsAt: Infinity }]
        const check = () => {
          const inForce = set.filter(({ endsAt }) => endsAt > clock.now())
          const expected = Object.assign({}, ...inForce.map((one) => one.limits)) as object
          expect(limiter.limitsOf('a')).toMatchObject(expected)
        }
        for (const { limits: given, lastsMs, waitMs } of steps) {
          limiter.setLimits('a', given, lastsMs === undefined ? {} : { until: NOW + lastsMs })
          set.push({ limits: given, endsAt: clock.now() + (lastsMs ?? Infinity) })
          check()
          await clock.advance(waitMs)
          check()
        }
        await clock.advance(5000)
        check()
        expect(limiter.limitsOf('a')).not.toHaveProperty('until')
        expect(clock.pending).toBe(0)
      }),
      runs(60),
    )
  })
})

describe('of a workspace', () => {
  test('they hold inside the account’s, and go back', async () => {
    const { limiter, clock } = setup({ limits })
    const team = limiter.workspace('team', { a: { tpm: 100 } })
    team.setLimits('a', { tpm: 800 }, { until: NOW + 1000 })
    expect(team.limitsOf('a')).toMatchObject({ tpm: 800, rpm: 60, until: NOW + 1000 })
    expect(() => team.setLimits('a', { tpm: 1001 }, { until: NOW + 1000 })).toThrow(InvalidLimits)
    await clock.advance(1000)
    expect(team.limitsOf('a').tpm).toBe(100)
  })

  test('those of the account are shown there, too', async () => {
    const { limiter, clock } = setup({ limits })
    const team = limiter.workspace('team', { a: { tpm: 1000 } })
    limiter.setLimits('a', { tpm: 100 }, { until: NOW + 1000 })
    expect(team.limitsOf('a')).toMatchObject({ tpm: 100, until: NOW + 1000 })
    await clock.advance(1000)
    expect(team.limitsOf('a').tpm).toBe(1000)
  })
})

describe('arguments', () => {
  const { limiter } = setup({ limits })
  test.each<[options: unknown, message: string]>([
    [null, 'setLimits(model, limits, options) was given null: give { until }, or nothing'],
    [NOW + 1000, 'give { until }, or nothing'],
    [{ untill: NOW + 1000 }, "setLimits has no option 'untill'. Did you mean 'until'?"],
    [{ until: 'tomorrow' }, 'until is the text "tomorrow": give a Date, or ms since 1970'],
    [{ until: Number.NaN }, 'until is the number NaN: give a Date, or ms since 1970'],
    [{ until: Infinity }, 'until is the number Infinity: give a Date'],
    [{ until: new Date(Number.NaN) }, 'give a Date, or ms since 1970'],
    [{ until: NOW }, 'which has passed'],
    [{ until: new Date(NOW - 1) }, 'until is 2026-05-31T23:59:59.999Z, which has passed'],
    [{ until: 60_000 }, 'until is 60000: give a time, such as Date.now() + 60000, not a span'],
  ])('%j', (options, message) => {
    expect(() => limiter.setLimits('a', { tpm: 5 }, options as never)).toThrow(InvalidRequest)
    expect(() => limiter.setLimits('a', { tpm: 5 }, options as never)).toThrow(message)
    expect(limiter.limitsOf('a').tpm).toBe(1000)
  })

  test('wrong limits change nothing', () => {
    expect(() => limiter.setLimits('a', { tpm: -5 }, { until: NOW + 1000 })).toThrow(InvalidLimits)
    expect(limiter.limitsOf('a').tpm).toBe(1000)
  })

  test('none means for good', () => {
    const { limiter: other, clock } = setup({ limits })
    other.setLimits('a', { tpm: 5 }, {})
    other.setLimits('a', { rpm: 5 }, { until: undefined })
    expect(other.limitsOf('a')).not.toHaveProperty('until')
    expect(clock.pending).toBe(0)
  })
})

describe('their timer', () => {
  test('is gone when the limiter is closed, and its limits stay', async () => {
    const { limiter, clock } = setup({ limits })
    limiter.setLimits('a', { tpm: 5 }, { until: NOW + 1000 })
    expect(clock.pending).toBe(1)
    await limiter.close()
    expect(clock.pending).toBe(0)
  })

  test('is not begun after that, in a workspace neither', async () => {
    const { limiter, clock } = setup({ limits })
    const team = limiter.workspace('team', { a: { tpm: 500 } })
    await limiter.close()
    for (const each of [limiter, team]) each.setLimits('a', { tpm: 5 }, { until: NOW + 1000 })
    expect(clock.pending).toBe(0)
  })

  test('keeps no process alive', async () => {
    vi.restoreAllMocks()
    const handles: NodeJS.Timeout[] = []
    const limiter = createLimiter({
      clock: {
        now: () => performance.now(),
        setTimeout: (callback, ms) => {
          handles.push(setTimeout(callback, ms))
          return handles.at(-1)
        },
        clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
      },
    })
    limiter.setLimits('a', { tpm: 5 }, { until: Date.now() + MINUTE })
    expect(handles.map((handle) => handle.hasRef())).toEqual([false])
    await limiter.close()
  })
})
