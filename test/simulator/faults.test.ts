import { APIConnectionError, APIError } from 'openai'
import { describe, expect, it } from 'vitest'
import { errorBodies, streamErrors } from '../../src/simulator/index.js'
import type { Fault } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, MESSAGES_TOKENS, noLatency, post, readAll, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const answer = (): string => 'abcd'.repeat(20)
const body = JSON.stringify({ model, messages })
const streamed = JSON.stringify({ model, messages, stream: true })

function faulty(fault: Fault): ReturnType<typeof simulate> {
  return simulate({ answer, chunkTokens: 4, limits: { [model]: { tpm: 1e6 } }, fail: () => fault })
}

describe('a fault script', () => {
  it('is called once for each request, in order, and other requests are answered normally', async () => {
    const asked: [string, number][] = []
    const { client } = await simulate({
      fail: (request, n) => {
        asked.push([request.model, n])
        return n === 2 ? { status: 503 } : undefined
      },
    })
    await client.chat.completions.create({ model, messages })
    const refusal = await refusalOf(client.chat.completions.create({ model: 'other', messages }))
    expect([refusal.status, refusal.code]).toEqual([503, 'ModelServingError'])
    await client.chat.completions.create({ model, messages })
    expect(asked).toEqual([
      [model, 1],
      ['other', 2],
      [model, 3],
    ])
  })

  it('can set status, body and headers, and charges the request only with charged', async () => {
    const fault = { status: 403, body: errorBodies.freeTierOnly('x'), headers: { 'retry-after': '7' } }
    const { simulator, client } = await faulty(fault)
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect([refusal.status, refusal.code]).toEqual([403, 'AllocationQuota.FreeTierOnly'])
    expect(refusal.headers?.get('retry-after')).toBe('7')
    expect(simulator.ledger().entries[0]).toMatchObject({ status: 403, admitted: false })
    expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(0)

    const { simulator: charging, client: charged } = await faulty({ status: 500, body: { oh: 'no' }, charged: true })
    expect((await refusalOf(charged.chat.completions.create({ model, messages }))).status).toBe(500)
    expect(charging.ledger().entries[0]).toMatchObject({ status: 500, admitted: true, outputTokens: 0 })
    expect(charging.ledger().models[model]?.windows.tpm?.used).toBe(MESSAGES_TOKENS)
  })

  it('can drop the connection before the headers', async () => {
    const { simulator, client } = await faulty({ drop: true })
    await expect(client.chat.completions.create({ model, messages })).rejects.toBeInstanceOf(APIConnectionError)
    expect(simulator.ledger().entries[0]).toMatchObject({ status: 0, admitted: true, outputTokens: 0 })
    expect(simulator.ledger().entries[0]?.hungUp).toBeUndefined()
    expect(simulator.ledger().models[model]?.inFlight).toBe(0)
  })

  it('can drop the connection after the headers', async () => {
    const { simulator } = await faulty({ drop: 'after-headers' })
    const response = await post(simulator, '/v1/chat/completions', streamed)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it.each([
    ['chat/completions', { messages }],
    ['completions', { prompt: 'deep' }],
    ['embeddings', { input: 'deep' }],
    ['responses', { input: 'deep' }],
  ])('can drop a response of %s that is not streamed after its usual headers', async (path, fields) => {
    const { simulator } = await faulty({ drop: 'after-headers' })
    const response = await post(simulator, `/v1/${path}`, JSON.stringify({ model, ...fields }))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(50)
    expect(response.headers.get('transfer-encoding')).toBeNull()
    await expect(response.text()).rejects.toThrow('terminated')
    expect(simulator.ledger().entries[0]).toMatchObject({ status: 200, admitted: true, outputTokens: 0 })
  })

  it('can cut a stream after some chunks, which are charged', async () => {
    const { simulator, client } = await faulty({ cutAfterChunks: 3 })
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    let text = ''
    const read = async (): Promise<void> => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    await expect(read()).rejects.toThrow('terminated')
    expect(text).toBe('abcd'.repeat(9))
    expect(simulator.ledger().entries[0]).toMatchObject({ status: 200, outputTokens: 9 })
  })

  it('cuts a stream with fewer chunks at its end, before [DONE]', async () => {
    const { simulator } = await faulty({ cutAfterChunks: 99 })
    const response = await post(simulator, '/v1/chat/completions', streamed)
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it('can cut a response that is not streamed in the middle of its body', async () => {
    const { simulator } = await faulty({ cutAfterChunks: 3 })
    const response = await post(simulator, '/v1/chat/completions', body)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it('can send an error in a stream, before the text or after some of it', async () => {
    const before = await faulty({ streamError: streamErrors.openai('surge') })
    const stream = await before.client.chat.completions.create({ model, messages, stream: true })
    const failure = await readAll(stream).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(APIError)
    expect((failure as APIError).code).toBe('limit_burst_rate')
    expect(before.simulator.ledger().entries[0]).toMatchObject({ status: 200, outputTokens: 0 })

    const event = streamErrors.native('tokens', 'the-id')
    const after = await faulty({ streamError: event, afterChunks: 2 })
    const text = await (await post(after.simulator, '/v1/chat/completions', streamed)).text()
    const events = text.split('\n\n')
    expect(events.slice(-2)).toEqual([event, ''])
    expect(event).toBe(
      'id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"request_id":"the-id","code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}',
    )
    // The chunk with the role, two chunks with text, the error, and an empty rest.
    expect(events).toHaveLength(5)
    expect(after.simulator.ledger().entries[0]).toMatchObject({ outputTokens: 5 })
  })

  it('can leave out the usage of a response, a stream and embeddings', async () => {
    const { simulator, client } = await faulty({ noUsage: true })
    expect((await client.chat.completions.create({ model, messages })).usage).toBeUndefined()
    const options = { include_usage: true }
    const chunks = await readAll(
      await client.chat.completions.create({ model, messages, stream: true, stream_options: options }),
    )
    expect(chunks.every(({ usage, choices }) => usage === null && choices.length === 1)).toBe(true)
    expect((await client.embeddings.create({ model, input: 'x' })).usage).toBeUndefined()
    expect(simulator.ledger().models[model]?.outputTokens).toBe(40)
  })

  it('can delay a response', async () => {
    const clock = new ManualClock()
    const { client } = await simulate({ clock, latency: noLatency, fail: () => ({ delayMs: 5000 }) })
    const call = client.chat.completions.create({ model, messages }).withResponse()
    await clock.armed()
    clock.advance(5000)
    expect((await call).response.headers.get('req-cost-time')).toBe('5000')
  })

  it('that throws or returns an invalid fault causes a 500, not a crash', async () => {
    const scripts: (() => Fault)[] = [
      () => {
        throw new Error('in the script')
      },
      () => ({ status: 99, delayMs: 1 }),
      () => ({ status: 400, headers: { 'x-bad': 'line\nbreak' } }),
    ]
    for (const fail of scripts) {
      const { simulator, client } = await simulate({ fail })
      expect((await refusalOf(client.chat.completions.create({ model, messages }))).status).toBe(500)
      expect(simulator.ledger().entries[0]?.status).toBe(500)
    }
    const { client } = await simulate({ answer: () => undefined as never })
    expect((await refusalOf(client.chat.completions.create({ model, messages }))).status).toBe(500)
  })
})
