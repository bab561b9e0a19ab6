import { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { jsonl, line, opened } from './batch-setup.js'
import { post, refusalOf } from './setup.js'

describe('files', () => {
  it('can be uploaded, listed, read and deleted', async () => {
    const { client } = await opened()
    const content = `${jsonl([line('a')])}\r\n--not the boundary\r\n深い`
    const file = await client.files.create({
      file: await toFile(Buffer.from(content), 'input one.jsonl'),
      purpose: 'batch',
    })
    expect(file).toMatchObject({
      object: 'file',
      bytes: Buffer.byteLength(content),
      created_at: 1_750_000_000,
      filename: 'input one.jsonl',
      purpose: 'batch',
      status: 'processed',
    })
    expect(file.id).toMatch(/^file-batch-/)
    expect(await client.files.retrieve(file.id)).toEqual(file)
    expect(await (await client.files.content(file.id)).text()).toBe(content)
    const other = await client.files.create({ file: await toFile(Buffer.from('x'), 'y'), purpose: 'assistants' })
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([other.id, file.id])
    expect((await client.files.list({ purpose: 'batch' })).data.map(({ id }) => id)).toEqual([file.id])
    expect((await client.files.list({ limit: 1, after: other.id })).data.map(({ id }) => id)).toEqual([file.id])
    expect(await client.files.delete(file.id)).toMatchObject({ id: file.id, deleted: true })
    expect((await refusalOf(client.files.retrieve(file.id))).status).toBe(404)
    expect((await refusalOf(client.files.content(file.id))).message).toContain(`No such File object: ${file.id}`)
  })

  it('that are malformed, empty or too large are refused', async () => {
    const { simulator, client } = await opened({ batch: { maxFileBytes: 100 } })
    for (const [body, type] of [
      ['{}', 'application/json'],
      ['x', 'multipart/form-data; boundary=b'],
      [
        '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n',
        'multipart/form-data; boundary="b"',
      ],
      [
        '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n',
        'multipart/form-data; boundary=b',
      ],
    ] as const) {
      const response = await post(simulator, '/v1/files', body, { 'content-type': type })
      expect([body, response.status]).toEqual([body, 400])
    }
    const create = async (bytes: number): Promise<unknown> =>
      client.files.create({ file: await toFile(Buffer.alloc(bytes, 'x'), 'f'), purpose: 'batch' })
    await create(100)
    expect((await refusalOf(create(101))).status).toBe(413)
    expect((await refusalOf(create(200_000))).status).toBe(413)
    expect((await refusalOf(create(0))).status).toBe(400)
  })
})
