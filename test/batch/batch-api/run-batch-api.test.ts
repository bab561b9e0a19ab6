import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { runBatchFile } from '../../../src/batch/index.js'
import { createLimiter } from '../../../src/limiter.js'
import { answer, ids, killAt, lineOf, lines, until, world } from './setup.js'

// What is killed in this process keeps the mark that a process which ends gives back.
vi.mock('../../../src/batch/run/output-lock.js', () => ({
  withOutputLock: (_outputs: readonly string[], work: () => Promise<unknown>) => work(),
}))

describe('runBatchApi', () => {
  it('uploads, submits, asks once a minute and merges, and does nothing a second time', async () => {
    const here = await world(lines(700))
    const summary = await here.run()
    expect(summary).toMatchObject({
      total: 700,
      succeeded: 700,
      failed: 0,
      unanswered: 0,
      underWay: 0,
      stop: undefined,
    })
    expect(summary.inputTokens).toBeGreaterThan(700)
    const records = await here.records()
    expect(records.map(({ custom_id }) => custom_id).sort()).toEqual(ids(700))
    expect(records.every(({ response, error }) => response?.status_code === 200 && error === null)).toBe(true)
    // 700 lines take 70 seconds and two more.
    expect(here.clock.waits).toEqual([60_000, 60_000])
    const get = 'GET /batches/ID'
    expect(here.calls).toEqual(['POST /files', 'POST /batches', get, get, 'GET /files/ID/content'])
    expect(await here.files()).toEqual(['in.jsonl', 'out.jsonl', 'out.jsonl.headgate.json'])
    expect(await here.run()).toMatchObject({ succeeded: 0, skipped: 700, unanswered: 0 })
    expect(here.calls).toHaveLength(5)
  })

  it('makes a file of each model and endpoint, no larger than may be', async () => {
    const mixed = Array.from({ length: 50 }, (_, i) => [
      lineOf(`plus-${i}`),
      lineOf(`max-${i}`, 'qwen-max'),
      lineOf(`vector-${i}`, 'text-embedding-v3', '/v1/embeddings'),
    ]).flat()
    const here = await world(mixed.join(''), { batch: { linesPerSecond: 10, maxLines: 20 } })
    const uploaded: string[] = []
    here.meddle = ({ path }, send) => {
      if (path !== '/files') return undefined
      uploaded.push(path)
      return send()
    }
    const summary = await here.run({ maxFileLines: 20 })
    expect(summary).toMatchObject({ succeeded: 150, unanswered: 0 })
    // 20 + 20 + 10 of each.
    expect(uploaded).toHaveLength(9)
    const endpoints = (await here.batches()).map(({ endpoint }) => endpoint)
    expect(endpoints.filter((endpoint) => endpoint === '/v1/embeddings')).toHaveLength(3)
    expect((await here.records()).map(({ custom_id }) => custom_id).sort()).toEqual(
      mixed.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id).sort(),
    )
  })

  it('keeps files within their bytes, exactly, and tells of lines that fit into none', async () => {
    const [short, long] = [lines(10), lineOf('long', `m-${'x'.repeat(500)}`)]
    const bytes = Buffer.byteLength(lineOf('id-0'))
    const limits = { maxFileBytes: 4 * bytes - 1, maxLineBytes: 400 }
    const here = await world(short + long, { batch: { ...limits, linesPerSecond: 10 } })
    const summary = await here.run(limits)
    expect(summary).toMatchObject({ succeeded: 10, failed: 1, unsendable: 1, unanswered: 0 })
    // Four lines are a byte too many.
    expect(await here.batches()).toHaveLength(4)
    const told = (await here.records()).find(({ error }) => error !== null)!
    expect(told).toMatchObject({ custom_id: 'long', response: null, error: { code: 'line_too_long', line: 11 } })
    expect(await here.run(limits)).toMatchObject({ skipped: 11, skippedFailed: 1, failed: 0 })
    expect(await here.records()).toHaveLength(11)
  })

  it('takes plain lines by the ids that a live run gives them, and tells of faulty ones', async () => {
    const content =
      '\ufeff{"prompt":"a"}\r\n\r\nnonsense\n{"id":7,"messages":[{"role":"user","content":"b"}]}\n{"id":7,"prompt":"c"}\n'
    const here = await world(content)
    const seen: (string | null)[] = []
    const summary = await here.run({ model: 'qwen-max', onResult: ({ record }) => seen.push(record.custom_id) })
    expect(summary).toMatchObject({ total: 4, succeeded: 2, failed: 2, unsendable: 2, unanswered: 0 })
    expect(seen).toEqual([null, '7', 'line-1', '7'])
    expect(await here.run({ model: 'qwen-max' })).toMatchObject({ failed: 0, skipped: 4, skippedFailed: 2 })
    expect(await here.batches()).toHaveLength(1)
  })

  it('reads and writes .gz, and puts lines that fail where they belong', async () => {
    const here = await world('', {
      batch: {
        failLine: ({ customId }) =>
          customId === 'id-3' ? { status: 400, body: { error: { message: 'no' } } } : undefined,
      },
    })
    const [input, output] = [`${here.input}.gz`, `${here.output}.gz`]
    await writeFile(input, gzipSync(lines(9)))
    const errors = `${here.output}.errors`
    expect(await here.run({ input, output, errors })).toMatchObject({ succeeded: 8, failed: 1 })
    expect(
      gunzipSync(await readFile(output))
        .toString()
        .trimEnd()
        .split('\n'),
    ).toHaveLength(8)
    expect(await here.records(errors)).toMatchObject([
      { custom_id: 'id-3', response: { status_code: 400 }, error: { code: '400', message: 'no' } },
    ])
  })

  it.each(['error-file', 'output-file'] as const)(
    'does lines that failed again where asked to (%s)',
    async (failedLines) => {
      let fails = true
      const here = await world(lines(6), {
        batch: {
          failedLines,
          failLine: ({ line }) =>
            fails && line % 2 === 0 ? { status: 500, body: { error: { code: 'odd' } } } : undefined,
        },
      })
      expect(await here.run()).toMatchObject({ succeeded: 3, failed: 3, unanswered: 0 })
      fails = false
      expect(await here.run()).toMatchObject({ succeeded: 0, skippedFailed: 3 })
      expect(await here.run({ retryErrors: true })).toMatchObject({ succeeded: 3, skipped: 3, failed: 0 })
      expect((await here.records()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(6))
      expect((await here.records()).every(({ error }) => error === null)).toBe(true)
    },
  )

  it('sends nothing of a strict input with a fault, and refuses wrong options before anything', async () => {
    const here = await world(`${lines(3)}nonsense\n`)
    await expect(here.run({ strict: true })).rejects.toThrow(/1 lines that cannot be sent:\n {2}line 4: /)
    await expect(here.run({ strict: true, maxLineBytes: 5 })).rejects.toThrow('cannot be sent')
    for (const wrong of [
      { completionWindow: 'soon' },
      { pollMs: -1 },
      { maxFileLines: 0 },
      { maxFileBytes: Number.NaN },
    ]) {
      await expect(here.run(wrong)).rejects.toMatchObject({ code: 'invalid_request' })
    }
    expect(here.calls).toEqual([])
    expect(await here.files()).toEqual(['in.jsonl'])
    await writeFile(here.input, lines(1))
    await expect(here.run({ strict: true, maxLineBytes: 5 })).rejects.toThrow(/line 1: it has \d+ bytes/)
    expect(await here.files()).not.toContain('out.jsonl.headgate-1.jsonl')
    expect(here.calls).toEqual([])
  })

  it('tells how batches stand, by the counts of the service', async () => {
    const here = await world(lines(1000))
    const seen: string[] = []
    await here.run({ onProgress: ([one]) => void seen.push(`${one!.status} ${one!.completed} of ${one!.lines}`) })
    expect(seen).toEqual(['validating 0 of 1000', 'in_progress 590 of 1000', 'completed 1000 of 1000'])
  })

  it('uploads with a length, through the limiter, and in pieces', async () => {
    const here = await world(lines(5000))
    const pieces: number[] = []
    let length = 0
    const limiter = createLimiter({ limits: {}, unknownModel: 'unlimited' })
    const paths: string[] = []
    const through: typeof limiter.fetch = (target, init) => {
      paths.push(new URL(String(target)).pathname)
      return limiter.fetch(target, init)
    }
    const watched: typeof fetch = async (target, init) => {
      if (!(init?.body instanceof ReadableStream)) return fetch(target, init)
      length = Number(new Headers(init.headers).get('content-length'))
      const counted = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          pieces.push(chunk.length)
          controller.enqueue(chunk)
        },
      })
      return fetch(target, { ...init, body: init.body.pipeThrough(counted) } as RequestInit)
    }
    const summary = await here.run({ limiter: { ...limiter, fetch: through } as typeof limiter, fetch: watched })
    expect(summary).toMatchObject({ succeeded: 5000 })
    expect(pieces.reduce((a, b) => a + b, 0)).toBe(length)
    expect(Math.max(...pieces)).toBeLessThanOrEqual(64 * 1024)
    expect(paths.filter((path) => path.endsWith('/files'))).toHaveLength(1)
    // The upload, the submission, nine looks for 502 seconds, and the output.
    expect(paths).toHaveLength(12)
    await limiter.close()
  })

  it('mends a last line that was torn, and submits it again', async () => {
    const here = await world(lines(5))
    await here.run()
    await writeFile(here.output, (await readFile(here.output)).subarray(0, -20))
    expect(await here.run()).toMatchObject({ succeeded: 1, skipped: 4 })
    await appendFile(here.output, '{"custom_id":"id-9')
    expect(await here.run()).toMatchObject({ succeeded: 0, skipped: 5 })
    expect((await here.records()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(5))
  })
})

