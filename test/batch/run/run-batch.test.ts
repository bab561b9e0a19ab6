import { describe, expect, it, onTestFinished } from 'vitest'
import { runBatch, type BatchOptions, type LineResult } from '../../../src/batch/index.js'
import { createLimiter, type Limiter } from '../../../src/limiter.js'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/index.js'

const KEY = 'sk-0123456789abcdef'
const line = (id: string, model = 'm') => ({
  custom_id: id,
  method: 'POST',
  url: '/v1/chat/completions',
  body: { model, messages: [{ role: 'user', content: id }], max_tokens: 3 },
})

async function service(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; limiter: Limiter }> {
  const simulator = await startSimulator({ latency: { firstTokenMs: 1, perTokenMs: 0, jitter: 0 }, ...options })
  const limiter = createLimiter({ limits: {}, unknownModel: 'unlimited' })
  onTestFinished(async () => {
    await limiter.close({ abandon: true })
    await simulator.close()
  })
  return { simulator, limiter }
}

async function all(batch: AsyncIterable<LineResult>): Promise<LineResult[]> {
  const results: LineResult[] = []
  for await (const result of batch) results.push(result)
  return results
}

describe('runBatch', () => {
  it('gives the results of objects and texts, and a summary', async () => {
    const { simulator, limiter } = await service()
    const input = [line('a'), JSON.stringify(line('b')), { prompt: 'x' }, 'nonsense', line('a')]
    const batch = runBatch({ input, limiter, baseURL: simulator.url, model: 'm' })
    const results = await all(batch)
    expect(results.map(({ line, ok }) => [line, ok] as const).sort(([a], [b]) => a - b)).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, false],
      [5, false],
    ])
    expect(results.find(({ line }) => line === 5)!.record.error).toMatchObject({ code: 'duplicate_custom_id', line: 5 })
    const one = results.find(({ line }) => line === 1)!
    expect(one).toMatchObject({ model: 'm', usage: { inputTokens: expect.any(Number) } })
    expect(one.record).toMatchObject({ custom_id: 'a', response: { status_code: 200 }, error: null })
    expect(await batch.summary).toMatchObject({
      read: 5,
      succeeded: 3,
      failed: 2,
      unsendable: 2,
      inFlight: 0,
      waiting: 0,
    })
  })

  it('reads no further than results are taken', async () => {
    const { simulator, limiter } = await service()
    let given = 0
    function* input(): Generator<object> {
      for (;;) yield line(`id-${given++}`)
    }
    const batch = runBatch({ input: input(), limiter, baseURL: simulator.url, concurrency: 4 })
    let taken = 0
    for await (const _ of batch) {
      taken++
      expect(given - taken).toBeLessThanOrEqual(4 + 2)
      if (taken === 50) break
    }
    expect((await batch.summary).stop).toEqual({ why: 'stopped' })
  })

  it('is not held by an input that gives nothing when it is stopped', async () => {
    const { simulator, limiter } = await service()
    async function* input(): AsyncGenerator<object> {
      yield line('a')
      await new Promise(() => {})
    }
    const batch = runBatch({ input: input(), limiter, baseURL: simulator.url })
    for await (const { ok } of batch) {
      expect(ok).toBe(true)
      batch.stop()
    }
    expect(await batch.summary).toMatchObject({ succeeded: 1, stop: { why: 'stopped' } })
  })

  it('throws what its input throws, and the reason of its signal', async () => {
    let arrived = (): void => undefined
    const sent = new Promise<void>((resolve) => (arrived = resolve))
    const { simulator, limiter } = await service({
      latency: { firstTokenMs: 60_000 },
      fail: () => void arrived(),
    })
    const broken: AsyncIterable<object> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no more')) }),
    }
    await expect(all(runBatch({ input: broken, limiter, baseURL: simulator.url }))).rejects.toThrow('no more')
    const controller = new AbortController()
    const batch = runBatch({ input: [line('a')], limiter, baseURL: simulator.url, signal: controller.signal })
    const running = expect(all(batch)).rejects.toThrow('enough')
    await sent
    controller.abort(new Error('enough'))
    await running
    await expect(batch.summary).rejects.toThrow('enough')
  })

  it('gives up an answer after its time, and says so', async () => {
    const { simulator, limiter } = await service({ latency: { firstTokenMs: 60_000 } })
    const options = { input: [line('a')], limiter, baseURL: simulator.url, timeoutMs: 30, maxAttempts: 1 }
    const [result] = await all(runBatch(options))
    expect(result!.record).toMatchObject({ response: null, error: { code: 'timeout' } })
    expect(simulator.ledger().entries).toHaveLength(1)
  })

  it('sends no line more often than it may', async () => {
    const { simulator, limiter } = await service({ fail: () => ({ status: 503 }) })
    const [result] = await all(runBatch({ input: [line('a')], limiter, baseURL: simulator.url, maxAttempts: 2 }))
    expect(result!.record.response).toMatchObject({ status_code: 503 })
    expect(simulator.ledger().entries).toHaveLength(2)
  })

  it('takes no answer for one that is no JSON object, as of a page to sign in', async () => {
    const { limiter } = await service()
    const bodies = ['<html>sign in</html>', '', '[]', '"yes"']
    const answers = bodies.map((body) => new Response(body))
    const input = bodies.map((_, i) => line(`id-${i}`))
    const fetch = async () => answers.shift()!
    const results = await all(runBatch({ input, limiter, baseURL: 'http://127.0.0.1/v1', fetch }))
    expect(results.map(({ ok, record }) => [ok, record.error?.code])).toEqual(
      bodies.map(() => [false, 'invalid_answer']),
    )
  })

  it('stops at a quota that is used up, and tells of no line that was not done', async () => {
    const { simulator, limiter } = await service()
    simulator.setState({ kind: 'arrearage' })
    const input = Array.from({ length: 30 }, (_, i) => line(`id-${i}`))
    const batch = runBatch({ input, limiter, baseURL: simulator.url, concurrency: 3 })
    expect(await all(batch)).toEqual([])
    const { stop } = await batch.summary
    expect(stop).toMatchObject({ why: 'quota', message: expect.stringContaining('used up') })
    expect(simulator.ledger().entries.length).toBeLessThanOrEqual(3)
  })

  it('stops where the key is not known, and tells it nowhere', async () => {
    const { simulator, limiter } = await service({
      fail: () => ({
        status: 401,
        body: { error: { message: `Incorrect API key provided: ${KEY}.`, code: 'invalid_api_key' } },
      }),
    })
    const batch = runBatch({
      input: [line('a'), line('b')],
      limiter,
      baseURL: simulator.url,
      apiKey: KEY,
      concurrency: 1,
    })
    expect(await all(batch)).toEqual([])
    const summary = await batch.summary
    expect(summary.stop).toEqual({ why: 'unauthorized', message: 'Incorrect API key provided: [key].' })
  })

  it('takes the key out of errors that repeat it', async () => {
    const { simulator, limiter } = await service({
      fail: () => ({ status: 400, body: { error: { message: `Bad ${KEY}`, code: 'x' } } }),
    })
    const results = await all(runBatch({ input: [line('a')], limiter, baseURL: simulator.url, apiKey: KEY }))
    expect(JSON.stringify(results)).toContain('Bad [key]')
    expect(JSON.stringify(results)).not.toContain(KEY)
  })

  it.each<[Partial<BatchOptions> & Record<string, unknown>, RegExp]>([
    [{ concurrency: 0 }, /concurrency is 0/],
    [{ maxAttempts: 1.5 }, /maxAttempts is 1.5/],
    [{ timeoutMs: -1 }, /timeoutMs is -1/],
    [{ baseURL: 'here' }, /'here' is none/],
    [{ baseURL: 'https://me:secret@host/v1' }, /has a user name/],
    [{ apiKey: `${KEY}\n` }, /^The API key is empty, or has blanks or other characters that no key has$/],
    [{ input: 'text' as never }, /give an iterable/],
    [{ limiter: {} as never }, /limiter/],
  ])('refuses %j', async (options, message) => {
    const limiter = createLimiter()
    expect(() => runBatch({ input: [], limiter, ...options })).toThrow(message)
    await limiter.close()
  })
})
