import { describe, expect, it, vi } from 'vitest'
import { runBatchApi } from '../../../src/batch/index.js'
import { createLimiter } from '../../../src/limiter.js'
import { answer, badly, ids, killAt, lineOf, lines, until, world, type World } from './setup.js'

// What is killed in this process keeps the mark that a process which ends gives back.
vi.mock('../../../src/batch/run/output-lock.js', () => ({
  withOutputLock: (_outputs: readonly string[], work: () => Promise<unknown>) => work(),
}))

const html = (status: number) => () => answer(status, '<html>a proxy</html>', 'text/html')
const afterwards = (status: number) => async (send: () => Promise<Response>) => {
  await (await send()).text()
  return html(status)()
}
const broken = (): Promise<Response> => Promise.reject(new TypeError('fetch failed', { cause: new Error('reset') }))
const COUNT = 8
const noAnswer = { succeeded: 0, failed: 0, unanswered: COUNT, underWay: 0, stop: undefined }

async function isWhole(here: World): Promise<void> {
  expect((await here.records()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(COUNT))
}

describe('a call that fails', () => {
  it.each<[string, string, Parameters<typeof badly>[1]]>([
    ['an upload gets HTML', 'POST /files', html(200)],
    ['an upload that was done gets HTML', 'POST /files', afterwards(502)],
    ['an upload breaks off', 'POST /files', broken],
    ['an upload is refused for now', 'POST /files', () => answer(429, '{"error":{"message":"later"}}')],
    ['a submission gets HTML', 'POST /batches', html(200)],
    ['a submission that was done gets HTML', 'POST /batches', afterwards(200)],
    ['a submission that was done gets 504', 'POST /batches', afterwards(504)],
    ['a submission breaks off', 'POST /batches', broken],
    ['a submission gets no id', 'POST /batches', () => answer(200, '{"status":"validating"}')],
    ['a submission is refused for now', 'POST /batches', () => answer(429, '')],
    ['a look gets HTML', 'GET /batches/ID', html(200)],
    ['a look gets 500', 'GET /batches/ID', html(500)],
    ['a look gets no status', 'GET /batches/ID', () => answer(200, '{"id":"x"}')],
    ['a look gets 404 once', 'GET /batches/ID', () => answer(404, '{}')],
    ['a download gets HTML', 'GET /files/ID/content', html(200)],
    [
      'a download gets HTML of several lines',
      'GET /files/ID/content',
      () => answer(200, '<html>\n<body>\n</html>\n', 'text/html'),
    ],
    ['a download gets 503', 'GET /files/ID/content', html(503)],
    ['a download gets 404 twice', 'GET /files/ID/content', () => answer(404, '{}')],
  ])('%s: it is done again, and no batch twice', async (_, name, make) => {
    const here = await world(lines(COUNT))
    here.meddle = badly(name, make)
    expect(await here.run()).toMatchObject({ succeeded: COUNT, failed: 0, unanswered: 0, underWay: 0 })
    await isWhole(here)
    expect(await here.batches()).toHaveLength(1)
    expect(here.notices).toHaveLength(1)
    expect(here.notices[0]).toMatch(/; the next try is in 60 s$/)
  })

  it('is never repeated by the limiter below, whatever its own retries', async () => {
    const here = await world(lines(COUNT))
    here.meddle = badly('POST /batches', afterwards(503), 1)
    const limiter = createLimiter({ maxRetries: 5 })
    expect(await here.run({ limiter })).toMatchObject({ succeeded: COUNT })
    expect(await here.batches()).toHaveLength(1)
    expect(here.calls.filter((call) => call === 'POST /batches')).toHaveLength(1)
    await limiter.close()
  })

  it.each(['POST /files', 'POST /batches'])('%s again and again is left to the next run', async (name) => {
    const here = await world(lines(COUNT))
    here.meddle = badly(name, html(503), Infinity)
    expect(await here.run({ maxAttempts: 3 })).toMatchObject({ ...noAnswer, underWay: expect.any(Number) })
    expect(here.calls.filter((call) => call === name)).toHaveLength(3)
    here.meddle = undefined
    expect(await here.run()).toMatchObject({ succeeded: COUNT, unanswered: 0 })
    expect(await here.batches()).toHaveLength(1)
  })

  it('a list without end says nothing of a batch: it is not submitted again', async () => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt('POST /batches', 'after')
    here.meddle = meddle
    void here.run()
    await reached
    const page = JSON.stringify({ data: [{ id: 'b', input_file_id: 'f' }], has_more: true, last_id: 'b' })
    here.meddle = badly('GET /batches', () => answer(200, page), Infinity)
    let looks = 0
    here.clock.onWait = () => (++looks === 3 ? 'for ever' : undefined)
    void here.run()
    await until(() => looks === 3)
    expect(here.notices.at(-1)).toMatch(/a list that has no end/)
    here.clock.onWait = undefined
    here.meddle = badly('GET /batches', () => answer(403, '{}'), Infinity)
    expect(await here.run()).toMatchObject({ unanswered: COUNT, underWay: 1 })
    here.meddle = undefined
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
    expect(await here.batches()).toHaveLength(1)
  })

  it('with 401 stops all, and can be resumed', async () => {
    const here = await world(lines(COUNT), { apiKeys: ['sk-0123456789'] })
    const summary = await here.run({ apiKey: 'sk-wrong-wrong-wrong' })
    expect(summary).toMatchObject({ ...noAnswer, stop: { why: 'unauthorized' } })
    expect(JSON.stringify(summary) + here.notices.join()).not.toContain('sk-wrong')
    expect(await here.run({ apiKey: 'sk-0123456789' })).toMatchObject({ succeeded: COUNT })
  })

  it.each(['POST /files', 'POST /batches'])('refused for good (%s) leaves its lines to the next run', async (name) => {
    const here = await world(lines(COUNT))
    here.meddle = badly(name, () => answer(400, '{"error":{"code":"Arrearage","message":"pay first"}}'))
    expect(await here.run()).toMatchObject(noAnswer)
    expect(here.notices).toEqual([expect.stringMatching(/a file with 8 lines was refused: .* 400: pay first/)])
    expect(await here.run()).toMatchObject({ succeeded: COUNT, unanswered: 0 })
    await isWhole(here)
  })
})