describe('a live run', () => {
  it('does not touch an output while batches are under way, and takes over when none is', async () => {
    const here = await world(lines(4))
    here.clock.onWait = () => 'for ever'
    void here.run()
    await until(() => here.clock.waits.length === 1)
    const limiter = createLimiter({ limits: {}, unknownModel: 'unlimited' })
    const live = () =>
      runBatchFile({ input: here.input, output: here.output, limiter, baseURL: here.simulator.url }).summary
    await expect(live()).rejects.toThrow(/a batch of the output .* with 4 lines is under way at the Batch API/)
    expect(here.simulator.ledger().entries).toEqual([])
    here.clock.onWait = undefined
    expect(await here.run({ cancel: true })).toMatchObject({ unanswered: 4, underWay: 0 })
    expect(await live()).toMatchObject({ succeeded: 4 })
    expect(await here.run()).toMatchObject({ skipped: 4, succeeded: 0 })
    await limiter.close()
  })

  it('leaves what it has done out of files that were not submitted', async () => {
    const here = await world(lines(4))
    here.meddle = ({ path }) => (path === '/batches' ? new Promise<Response>(() => {}) : answer(503, '{}'))
    // Only uploads fail: nothing is under way.
    const run = here.run({ maxAttempts: 1 })
    expect(await run).toMatchObject({ unanswered: 4, underWay: 0 })
    const limiter = createLimiter({ limits: {}, unknownModel: 'unlimited' })
    await runBatchFile({ input: here.input, output: here.output, limiter, baseURL: here.simulator.url }).summary
    here.meddle = undefined
    here.calls.length = 0
    expect(await here.run()).toMatchObject({ skipped: 4, unanswered: 0 })
    expect(here.calls).toEqual([])
    expect(await here.files()).toEqual(['in.jsonl', 'out.jsonl', 'out.jsonl.headgate.json'])
    await limiter.close()
  })
})

describe('the sidecar', () => {
  it('keeps batches from another service, and an input that changed from being sent', async () => {
    const here = await world(lines(4))
    here.clock.onWait = () => 'for ever'
    void here.run()
    await until(() => here.clock.waits.length === 1)
    await expect(here.run({ baseURL: 'http://127.0.0.1:1/v1' })).rejects.toThrow(/are at http.* give that base URL/)
    await writeFile(here.input, lines(5))
    await appendFile(here.output, '')
    here.clock.onWait = undefined
    await expect(here.run()).rejects.toThrow('has changed since batches')
    await rm(here.input)
    expect(await here.run({ cancel: true })).toMatchObject({ underWay: 0 })
  })

  it('of an input that changed before anything was submitted is begun anew', async () => {
    const here = await world(lines(4))
    const { meddle, reached } = killAt('POST /files', 'before')
    here.meddle = meddle
    void here.run()
    await reached
    here.meddle = undefined
    await writeFile(here.input, lineOf('other') + lineOf('id-0'))
    expect(await here.run()).toMatchObject({ succeeded: 2, unanswered: 0 })
    expect((await here.records()).map(({ custom_id }) => custom_id)).toEqual(['other', 'id-0'])
    expect(await here.batches()).toHaveLength(1)
  })
})
