import { describe, expect, test } from 'vitest'
import { InvalidLimits, InvalidRequest, type LimiterOptions } from '../../src/index.js'
import { liveLimits, type LiveLimitsOptions } from '../../src/model-studio/index.js'
import { refusal, setup } from '../dispatch/setup.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { FakeStudio, quota } from './fake-studio.js'

const fallbackTable = { a: { rpm: 60, tpm: 1000 }, z: { rpm: 7, tpm: 7000 } }

function live(options: LiveLimitsOptions = {}, limiterOptions: LimiterOptions = {}, tookMs = 0) {
  const studio = new FakeStudio(tookMs)
  studio.answer = () => [quota('a', { rpm: 600, tpm: 10_000 }, { tpm: 4000 }), quota('b', { rpm: 30 })]
  const source = liveLimits(studio, { fallbackTable, ...options })
  const made = setup({ limits: source, ...limiterOptions })
  studio.clock = made.clock
  return { studio, source, ...made }
}

describe('live limits', () => {
  test('are the fallback table until the first read, and then what the service tells', async () => {
    const { limiter, clock } = live({}, {}, 200)
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 60, tpm: 1000, source: 'user' })
    expect(limiter.limitsOf('b').source).toBe('unknown-model')
    await clock.advance(199)
    expect(limiter.limitsOf('a').rpm).toBe(60)
    await clock.advance(1)
    expect(limiter.limitsOf('a')).toMatchObject({ rpm: 600, tpm: 4000, source: "Model Studio's table of quotas" })
    expect(limiter.limitsOf('b')).toMatchObject({ rpm: 30, tpm: undefined })
    expect(limiter.limitsOf('z').rpm).toBe(7)
  })

  test('begin with the limits of Singapore unless told otherwise', async () => {
    const studio = new FakeStudio()
    const { limiter, clock } = setup({ limits: liveLimits(studio) })
    studio.clock = clock
    expect(limiter.limitsOf('qwen-plus')).toEqual({
      ...setup().limiter.limitsOf('qwen-plus'),
      source: expect.any(String) as string,
    })
  })

  test('take effect on what waits, and say so once', async () => {
    const { clock, send, heard, studio } = live({ refreshMs: 10_000 }, {}, 10)
    const all = Array.from({ length: 5 }, () => send({ model: 'a', tokens: 1000 }, 'x', [{ returns: undefined }]))
    await clock.advance(9)
    expect(heard.admit).toHaveLength(1)
    studio.answer = () => [quota('a', { rpm: 600, tpm: 1_000_000 })]
    await clock.advance(500)
    expect(heard.admit).toHaveLength(5)
    await clock.advance(60_000)
    expect(heard.limits.map(({ from, to }) => [from.tpm, to.tpm])).toEqual([[1000, 1_000_000]])
    expect(all.every(({ state }) => state === 'done')).toBe(true)
  })

  test('are read again as told, from the end of one read to the next', async () => {
    const { clock, studio } = live({ refreshMs: 10_000 }, {}, 1000)
    await clock.advance(35_000)
    expect(studio.times).toEqual([0, 11, 22, 33])
  })

  test('every five minutes by default, and with Infinity once', async () => {
    const each = live()
    const once = live({ refreshMs: Infinity })
    await each.clock.advance(600_000)
    await once.clock.advance(600_000)
    expect(each.studio.times).toEqual([0, 300, 600])
    expect(once.studio.times).toEqual([0])
    expect(once.clock.pending).toBe(0)
  })

  test('what the service names no more stands as it was known', async () => {
    const { clock, studio, limiter } = live({ refreshMs: 10_000 })
    await clock.advance(0)
    studio.answer = () => [quota('b', { rpm: 31 })]
    await clock.advance(10_000)
    expect(limiter.limitsOf('a').rpm).toBe(600)
    expect(limiter.limitsOf('b').rpm).toBe(31)
  })

  test('a row without limits says nothing; one of zeros is a retired model', async () => {
    const { clock, studio, limiter, send } = live()
    studio.answer = () => [quota('a', {}), quota('b', { rpm: 0, tpm: 0 })]
    await clock.advance(0)
    expect(limiter.limitsOf('a').rpm).toBe(60)
    const ending = send({ model: 'b' }, 'x')
    await clock.advance(0)
    expect(String(ending.error)).toContain("Model 'b' is retired (Model Studio's table of quotas)")
  })

  test('a row that cannot be is passed over and warned of once, and the others hold', async () => {
    const { clock, studio, limiter, heard } = live({ refreshMs: 10_000 })
    studio.answer = () => [quota('a', { rpm: 0, tpm: 50 }), quota('b', { rpm: 31 }), quota('__proto__', { rpm: 3 })]
    await clock.advance(20_000)
    expect(limiter.limitsOf('a').rpm).toBe(60)
    expect(limiter.limitsOf('b').rpm).toBe(31)
    expect(limiter.limitsOf('__proto__').rpm).toBe(3)
    expect(heard.warning.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^A row of the quotas is passed over: .*'a': rpm is 0/),
    ])
  })
})