describe('files of answers', () => {
  const contentOf = (change: (text: string) => string) => async (send: () => Promise<Response>) =>
    new Response(change(await (await send()).text()))

  it('that break off, in a line or by the connection, are read again', async () => {
    const torn = contentOf((text) => text.slice(0, -30))
    const cut = async (send: () => Promise<Response>): Promise<Response> => {
      const bytes = new Uint8Array(await (await send()).arrayBuffer())
      const pieces = [bytes.subarray(0, bytes.length / 2)]
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        const piece = pieces.pop()
        if (piece === undefined) controller.error(new TypeError('terminated'))
        else controller.enqueue(piece)
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
    }
    for (const make of [torn, cut]) {
      const here = await world(lines(COUNT))
      here.meddle = badly('GET /files/ID/content', make, 2)
      expect(await here.run()).toMatchObject({ succeeded: COUNT, unanswered: 0 })
      await isWhole(here)
      expect(here.notices).toHaveLength(2)
      expect(here.notices[0]).toContain('broke off')
    }
  })

  it('with a line that cannot be read give the others', async () => {
    const here = await world(lines(COUNT))
    here.meddle = badly(
      'GET /files/ID/content',
      contentOf((text) => text.replace('{', '?')),
    )
    expect(await here.run()).toMatchObject({ succeeded: COUNT - 1, unanswered: 1, underWay: 0 })
    expect(here.notices).toEqual([
      expect.stringMatching(/^1 lines of the file .* cannot be read/),
      expect.stringMatching(/is completed: 1 of its 8 lines have no answer/),
    ])
    expect(await here.run()).toMatchObject({ succeeded: 1, skipped: COUNT - 1 })
    await isWhole(here)
  })

  it('that have vanished leave their lines to the next run', async () => {
    const here = await world(lines(COUNT))
    here.meddle = badly('GET /files/ID/content', () => answer(404, '{}'), 3)
    expect(await here.run()).toMatchObject(noAnswer)
    expect(here.notices.join('\n')).toContain('has vanished from the service')
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
    await isWhole(here)
    expect(await here.batches()).toHaveLength(2)
  })

  it('with errors beside answers, empty ones, and answers given twice are taken as they are meant', async () => {
    const here = await world(lines(COUNT))
    here.meddle = badly('GET /files/ID/content', async () => {
      const response = (status_code: number) => ({ status_code, request_id: 'r', body: { usage: null } })
      const rows = [
        { id: 'a', custom_id: 'id-0', response: response(200), error: {} },
        { custom_id: 'id-1', response: response(200), error: { code: 'odd', message: '' } },
        { custom_id: 'id-2', response: null, error: { code: 'batch_expired', message: 'late' } },
        { custom_id: 'id-3', response: null, error: { code: 'internal', message: 'broke' } },
        { custom_id: 'id-0', response: response(200), error: null },
        { custom_id: 'id-4', response: null, error: null },
      ]
      return new Response(rows.map((row) => JSON.stringify(row)).join('\n\n'))
    })
    expect(await here.run()).toMatchObject({ succeeded: 1, failed: 2, unanswered: 5 })
    expect(await here.records()).toMatchObject([
      { id: 'a', custom_id: 'id-0', error: null },
      { id: expect.stringMatching(/^batch_req_/), custom_id: 'id-1', error: { code: 'odd', message: 'odd' } },
      { custom_id: 'id-3', response: null, error: { code: 'internal', message: 'broke' } },
    ])
    expect(await here.run()).toMatchObject({ succeeded: 5, skipped: 3, skippedFailed: 2 })
  })
})

