import { describe, expect, test } from 'vitest'
import type { Grant, LimitsTable } from '../../src/index.js'
import { json } from '../support/fake-fetch.js'
import { chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { refusal, setup } from '../dispatch/setup.js'

const OVERFLOW = { 'x-dashscope-ptu-overflow': 'true' }
const usage = { usage: { prompt_tokens: 10, completion_tokens: 20 } }
const limits: LimitsTable = {
  'qwen-plus': { inputTpm: 10_000, outputTpm: 5000, overflowsTo: 'public' },
  public: { rpm: 60, tpm: 4000 },
}

describe('an answer that says it went beyond its provisioned throughput', () => {
  test('is counted in stats(), warned of once, and charged to the public limits', async () => {
    const limited = new LimitedFetch([json(usage, 200, OVERFLOW)], { limits, perSecond: false })
    const warnings: unknown[] = []
    limited.limiter.on('warning', ({ message, model }) => warnings.push([model, message]))
    for (let i = 0; i < 3; i++) await limited.after(limited.post())
    const { models } = limited.limiter.stats()
    expect(models['qwen-plus']).toMatchObject({ calls: 3, overflowed: 3 })
    expect(models['public']).toMatchObject({ calls: 0, overflowed: 0, inFlight: 0 })
    expect(models['public']!.windows.map(({ limit, used }) => [limit, used])).toEqual([
      ['rpm', 3],
      ['tpm', 90],
    ])
    expect(warnings).toEqual([
      [
        'qwen-plus',
        "Model 'qwen-plus' went beyond its provisioned throughput: such calls are paid for by token, and the public limits hold",
      ],
    ])
  })

  test('is counted for a model that is not known to overflow, too', async () => {
    const limited = new LimitedFetch([json(usage, 200, OVERFLOW)])
    await limited.after(limited.post())
    expect(limited.limiter.stats().models['qwen-plus']!.overflowed).toBe(1)
  })

  test.each([{}, { 'x-dashscope-ptu-overflow': 'false' }])('is not one with %j', async (headers) => {
    const limited = new LimitedFetch([json(usage, 200, headers)], { limits })
    await limited.after(limited.post())
    expect(limited.limiter.stats().models['qwen-plus']!.overflowed).toBe(0)
  })

  test('lets in from then on what the public limits take: none is refused', async () => {
    const served: number[] = []
    let refused = 0
    // Somebody else has used up what was bought.
    const limited = new LimitedFetch(
      (clock) => [
        (sent) => {
          const within = served.filter((at) => at > clock.now() - 60_000).length
          if (within >= 20) refused++
          else served.push(clock.now())
          const error = { error: { code: 'limit_requests', message: 'Requests rate limit exceeded' } }
          return within >= 20 ? json(error, 429, OVERFLOW)(sent) : json(usage, 200, OVERFLOW)(sent)
        },
      ],
      { limits: { ...limits, public: { rpm: 20, tpm: 40_000 } }, perSecond: false },
    )
    await limited.after(limited.post())
    const rest = Promise.all(Array.from({ length: 70 }, () => limited.post()))
    await limited.clock.run()
    expect((await rest).every(({ status }) => status === 200)).toBe(true)
    expect(refused).toBe(0)
    const begun = served[0]!
    expect([1, 2, 3, 4].map((n) => served.filter((at) => at < begun + n * 60_000 + 1000).length)).toEqual([
      expect.closeTo(40, -1),
      expect.closeTo(60, -1),
      71,
      71,
    ])
  })

  test('of a workspace counts for the account, whose limits bind it', async () => {
    const limited = new LimitedFetch([json(usage, 200, OVERFLOW)], { limits, perSecond: false })
    const team = limited.limiter.workspace('team', { 'qwen-plus': { rpm: 5 } })
    const body = JSON.stringify(chatBody)
    const url = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions'
    await limited.after(team.fetch(url, { method: 'POST', body }))
    expect(team.stats().models['qwen-plus']!.overflowed).toBe(1)
    const { models } = limited.limiter.stats()
    expect(models['qwen-plus']!.overflowed).toBe(1)
    expect(models['public']!.windows.find(({ limit }) => limit === 'rpm')!.used).toBe(1)
  })
})

describe('grant.overflowed()', () => {
  const send = (setting: ReturnType<typeof setup>, run: (grant: Grant) => unknown) =>
    setting.limiter.schedule({ model: 'qwen-plus', inputTokens: 100, maxOutputTokens: 50 }, run)

  test('says of a call of one’s own what a header says of an answer, once', async () => {
    const setting = setup({ limits, perSecond: false })
    await send(setting, ({ overflowed }) => {
      overflowed()
      overflowed()
      return usage
    })
    await send(setting, () => usage)
    expect(setting.limiter.stats().models['qwen-plus']).toMatchObject({ calls: 2, overflowed: 1 })
    // The second one, too, must find room there: others are taken to overflow as well.
    expect(setting.used('public')).toEqual({ rpm: 2, tpm: 60 })
    expect(setting.heard.warning).toHaveLength(1)
  })

  test('counts with an error whose headers say the same as one', async () => {
    const setting = setup({ limits, perSecond: false })
    const error = Object.assign(new Error('bad'), { status: 400, headers: new Headers(OVERFLOW) })
    const sent = send(setting, (grant) => {
      grant.overflowed()
      throw error
    })
    await expect(sent).rejects.toBe(error)
    expect(setting.limiter.stats().models['qwen-plus']!.overflowed).toBe(1)
  })
})

describe('requests to a model that overflows', () => {
  test('go there at once where its own limits never take them, and are still sent to it', async () => {
    const { send, clock, sends, used } = setup({ limits })
    send({ model: 'qwen-plus', tokens: 10_000 }, 'whole', [{ returns: undefined }])
    send({ model: 'qwen-plus', inputTokens: 9000 }, 'next', [{ returns: undefined }])
    const tooLarge = send({ model: 'qwen-plus', inputTokens: 10_001 }, 'never')
    await clock.advance(0)
    expect(String(tooLarge.error)).toContain("tpm of 'qwen-plus' is 4000")
    expect(sends()).toEqual(['whole qwen-plus@0'])
    const longer = setup({ limits: { ...limits, public: { rpm: 60, tpm: 50_000 } } })
    longer.send({ model: 'qwen-plus', tokens: 10_000 }, 'whole', [{ returns: undefined }])
    longer.send({ model: 'qwen-plus', tokens: 10_001 }, 'longer', [{ returns: undefined }])
    await longer.clock.advance(0)
    expect(longer.sends()).toEqual(['whole qwen-plus@0', 'longer qwen-plus@0'])
    expect([longer.used('qwen-plus'), longer.used('public')]).toEqual([
      { inputTpm: 10_000, outputTpm: 0 },
      { rpm: 1, tpm: 10_001 },
    ])
    expect(used('qwen-plus')['inputTpm']).toBe(10_000)
  })

  test('follow what becomes known of it after the first one was sent', async () => {
    const row = (more: object) => ({ a: { inputTpm: 100, ...more }, b: { tpm: 1000 } })
    let table: LimitsTable = row({ overflowsTo: '' })
    let tell = () => {}
    const source = {
      current: () => table,
      subscribe(listener: () => void) {
        tell = listener
        return () => {}
      },
    }
    const { send, clock, used } = setup({ limits: source })
    const become = (more: object) => {
      table = row(more)
      tell()
    }
    const first = send({ model: 'a', tokens: 1 }, 'x', [{ returns: undefined }])
    const early = send({ model: 'a', tokens: 101 }, 'x')
    await clock.advance(100)
    expect([first.state, early.state]).toEqual(['done', 'failed'])
    become({ overflowsTo: 'b' })
    const large = send({ model: 'a', tokens: 101 }, 'x', [{ returns: undefined }])
    become({ overflowsTo: 'b', maxInputTokens: 50 })
    const larger = send({ model: 'a', inputTokens: 60, maxOutputTokens: 1 }, 'x', [{ returns: undefined }])
    await clock.advance(100)
    expect([large.state, larger.state]).toEqual(['done', 'done'])
    expect([used('a')['inputTpm'], used('b')['tpm']]).toEqual([1, expect.closeTo(162, -1)])
    become({})
    const none = send({ model: 'a', tokens: 101 }, 'x')
    await clock.advance(100)
    expect(none.state).toBe('failed')
  })

  test('are not taken to show that there is less of its own limits when they are refused', async () => {
    const { send, clock, limiter } = setup({ limits })
    for (let i = 0; i < 9; i++) send({ model: 'qwen-plus', tokens: 1000 }, `${i}`, [{ returns: undefined }])
    const ending = send({ model: 'qwen-plus', tokens: 1000 }, 'refused', [refusal('tokens'), { returns: 5 }])
    await clock.run()
    expect(ending.value).toBe(5)
    expect(limiter.limitsOf('qwen-plus')).toMatchObject({ inputTpm: 10_000, source: 'user' })
  })

  test('to a model that nothing may be sent to are limited by their own alone', async () => {
    const { send, clock, heard } = setup({ limits, unknownModel: 'reject', overrides: {} })
    const lost = setup({ limits: { a: { inputTpm: 10, overflowsTo: 'b' } }, unknownModel: 'reject' })
    const ending = lost.send({ model: 'a', tokens: 5 }, 'x')
    const never = lost.send({ model: 'a', tokens: 50 }, 'x')
    await lost.clock.run(1000)
    expect(ending.state).toBe('done')
    expect(String(never.error)).toContain('inputTpm')
    expect(lost.heard.warning.map(({ message }) => message)).toEqual([
      expect.stringContaining("What exceeds the limits of 'a' is not limited: Model 'b' is not in"),
    ])
    send({ model: 'qwen-plus', tokens: 5 }, 'x')
    await clock.run(1000)
    expect(heard.warning).toEqual([])
  })

  test('are limited there once it is known what holds there, which is asked at each change', async () => {
    const row = { inputTpm: 10, overflowsTo: 'b' }
    let table: LimitsTable = { a: row }
    let tell = () => {}
    const source = {
      current: () => table,
      subscribe(listener: () => void) {
        tell = listener
        return () => {}
      },
    }
    const { send, clock, heard, used } = setup({ limits: source, unknownModel: 'reject' })
    const never = send({ model: 'a', tokens: 50 }, 'x')
    table = { a: row, other: { rpm: 1 } }
    tell()
    const stillNever = send({ model: 'a', tokens: 50 }, 'x')
    table = { a: row, b: { tpm: 100 } }
    tell()
    const larger = send({ model: 'a', tokens: 50 }, 'x', [{ returns: undefined }])
    await clock.advance(100)
    expect([never.state, stillNever.state, larger.state]).toEqual(['failed', 'failed', 'done'])
    expect(used('b')['tpm']).toBe(50)
    expect(heard.warning).toHaveLength(1)
  })

  test('that overflow into each other do not do so for ever', async () => {
    const both = { a: { inputTpm: 10, overflowsTo: 'b' }, b: { inputTpm: 20, overflowsTo: 'a' } }
    const { send, clock } = setup({ limits: both })
    const endings = [15, 25].map((tokens) => send({ model: 'a', tokens }, 'x'))
    await clock.run(1000)
    expect(endings.map(({ state }) => state)).toEqual(['done', 'failed'])
  })
})