describe('after a 429', () => {
  test('for requests or tokens they are read again, no sooner than ten seconds after they were read last', async () => {
    const { clock, studio, send } = live({ refreshMs: 300_000 }, { maxRetries: 0 })
    await clock.advance(4000)
    for (let i = 0; i < 5; i++) send({ model: 'a' }, 'x', [refusal('tokens')])
    await clock.advance(60_000)
    expect(studio.times).toEqual([0, 10])
    send({ model: 'b' }, 'x', [refusal('requests')])
    await clock.advance(100)
    expect(studio.times).toEqual([0, 10, 64.01])
    await clock.advance(300_000)
    expect(studio.times).toEqual([0, 10, 64.01, 364.01])
  })

  test('for a surge, for want of capacity or for the bill they are not', async () => {
    const { clock, studio, send } = live({ refreshMs: Infinity }, { maxRetries: 0 })
    await clock.advance(20_000)
    for (const kind of ['surge', 'capacity', 'billing', 'exhausted'] as const)
      send({ model: kind }, 'x', [refusal(kind)])
    await clock.advance(60_000)
    expect(studio.times).toEqual([0])
  })

  test('that comes while they are being read, once more: the read may have begun before the change', async () => {
    const { clock, studio, send } = live({ refreshMs: Infinity }, { maxRetries: 0 }, 3000)
    send({ model: 'z' }, 'x', [refusal('tokens')])
    await clock.advance(60_000)
    expect(studio.times).toEqual([0, 10])
  })
})

describe('a service that cannot be read', () => {
  test('leaves what was known last, with one warning an outage, and is tried more and more seldom', async () => {
    const { clock, studio, limiter, heard } = live({ refreshMs: 3_600_000 })
    await clock.advance(0)
    const { answer } = studio
    const cause = new Error('no route to host')
    studio.answer = () => {
      throw cause
    }
    await clock.advance(3_600_000 + 300_000)
    expect(limiter.limitsOf('a').tpm).toBe(4000)
    expect(studio.times).toEqual([0, 3600, 3610, 3630, 3670, 3750])
    const message =
      'The table of quotas of Model Studio could not be read, and what was known last stands: no route to host'
    expect(heard.warning).toEqual([{ message, cause }])
    studio.answer = answer
    await clock.advance(10_000)
    expect(studio.times.at(-1)).toBe(3910)
    studio.answer = () => {
      throw cause
    }
    await clock.advance(3_600_000)
    expect(heard.warning).toHaveLength(2)
  })

  test('from the first read on leaves the fallback table', async () => {
    const { clock, studio, limiter, heard, send } = live()
    studio.answer = () => {
      throw new Error('no')
    }
    await clock.advance(0)
    expect(limiter.limitsOf('a').rpm).toBe(60)
    expect(heard.warning).toHaveLength(1)
    const ending = send({ model: 'a' }, 'x')
    await clock.run(1000)
    expect(ending.state).toBe('done')
  })

  test('that names no model at all is a fault, too', async () => {
    const { clock, studio, limiter, heard } = live({ refreshMs: 10_000 })
    await clock.advance(0)
    studio.answer = () => []
    await clock.advance(10_000)
    expect(limiter.limitsOf('a').tpm).toBe(4000)
    expect(heard.warning[0]!.message).toContain('the service names no model')
  })

  test('is not asked more often for its refusals', async () => {
    const { clock, studio, send } = live({ refreshMs: 3_600_000 }, { maxRetries: 0 })
    studio.answer = () => {
      throw new Error('no')
    }
    await clock.advance(15_000)
    for (let i = 0; i < 5; i++) send({ model: 'a' }, 'x', [refusal('tokens')])
    await clock.advance(10_000)
    expect(studio.times).toEqual([0, 10])
  })

  test('and whose client throws at once, likewise', async () => {
    const list = () => {
      throw new Error('broken')
    }
    const { heard, clock } = setup({ limits: liveLimits({ quotas: { list } }, { fallbackTable }) })
    await clock.advance(0)
    expect(heard.warning[0]!.message).toContain('broken')
  })
})

