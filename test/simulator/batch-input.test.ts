import { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { endpoint, line, opened, quick } from './batch-setup.js'
import { refusalOf } from './setup.js'

describe('batch input', () => {
  it.each<[string, readonly (object | string)[], string, number | null]>([
    ['is not JSON', [line('a'), '{'], 'invalid_json_line', 2],
    ['is not an object', ['[]'], 'invalid_json_line', 1],
    ['has no custom_id', [{ method: 'POST', url: endpoint, body: {} }], 'missing_required_parameter', 1],
    ['has a duplicate custom_id', [line('a'), line('a')], 'duplicate_custom_id', 2],
    ['has another method', [line('a', {}, { method: 'GET' })], 'invalid_method', 1],
    ['has another url', [line('a', {}, { url: '/v1/embeddings' })], 'invalid_url', 1],
    ['has no body', [line('a', {}, { body: 'x' })], 'missing_required_parameter', 1],
    ['has no model', [line('a', { model: undefined })], 'missing_required_parameter', 1],
    ['has two models', [line('a'), line('b', { model: 'qwen-max' })], 'mismatched_model', 2],
    ['has a model that is unknown', [line('a', { model: 'gpt-any' })], 'model_not_found', 1],
    ['has a line that is too long', [line('a', { user: 'x'.repeat(500) })], 'line_too_long', 1],
    ['has too many lines', [line('a'), line('b'), line('c'), line('d')], 'too_many_tasks', null],
    ['has only blank lines', ['', ' '], 'empty_file', null],
  ])('that %s makes the batch fail, with the number of the line', async (_, lines, code, at) => {
    const { clock, client, start } = await opened({ batch: { ...quick, maxLines: 3, maxLineBytes: 500 } })
    const { id } = await start(lines)
    clock.advance(1000)
    const failed = await client.batches.retrieve(id)
    expect(failed).toMatchObject({ status: 'failed', failed_at: 1_750_000_001, errors: { object: 'list' } })
    expect(failed.errors?.data?.map((one) => [one.code, one.line])).toEqual([[code, at]])
    clock.advance(1e6)
    expect(await client.batches.retrieve(id)).toEqual(failed)
  })

  it('that is not UTF-8 makes the batch fail', async () => {
    const { clock, client } = await opened({ batch: quick })
    const file = await client.files.create({ file: await toFile(Buffer.from([0xc3, 0x28]), 'f'), purpose: 'batch' })
    const order = { input_file_id: file.id, endpoint, completion_window: '24h' } as const
    const { id } = await client.batches.create(order)
    clock.advance(1000)
    expect(await client.batches.retrieve(id)).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'invalid_file' }] },
    })
  })

  it.each<[object, RegExp]>([
    [{ input_file_id: 'file-none' }, /No such File object: file-none/],
    [{ endpoint: '/v1/images' }, /'endpoint' must be one of/],
    [{ completion_window: '23h' }, /from 24h to 336h/],
    [{ completion_window: '15d' }, /from 24h to 336h/],
    [{ completion_window: 'soon' }, /from 24h to 336h/],
    [{ metadata: 'x' }, /'metadata' must be an object/],
  ])('a batch created with %o is refused at once', async (params, message) => {
    const { start } = await opened()
    const refusal = await refusalOf(start([line('a')], params))
    expect(refusal.status).toBe(400)
    expect(refusal.message).toMatch(message)
  })

  it('every documented completion window is accepted', async () => {
    const { start } = await opened()
    for (const completion_window of ['24h', '336h', '14d']) {
      expect((await start([line('a')], { completion_window })).completion_window).toBe(completion_window)
    }
  })

  it('an unknown batch is a 404', async () => {
    const { client } = await opened()
    expect((await refusalOf(client.batches.retrieve('batch_none'))).status).toBe(404)
    expect((await refusalOf(client.batches.cancel('batch_none'))).status).toBe(404)
  })
})
