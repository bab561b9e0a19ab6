import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, vi } from 'vitest'
import { startSimulator } from '../../src/simulator/index.js'
import type { SimulatorOptions } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { clientOf, messages, MESSAGES_TOKENS, post, readAll, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

async function answered(response: Response): Promise<[number, unknown]> {
  return [response.status, ((await response.json()) as { error: { code: unknown } }).error.code]
}

describe('a bad request', () => {
  it('that cannot be read gets a 400', async () => {
    const { simulator } = await simulate({ limits: { [model]: { rpm: 60 } } })
    const bodies: Record<string, readonly unknown[]> = {
      chat: [
        '{"model":',
        '[]',
        'null',
        '',
        { messages },
        { model: 7, messages },
        { model },
        { model, messages: [] },
        { model, messages: ['x'] },
        { model, messages: [{ role: 'user', content: 7 }] },
        { model, messages, max_tokens: 0 },
        { model, messages, max_tokens: 1.5 },
        { model, messages, stream: 'yes' },
        { model, messages, n: 5 },
      ],
      completions: [{ model }, { model, prompt: [] }, { model, prompt: ['a', 7] }],
      responses: [{ model }, { model, input: [] }, { model, input: [7] }, { model, input: 'x', max_output_tokens: 0 }],
      embeddings: [
        { model },
        { model, input: [] },
        { model, input: [{}] },
        { model, input: '' },
        { model, input: ['x', ''] },
        { model, input: 'x', dimensions: 0 },
        { model, input: 'x', dimensions: 1e9 },
        { model, input: Array.from({ length: 11 }, () => 'x') },
        { model, input: 'x'.repeat(4 * 8192 + 1) },
      ],
    }
    const paths: Record<string, string> = { chat: 'chat/completions' }
    for (const [route, list] of Object.entries(bodies)) {
      for (const body of list) {
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        const response = await post(simulator, `/v1/${paths[route] ?? route}`, text)
        expect([text, ...(await answered(response))]).toEqual([text, 400, 'invalid_parameter_error'])
      }
    }
    expect(simulator.ledger().models).toEqual({})
    expect(simulator.ledger().entries.every(({ status, admitted }) => status === 400 && !admitted)).toBe(true)
  })

  it('to an unknown path gets a 404, and with a wrong method a 405', async () => {
    const { simulator } = await simulate()
    const get = (path: string, method = 'GET'): Promise<Response> => fetch(new URL(path, simulator.url), { method })
    for (const path of ['/', '/v1', '/v1/nothing', '/chat/completions', '/v1/__ledger', '/v1/toString']) {
      expect(await answered(await get(path))).toEqual([404, 'not_found'])
    }
    const wrong = await get('/compatible-mode/v1/chat/completions')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
    const deleted = await get('/v1/models', 'DELETE')
    expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await get('/v1/models?page=2')).status).toBe(200)
  })

  it('with an unknown key gets a 401', async () => {
    const { simulator } = await simulate({ apiKeys: ['sk-one', 'sk-two'] })
    await clientOf(simulator, 'sk-two').chat.completions.create({ model, messages })
    const client = clientOf(simulator, 'sk-three')
    for (const call of [() => client.chat.completions.create({ model, messages }), () => client.models.list()]) {
      const refusal = await refusalOf(call())
      expect(refusal.status).toBe(401)
      expect(refusal.error).toEqual({
        message: 'Incorrect API key provided. ',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      })
    }
    const bare = await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    expect(bare.status).toBe(401)
  })

  it('that is too large gets a 413, also without a content-length', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 200 })
    const bodyOf = (bytes: number): string => {
      const empty = JSON.stringify({ model, messages: [{ role: 'user', content: '' }] })
      return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`)
    }
    expect((await post(simulator, '/v1/chat/completions', bodyOf(200))).status).toBe(200)
    expect(await answered(await post(simulator, '/v1/chat/completions', bodyOf(201)))).toEqual([
      413,
      'request_too_large',
    ])
    const stream = new Blob(['x'.repeat(1_000_000)]).stream()
    const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit
    expect((await fetch(new URL('/v1/chat/completions', simulator.url), init)).status).toBe(413)
    expect(simulator.ledger().entries.map(({ status }) => status)).toEqual([200, 413, 413])
  })

  it('that breaks off leaves no ledger entry', async () => {
    const { simulator, client } = await simulate()
    const socket = connect(simulator.port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":')
    await once(socket, 'connect')
    socket.destroy()
    await once(socket, 'close')
    await client.chat.completions.create({ model, messages })
    expect(simulator.ledger().entries).toHaveLength(1)
  })
})

describe('the server', () => {
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

  it.skipIf(others.length === 0)('listens for this machine only, unless host says otherwise', async () => {
    const [address = ''] = others
    const { simulator } = await simulate()
    await expect(fetch(`http://${address}:${simulator.port}/v1/models`)).rejects.toThrow('fetch failed')
    const { simulator: open } = await simulate({ host: '0.0.0.0' })
    expect(open.url).toBe(`http://127.0.0.1:${open.port}/compatible-mode/v1`)
    expect((await fetch(`http://${address}:${open.port}/v1/models`)).status).toBe(200)
  })
})