describe('a read that never ends', () => {
  test('is given up after its time, its signal aborted, and what it brings later is not heard', async () => {
    const { clock, studio, heard, limiter } = live({ timeoutMs: 5000, refreshMs: 60_000 })
    studio.isSilent = true
    await clock.advance(4999)
    expect(studio.reads[0]!.signal!.aborted).toBe(false)
    expect(heard.warning).toHaveLength(0)
    await clock.advance(1)
    expect(studio.reads[0]!.signal!.aborted).toBe(true)
    expect(heard.warning[0]!.message).toContain('it took longer than 5000 ms')
    studio.isSilent = false
    await clock.advance(10_000)
    expect(studio.times).toEqual([0, 15])
    expect(limiter.limitsOf('a').rpm).toBe(600)
  })

  test('one that comes after its time changes nothing', async () => {
    const { clock, limiter } = live({ timeoutMs: 1000, refreshMs: 3_600_000 }, {}, 2000)
    await clock.advance(5000)
    expect(limiter.limitsOf('a').rpm).toBe(60)
  })

  test('one that comes in the moment of the end changes nothing', async () => {
    const { clock, studio, source } = live()
    let answer: (rows: ReturnType<typeof quota>[]) => void = () => {}
    const all = () => new Promise<ReturnType<typeof quota>[]>((resolve) => void (answer = resolve))
    Object.assign(studio.quotas, { list: () => ({ all }) })
    await clock.advance(0)
    answer([quota('a', { rpm: 9 })])
    source.close()
    await clock.advance(0)
    expect(source.current()['a']).toEqual(fallbackTable.a)
  })

  test('does not keep a limiter from closing', async () => {
    const { clock, studio, limiter, heard } = live()
    studio.isSilent = true
    await clock.advance(10)
    await limiter.close()
    expect(studio.reads[0]!.signal!.aborted).toBe(true)
    expect(clock.pending).toBe(0)
    expect(heard.warning).toHaveLength(0)
  })
})

describe('the end', () => {
  test('of the limiter ends it: no timer, no read, no warning', async () => {
    const { clock, studio, limiter, heard } = live({ refreshMs: 10_000 })
    await clock.advance(0)
    await limiter.close()
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(studio.times).toEqual([0])
    expect(heard.warning).toHaveLength(0)
  })

  test('of the limiter leaves no listener: what is read later is nobody’s news', async () => {
    const { clock, studio, source, limiter, heard, send } = live()
    send({ model: 'a' }, 'x')
    await clock.advance(100)
    await limiter.close()
    const told = heard.limits.length
    studio.answer = () => [quota('a', { rpm: 9 })]
    await source.refresh()
    expect(source.current()['a']).toMatchObject({ rpm: 9 })
    expect(heard.limits).toHaveLength(told)
    expect(clock.pending).toBe(0)
  })

  test('close() ends it, too, and no limiter begins it again', async () => {
    const { clock, studio, source, limiter } = live({ refreshMs: 10_000 })
    await clock.advance(0)
    source.close()
    source.close()
    expect(clock.pending).toBe(0)
    setup({ clock, limits: source })
    await clock.advance(60_000)
    expect(studio.times).toEqual([0])
    expect(limiter.limitsOf('a').rpm).toBe(600)
    await expect(source.refresh()).rejects.toThrow('closed')
    await limiter.close()
  })

  test('of one of two limiters leaves it to the other', async () => {
    const { clock, studio, source, limiter } = live({ refreshMs: 10_000 })
    await clock.advance(0)
    const other = setup({ clock, limits: source })
    await clock.advance(5000)
    expect(studio.times).toEqual([0])
    await limiter.close()
    await clock.advance(10_000)
    expect(studio.times).toEqual([0, 5, 15])
    await other.limiter.close()
    expect(clock.pending).toBe(0)
  })
})

describe('refresh()', () => {
  test('reads before there is a limiter, which then need not', async () => {
    const clock = new VirtualClock()
    const studio = new FakeStudio()
    studio.clock = clock
    studio.answer = () => [quota('a', { rpm: 600 })]
    const source = liveLimits(studio, { fallbackTable, refreshMs: 10_000 })
    await source.refresh()
    const { limiter } = setup({ clock, limits: source })
    expect(limiter.limitsOf('a').rpm).toBe(600)
    await clock.advance(10_000)
    expect(studio.reads).toHaveLength(2)
  })

  test('before there is a limiter leaves what comes after a 429 to the limiter’s clock', async () => {
    const clock = new VirtualClock(0)
    const studio = new FakeStudio()
    studio.clock = clock
    studio.answer = () => [quota('a', { rpm: 600 })]
    const source = liveLimits(studio, { fallbackTable, refreshMs: 300_000 })
    await source.refresh()
    const { send } = setup({ clock, limits: source })
    send({ model: 'a' }, 'x', [refusal('requests'), { returns: 1 }], 0)
    await clock.advance(10_000)
    expect(studio.reads).toHaveLength(2)
  })

  test('waits for the read that goes on, and says why one failed', async () => {
    const { clock, studio, source, heard } = live({}, {}, 100)
    const both = [source.refresh(), source.refresh()]
    await clock.advance(100)
    await Promise.all(both)
    expect(studio.reads).toHaveLength(1)
    studio.answer = () => {
      throw new Error('no')
    }
    const failing = expect(source.refresh()).rejects.toThrow('no')
    await clock.advance(100)
    await failing
    expect(heard.warning).toHaveLength(1)
  })
})