describe('a batch that', () => {
  it('failed is told of with its reason, and is submitted again by the next run', async () => {
    const here = await world(lineOf('a', 'no-such-model'), { limits: { 'qwen-plus': { rpm: 60 } } })
    for (const batches of [1, 2]) {
      here.notices.length = 0
      expect(await here.run()).toMatchObject({ succeeded: 0, failed: 0, unanswered: 1, underWay: 0 })
      expect(here.notices).toEqual([
        expect.stringMatching(/is failed: 1 of its 1 lines have no answer:\n {2}line 1 of the file: .*no-such-model/),
      ])
      expect(await here.batches()).toHaveLength(batches)
    }
  })

  it('expired gives what was answered, and the rest to the next run', async () => {
    const here = await world(lines(COUNT), { batch: { linesPerSecond: 5 / 86_400 } })
    const pollMs = 3_600_000
    expect(await here.run({ pollMs })).toMatchObject({ succeeded: 4, unanswered: 4, underWay: 0 })
    expect(here.notices).toEqual([expect.stringMatching(/is expired: 4 of its 8 lines have no answer/)])
    expect(await here.run({ pollMs, completionWindow: '7d' })).toMatchObject({
      succeeded: 4,
      skipped: 4,
      unanswered: 0,
    })
    await isWhole(here)
  })

  it('is unknown to the service is not submitted again, until it is cancelled', async () => {
    const here = await world(lines(COUNT))
    here.meddle = badly('GET /batches/ID', () => answer(404, '{"error":{"message":"no such batch"}}'), Infinity)
    expect(await here.run()).toMatchObject({ unanswered: COUNT, underWay: 1 })
    expect(here.notices.at(-1)).toMatch(
      /no such batch \(is it another account's\? Cancelling forgets it\)\. The next run goes on/,
    )
    expect(await here.run({ cancel: true })).toMatchObject({ unanswered: COUNT, underWay: 0 })
    here.meddle = undefined
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
  })

  it('is cancelled gives what was answered', async () => {
    const here = await world(lines(COUNT), { batch: { linesPerSecond: 1 / 60 } })
    // Four minutes, with a line in each but the first.
    here.clock.onWait = (waits) => (waits === 5 ? 'for ever' : undefined)
    void here.run({ maxFileLines: 5 })
    await until(() => here.clock.waits.length === 5)
    here.clock.onWait = undefined
    const summary = await here.run({ cancel: true })
    expect(summary).toMatchObject({ succeeded: 3, skipped: 3, failed: 0, unanswered: 2, underWay: 0, stop: undefined })
    expect((await here.batches()).map(({ status }) => status)).toEqual(['cancelled', 'completed'])
    expect(await here.run()).toMatchObject({ succeeded: 2 })
    await isWhole(here)
    expect(await here.run({ cancel: true })).toMatchObject({ unanswered: 0 })
  })

  it('is cancelled takes those with it that were not submitted', async () => {
    for (const [name, when] of [
      ['POST /files', 'before'],
      ['POST /batches', 'before'],
      ['POST /batches', 'after'],
    ] as const) {
      const here = await world(lines(COUNT))
      const { meddle, reached } = killAt(name, when, 2)
      here.meddle = meddle
      void here.run({ maxFileLines: 4 })
      await reached
      here.meddle = undefined
      expect(await here.run({ cancel: true })).toMatchObject({ unanswered: COUNT, underWay: 0 })
      const statuses = (await here.batches()).map(({ status }) => status)
      expect(statuses).toEqual(when === 'after' ? ['cancelled', 'cancelled'] : ['cancelled'])
      expect(await here.files()).toEqual(['in.jsonl', 'out.jsonl', 'out.jsonl.headgate.json'])
    }
  })

  it('has ended refuses to be cancelled, and gives its answers', async () => {
    for (const status of [400, 409]) {
      const here = await world(lines(COUNT))
      here.clock.onWait = (waits) => (waits === 2 ? 'for ever' : undefined)
      here.meddle = badly('GET /files/ID/content', html(500), 1)
      void here.run()
      await until(() => here.clock.waits.length === 2)
      here.clock.onWait = undefined
      here.meddle = ({ path }) => (path.endsWith('/cancel') ? answer(status, '{"message":"it has ended"}') : undefined)
      expect(await here.run({ cancel: true })).toMatchObject({ succeeded: COUNT, underWay: 0 })
    }
  })

  it('goes on and refuses to be cancelled is tried again, and left', async () => {
    const here = await world(lines(COUNT), { batch: { validateMs: 80_000_000 } })
    here.clock.onWait = () => 'for ever'
    void here.run()
    await until(() => here.clock.waits.length === 1)
    here.clock.onWait = undefined
    here.meddle = ({ path }) => (path.endsWith('/cancel') ? answer(403, '{"message":"not yours"}') : undefined)
    expect(await here.run({ cancel: true })).toMatchObject({ unanswered: COUNT, underWay: 1 })
    expect(here.notices.at(-1)).toMatch(/403: not yours\. The next run goes on with batch batch_/)
  })

  it('cannot be cancelled where nothing is known of any', async () => {
    const here = await world(lines(COUNT))
    await expect(here.run({ cancel: true })).rejects.toThrow('nothing is known of it')
  })
})

describe('stopping', () => {
  it('leaves the batches to the service, at once', async () => {
    const here = await world(lines(COUNT))
    const limiter = createLimiter()
    here.clock.onWait = () => 'for ever'
    const { input, output, clock } = here
    const batchRun = runBatchApi({ input, output, clock, limiter, baseURL: here.simulator.url })
    await until(() => clock.waits.length === 1)
    expect(batchRun.counts).toMatchObject({ inFlight: COUNT, waiting: 0 })
    batchRun.stop()
    expect(await batchRun.summary).toMatchObject({ stop: { why: 'stopped' }, unanswered: COUNT, underWay: 1 })
    clock.onWait = undefined
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
    expect(await here.batches()).toHaveLength(1)
    await limiter.close()
  })

  it('breaks an upload off, and waits for the answer to a submission', async () => {
    for (const name of ['POST /files', 'POST /batches']) {
      const here = await world(lines(COUNT))
      const limiter = createLimiter()
      const { input, output, clock } = here
      let go = (): void => undefined
      const gate = new Promise<void>((resolve) => (go = resolve))
      let isThere = false
      const held: typeof fetch = async (target, init) => {
        const response = fetch(target, init)
        response.catch(() => {})
        if (
          name !==
          `${init?.method} ${new URL(String(target)).pathname.slice(new URL(here.simulator.url).pathname.length)}`
        )
          return response
        isThere = true
        const aborted = new Promise<never>((_, reject) =>
          init?.signal?.addEventListener('abort', () => reject(init.signal!.reason as Error)),
        )
        return Promise.race([gate.then(() => response), aborted])
      }
      const batchRun = runBatchApi({ input, output, clock, limiter, baseURL: here.simulator.url, fetch: held })
      await until(() => isThere)
      batchRun.stop()
      if (name === 'POST /batches') go()
      const underWay = name === 'POST /batches' ? 1 : 0
      expect(await batchRun.summary).toMatchObject({ stop: { why: 'stopped' }, unanswered: COUNT, underWay })
      expect(await here.run()).toMatchObject({ succeeded: COUNT })
      expect(await here.batches()).toHaveLength(1)
      await limiter.close()
    }
  })

  it('throws the reason of the signal', async () => {
    const here = await world(lines(COUNT))
    const controller = new AbortController()
    here.clock.onWait = () => 'for ever'
    const call = here.run({ signal: controller.signal })
    await until(() => here.clock.waits.length === 1)
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })
})
