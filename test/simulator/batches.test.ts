import { describe, expect, it } from 'vitest'
import { endpoint, line, linesOf, model, opened, quick } from './batch-setup.js'
import { refusalOf } from './setup.js'

describe('a batch', () => {
  it('goes through its statuses in time, and ignores the real-time limits', async () => {
    const { clock, simulator, client, start } = await opened({
      batch: quick,
      answer: ({ body }) => `to ${String(body['user'])}`,
    })
    const batch = await start([line('a', { user: 1 }), line('b', { user: 2 }), line('c', { user: 3 }), ''], {
      metadata: { of: 'me' },
    })
    expect(batch).toMatchObject({
      object: 'batch',
      endpoint,
      completion_window: '24h',
      status: 'validating',
      created_at: 1_750_000_000,
      expires_at: 1_750_086_400,
      in_progress_at: null,
      output_file_id: null,
      errors: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
      metadata: { of: 'me' },
    })
    const seen: unknown[] = []
    for (const waitMs of [999, 1, 500, 999, 1, 1000]) {
      clock.advance(waitMs)
      const { status, request_counts } = await client.batches.retrieve(batch.id)
      seen.push([status, request_counts?.completed])
    }
    expect(seen).toEqual([
      ['validating', 0],
      ['in_progress', 0],
      ['in_progress', 1],
      ['in_progress', 2],
      ['finalizing', 3],
      ['completed', 3],
    ])
    const done = await client.batches.retrieve(batch.id)
    expect(done).toMatchObject({
      in_progress_at: 1_750_000_001,
      finalizing_at: 1_750_000_002,
      completed_at: 1_750_000_003,
      error_file_id: null,
      request_counts: { total: 3, completed: 3, failed: 0 },
    })
    const lines = await linesOf(client, done.output_file_id)
    expect(lines.map(({ custom_id, response, error }) => [custom_id, response.status_code, error])).toEqual([
      ['a', 200, null],
      ['b', 200, null],
      ['c', 200, null],
    ])
    expect(lines[1]?.response.body).toMatchObject({
      object: 'chat.completion',
      id: `chatcmpl-${lines[1]?.response.request_id}`,
      choices: [{ message: { role: 'assistant', content: 'to 2' } }],
      usage: { prompt_tokens: 19, completion_tokens: 1 },
    })
    expect(new Set(lines.map(({ id }) => id)).size).toBe(3)
    expect(simulator.ledger().entries).toEqual([])
  })

  it('has the same result no matter how often it is polled', async () => {
    const content = async (polls: readonly number[]): Promise<string> => {
      const { clock, client, start } = await opened({ batch: quick })
      const { id } = await start([line('a'), line('b'), line('c')])
      for (const waitMs of polls) {
        clock.advance(waitMs)
        await client.batches.retrieve(id)
      }
      const { output_file_id: file } = await client.batches.retrieve(id)
      return (await client.files.content(file ?? '')).text()
    }
    expect(await content([10_000])).toBe(await content([1, 1200, 300, 2000, 6499]))
  })

  it('writes failed lines to the error file, or to the output file with failedLines', async () => {
    const lines = [line('good'), line('bad', { messages: [] }), line('unlucky')]
    const failLine = ({ customId }: { customId: string }): { status: number; body: unknown } | undefined =>
      customId === 'unlucky' ? { status: 500, body: { error: { code: 'InternalError', message: 'oh' } } } : undefined
    const apart = await opened({ batch: { ...quick, failLine } })
    const first = await apart.start(lines)
    apart.clock.advance(10_000)
    const done = await apart.client.batches.retrieve(first.id)
    expect(done.request_counts).toEqual({ total: 3, completed: 1, failed: 2 })
    const failed = await linesOf(apart.client, done.error_file_id)
    expect(failed.map(({ custom_id, response }) => [custom_id, response.status_code])).toEqual([
      ['bad', 400],
      ['unlucky', 500],
    ])
    expect(failed[0]?.error).toMatchObject({ code: 'invalid_parameter_error' })
    expect(failed[1]?.error).toEqual({ code: 'InternalError', message: 'oh' })
    expect(await linesOf(apart.client, done.output_file_id)).toHaveLength(1)

    const beside = await opened({ batch: { ...quick, failLine, failedLines: 'output-file' } })
    const second = await beside.start(lines)
    beside.clock.advance(10_000)
    const { output_file_id, error_file_id } = await beside.client.batches.retrieve(second.id)
    expect(error_file_id).toBeNull()
    const all = await linesOf(beside.client, output_file_id)
    expect(all.map(({ response }) => response.status_code)).toEqual([200, 400, 500])
  })

  it('that is cancelled keeps the lines that were done', async () => {
    const { clock, client, start } = await opened({ batch: quick })
    const { id } = await start([line('a'), line('b'), line('c')])
    clock.advance(1500)
    expect((await client.batches.cancel(id)).status).toBe('cancelling')
    expect((await client.batches.cancel(id)).status).toBe('cancelling')
    clock.advance(1000)
    const cancelled = await client.batches.retrieve(id)
    expect(cancelled).toMatchObject({ status: 'cancelled', request_counts: { total: 3, completed: 1, failed: 0 } })
    expect((await linesOf(client, cancelled.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(['a'])
    const refusal = await refusalOf(client.batches.cancel(id))
    expect([refusal.status, refusal.message]).toEqual([409, "409 Cannot cancel a batch with status 'cancelled'."])
  })

  it('that expires at the end of its window keeps the lines that were done', async () => {
    const { clock, client, start } = await opened({ batch: { ...quick, linesPerSecond: 1 / 43_200 } })
    const { id } = await start([line('a'), line('b'), line('c')])
    clock.advance(24 * 3_600_000 - 1)
    expect((await client.batches.retrieve(id)).status).toBe('in_progress')
    clock.advance(1)
    const expired = await client.batches.retrieve(id)
    expect(expired).toMatchObject({ status: 'expired', expired_at: 1_750_086_400, request_counts: { completed: 1 } })
    expect(await linesOf(client, expired.output_file_id)).toHaveLength(1)
  })

  it('of embeddings, text completions or responses has results in the form of its endpoint', async () => {
    const objects = { '/v1/embeddings': 'list', '/v1/completions': 'text_completion', '/v1/responses': 'response' }
    for (const [url, object] of Object.entries(objects)) {
      const { clock, client, start } = await opened({ batch: quick })
      const body = { model, input: 'deep', prompt: 'deep' }
      const { id } = await start([{ custom_id: 'a', method: 'POST', url, body }], { endpoint: url })
      clock.advance(10_000)
      const { output_file_id } = await client.batches.retrieve(id)
      expect((await linesOf(client, output_file_id))[0]?.response.body).toMatchObject({ object })
    }
  })

  it('of the test model has a fixed answer for each of up to 100 lines, and needs no model in the table', async () => {
    const url = '/v1/chat/ds-test'
    const test = (count: number): object[] =>
      Array.from({ length: count }, (_, i) => line(`t${i}`, { model: 'batch-test-model' }, { url }))
    const { clock, client, start } = await opened({ batch: { ...quick, linesPerSecond: 1000 } })
    const [good, long] = [await start(test(100), { endpoint: url }), await start(test(101), { endpoint: url })]
    clock.advance(10_000)
    const { output_file_id, request_counts } = await client.batches.retrieve(good.id)
    expect(request_counts?.completed).toBe(100)
    const [first] = await linesOf(client, output_file_id)
    expect(first?.response.body).toMatchObject({ choices: [{ message: { content: 'This is a test result.' } }] })
    expect(await client.batches.retrieve(long.id)).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'too_many_tasks' }] },
    })
  })

  it('answers every line, also far from the zero of the clock', async () => {
    const { clock, client, start } = await opened({ batch: { ...quick, linesPerSecond: 30 } })
    clock.advance(1.7e12)
    const { id } = await start(Array.from({ length: 7 }, (_, i) => line(`l${i}`)))
    clock.advance(100_000)
    const { status, request_counts } = await client.batches.retrieve(id)
    expect([status, request_counts?.completed]).toEqual(['completed', 7])
  })

  it('is listed, with the newest batch first', async () => {
    const { client, start } = await opened()
    const [first, second] = [await start([line('a')]), await start([line('a')])]
    const page = await client.batches.list({ limit: 1 })
    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[second.id], true])
    const all: string[] = []
    for await (const { id } of client.batches.list({ limit: 1 })) all.push(id)
    expect(all).toEqual([second.id, first.id])
  })
})