describe('account and workspace', () => {
  const rows = [quota('a', { rpm: 600, tpm: 10_000 }, { tpm: 4000 }), quota('b', { rpm: 30 })]

  test('with the scope of the account a limiter has its limits, and workspaces inside have theirs', async () => {
    const { clock, studio, source, limiter, heard, send } = live({ scope: 'account', refreshMs: 10_000 })
    studio.answer = () => rows
    const team = limiter.workspace('team', source.workspace('llm-1'))
    send({ model: 'a' }, 'x')
    expect(team.limitsOf('a').tpm).toBe(1000)
    await clock.advance(0)
    expect(limiter.limitsOf('a').tpm).toBe(10_000)
    expect(team.limitsOf('a')).toMatchObject({ rpm: 600, tpm: 4000 })
    // Raised and lowered together: at no time is the workspace's above the account's.
    studio.answer = () => [quota('a', { rpm: 600, tpm: 90_000 }, { tpm: 80_000 })]
    await clock.advance(10_000)
    expect([limiter.limitsOf('a').tpm, team.limitsOf('a').tpm]).toEqual([90_000, 80_000])
    studio.answer = () => [quota('a', { rpm: 600, tpm: 900 }, { tpm: 800 })]
    await clock.advance(10_000)
    expect([limiter.limitsOf('a').tpm, team.limitsOf('a').tpm]).toEqual([900, 800])
    studio.answer = () => [quota('a', { rpm: 600, tpm: 900 })]
    await clock.advance(10_000)
    expect([limiter.limitsOf('a').tpm, team.limitsOf('a').tpm]).toEqual([900, 900])
    expect(heard.warning).toEqual([])
  })

  test('of several workspaces in one table none is meant: a model has the account’s limits', async () => {
    const { clock, studio, source, limiter } = live()
    studio.answer = () => [
      quota('a', { tpm: 10_000 }, { tpm: 4000 }, 'llm-1'),
      quota('a', { tpm: 10_000 }, { tpm: 3000 }, 'llm-2'),
    ]
    await clock.advance(0)
    expect(limiter.limitsOf('a').tpm).toBe(10_000)
    expect(source.workspace('llm-2').current()['a']).toMatchObject({ tpm: 3000 })
    expect(source.workspace('llm-1').current()['a']).toMatchObject({ tpm: 4000 })
  })
})

describe('options', () => {
  const studio = new FakeStudio()
  test.each<[options: unknown, message: string]>([
    [null, 'options is null: give an object'],
    [{ refresh: 5 }, "options has no 'refresh': did you mean 'refreshMs'?"],
    [{ refreshMs: 0 }, 'refreshMs is the number 0: give a number of milliseconds from 1000'],
    [{ refreshMs: Number.NaN }, 'refreshMs is'],
    [{ refreshMs: '5' }, 'refreshMs is the text "5"'],
    [{ timeoutMs: 0 }, 'timeoutMs is'],
    [{ timeoutMs: Infinity }, 'timeoutMs is'],
    [{ scope: 'both' }, `scope is the text "both": give 'workspace' or 'account'`],
  ])('%j', (options, message) => {
    expect(() => liveLimits(studio, options as LiveLimitsOptions)).toThrow(InvalidRequest)
    expect(() => liveLimits(studio, options as LiveLimitsOptions)).toThrow(message)
  })

  test.each<[table: unknown, message: string]>([
    ['model-studio/moon', 'which is not a built-in table'],
    [{ a: { rpm: -1 } }, 'rpm is -1'],
    [5, 'fallbackTable is the number 5: give the name of a built-in table, or a table'],
    [{ current: () => ({}), subscribe: () => () => {} }, 'fallbackTable is a source'],
  ])('a fallback table that is %j', (table, message) => {
    expect(() => liveLimits(studio, { fallbackTable: table as never })).toThrow(InvalidLimits)
    expect(() => liveLimits(studio, { fallbackTable: table as never })).toThrow(message)
  })

  test.each([undefined, null, {}, { quotas: {} }])('no client: %j', (wrong) => {
    expect(() => liveLimits(wrong as never)).toThrow('give a ModelStudio, which has quotas.list()')
  })

  test.each([undefined, '', 5])('no workspace: %j', (id) => {
    expect(() => liveLimits(studio).workspace(id as never)).toThrow(InvalidRequest)
  })
})
