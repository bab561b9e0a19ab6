import { describe, expect, it, test } from 'vitest'
import { readUpload } from '../../src/simulator/batch/upload.js'
import { post, simulate } from './setup.js'

const TYPE = 'multipart/form-data; boundary=7f3a9c5e'
const FORM = [
  '--7f3a9c5e',
  'content-disposition: form-data; name="purpose"',
  '',
  'batch',
  '--7f3a9c5e',
  'content-disposition: form-data; name="file"; filename="é.jsonl"',
  'content-type: application/jsonl',
  '',
  '{}\r\n--not the boundary\n',
  '--7f3a9c5e--',
  '',
].join('\r\n')

const read = async (body: string | Uint8Array, type: string | undefined = TYPE) => {
  const upload = await readUpload(type, Buffer.from(body))
  const { file, purpose } = upload ?? {}
  return upload && { purpose, filename: file?.filename, content: file?.content.toString('latin1') }
}

describe('an upload form', () => {
  const whole = { purpose: 'batch', filename: 'é.jsonl', content: '{}\r\n--not the boundary\n' }

  it('has its file, byte for byte, and its purpose', async () => {
    expect(await read(FORM)).toEqual(whole)
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const [head, tail] = FORM.split('{}\r\n--not the boundary\n') as [string, string]
    const { content } = (await read(Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)])))!
    expect(content).toBe(Buffer.from(bytes).toString('latin1'))
  })

  it.each([
    ['a boundary in quotes', FORM, 'multipart/form-data; boundary="7f3a9c5e"', whole],
    [
      'a content type in capitals with another parameter',
      FORM,
      'Multipart/Form-Data; charset=utf-8; boundary=7f3a9c5e',
      whole,
    ],
    ['no line break at its end', FORM.trimEnd(), TYPE, whole],
    ['no filename', FORM.replace('; filename="é.jsonl"', ''), TYPE, { ...whole, filename: undefined }],
    [
      'a second purpose',
      FORM.replace(
        '--7f3a9c5e--',
        '--7f3a9c5e\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nx\r\n--7f3a9c5e--',
      ),
      TYPE,
      whole,
    ],
    ['its purpose as a file field', FORM.replace('"purpose"', '"purpose"; filename="p"'), TYPE, whole],
    ['only other fields', FORM.replace('"purpose"', '"reason"').replace('"file"', '"files"'), TYPE, { purpose: '' }],
    ['no fields', '--7f3a9c5e--\r\n', TYPE, { purpose: '' }],
  ])('may have %s', async (_what, body, type, expected) => {
    expect(await read(body, type)).toEqual({ filename: undefined, content: undefined, ...expected })
  })

  it.each([
    ['that is cut off', FORM.slice(0, -16), TYPE],
    ['with a field that has no name', FORM.replace('name="file"; ', ''), TYPE],
    ['with line feeds instead of CRLF', FORM.replaceAll('\r\n', '\n'), TYPE],
    ['with another boundary', FORM, 'multipart/form-data; boundary=other'],
    ['without a boundary', FORM, 'multipart/form-data'],
    ['without a content type', FORM, ''],
    ['of JSON', '{"file":"{}"}', 'application/json'],
    ['that is urlencoded', 'purpose=batch&file=%7B%7D', 'application/x-www-form-urlencoded'],
    ['that is empty', '', TYPE],
  ])('%s is refused', async (_what, body, type) => {
    expect(await read(body, type)).toBeUndefined()
  })
})

test('a malformed upload gets a 400, and other requests are still answered', async () => {
  const { simulator } = await simulate()
  const answers = [FORM.slice(0, -16), '', FORM].map((body) =>
    post(simulator, '/v1/files', body, { 'content-type': TYPE }).then(async (response) => ({
      status: response.status,
      body: (await response.json()) as { error?: { message: string }; filename?: string },
    })),
  )
  const [torn, empty, whole] = await Promise.all(answers)
  for (const refused of [torn, empty]) {
    expect(refused).toMatchObject({ status: 400, body: { error: { message: 'the body must be multipart/form-data' } } })
  }
  expect(whole).toMatchObject({ status: 200, body: { filename: 'é.jsonl' } })
})