describe('a client that disconnects', () => {
  it('frees its timer and its place in flight, and other requests go on', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({ clock, latency: { firstTokenMs: 1e6, perTokenMs: 0, jitter: 0 } })
    const body = JSON.stringify({ model, messages })
    const socket = connect(simulator.port, '127.0.0.1')
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    await clock.armed()
    socket.destroy()
    await vi.waitFor(() => expect(simulator.ledger().entries[0]?.hungUp).toBe(true), 10_000)
    expect([clock.pending, simulator.ledger().models[model]?.inFlight]).toEqual([0, 0])
    const next = client.chat.completions.create({ model, messages })
    await clock.armed()
    clock.advance(1e6)
    await next
  })

  const streamed = JSON.stringify({ model, messages, stream: true })
  const streamedRequest = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${streamed.length}\r\n\r\n${streamed}`

  it('ends all its pipelined requests, and each is charged for its generated tokens', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({
      clock,
      latency: { firstTokenMs: 100, perTokenMs: 10, jitter: 0 },
      answer: () => ({ content: 'deep', outputTokens: 300 }),
      limits: { [model]: { tpm: 1e6 } },
    })
    const socket = connect(simulator.port, '127.0.0.1')
    socket.write(streamedRequest.repeat(3))
    await clock.armed(3)
    clock.advance(140)
    socket.destroy()
    const ends = (): unknown[] => simulator.ledger().entries.map(({ hungUp, outputTokens }) => [hungUp, outputTokens])
    await vi.waitFor(() => expect(ends()).toEqual([1, 2, 3].map(() => [true, 5])), 10_000)
    const used = 3 * (MESSAGES_TOKENS + 5)
    expect(simulator.ledger().models[model]).toMatchObject({ inFlight: 0, windows: { tpm: { used } } })
    expect(clock.pending).toBe(0)
  })

  it('has its connection closed by a drop fault, also while an earlier pipelined response is unfinished', async () => {
    const clock = new ManualClock()
    const { simulator } = await simulate({
      clock,
      latency: { firstTokenMs: 100, perTokenMs: 10, jitter: 0 },
      fail: (_, n) => (n === 2 ? { drop: true } : undefined),
    })
    const socket = connect(simulator.port, '127.0.0.1')
    socket.write(streamedRequest.repeat(2))
    await clock.armed(2)
    clock.advance(100)
    await once(socket.resume(), 'close')
    await vi.waitFor(() => expect(simulator.ledger().models[model]?.inFlight).toBe(0), 10_000)
    expect(simulator.ledger().entries.map(({ hungUp }) => hungUp)).toEqual([true, undefined])
  })
})

describe('close', () => {
  const endless: SimulatorOptions = { latency: { firstTokenMs: 0, perTokenMs: 1e6, jitter: 0 } }

  it('ends streams, requests in flight and idle connections, and may be called twice', async () => {
    const clock = new ManualClock()
    const simulator = await startSimulator({ ...endless, clock })
    const client = clientOf(simulator)
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    const waiting = expect(client.chat.completions.create({ model, messages })).rejects.toThrow('Connection error')
    const socket = connect(simulator.port, '127.0.0.1')
    await once(socket, 'connect')
    await clock.armed(2)
    await Promise.all([simulator.close(), simulator.close()])
    await simulator.close()
    await waiting
    await expect(readAll(stream)).rejects.toThrow('terminated')
    socket.on('error', () => undefined)
    if (!socket.closed) await once(socket.resume(), 'close')
    expect(clock.pending).toBe(0)
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ hungUp }) => hungUp)).toEqual([true, true])
    expect(models[model]).toMatchObject({ inFlight: 0, admitted: 2 })
    await expect(fetch(simulator.url)).rejects.toThrow('fetch failed')
  })

  it('frees the port', async () => {
    const first = await startSimulator()
    await expect(startSimulator({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await first.close()
    const second = await startSimulator({ port: first.port })
    expect(second.url).toBe(`http://127.0.0.1:${first.port}/compatible-mode/v1`)
    await second[Symbol.asyncDispose]()
  })
})
