import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Simulator } from '../../src/simulator/index.js'
import { clientOf, messages, post, simulate } from './setup.js'

const model = 'qwen-plus'
const path = '/v1/chat/completions'

/** The body of a chat completion of `bytes` bytes, of which `base64` are base64 data. */
function bodyOf(bytes: number, base64 = 0): string {
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(base64)}` } }
  const content = (text: string): unknown => (base64 === 0 ? text : [{ type: 'text', text }, image])
  const whole = (text: string): string =>
    JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: content(text) }] })
  return whole('x'.repeat(bytes - whole('').length))
}

/** Sends the beginning of a request and then nothing. */
async function begun(simulator: Simulator, text: string): Promise<Socket> {
  const socket = connect(simulator.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

async function statusOf(socket: Socket): Promise<number> {
  const [data] = (await once(socket, 'data')) as [Buffer]
  return Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1])
}

describe('a body', () => {
  it('has one bound without its base64 data, and one for the total', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 400, maxTotalBytes: 1000 })
    const status = async (body: string): Promise<number> => (await post(simulator, path, body)).status
    expect(await status(bodyOf(400))).toBe(200)
    expect(await status(bodyOf(401))).toBe(413)
    expect(await status(bodyOf(1000, 600))).toBe(200)
    expect(await status(bodyOf(1000, 599))).toBe(413)
    expect(await status(bodyOf(1001, 700))).toBe(413)
  })

  it('that is too large gets an error with the exceeded bound', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 400, maxTotalBytes: 1000 })
    const message = async (body: string): Promise<unknown> =>
      ((await (await post(simulator, path, body)).json()) as { error: { message: string } }).error.message
    expect(await message(bodyOf(401))).toBe('Request body exceeds 400 bytes.')
    expect(await message(bodyOf(1001))).toBe('Request body exceeds 1000 bytes.')
  })

  it('may have 16 MiB without base64 data and 64 MiB in total by default', async () => {
    const { simulator } = await simulate()
    const MiB = 1024 * 1024
    expect((await post(simulator, path, bodyOf(16 * MiB + 1))).status).toBe(413)
    expect((await post(simulator, path, bodyOf(20 * MiB, 4 * MiB))).status).toBe(200)
    const declared = (bytes: number): string => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`
    expect(await statusOf(await begun(simulator, declared(64 * MiB + 1)))).toBe(413)
  })
})

describe('an error before the end of the body', () => {
  it('is sent for a content-length that is too large', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 200, maxTotalBytes: 200 })
    const socket = await begun(simulator, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 201\r\n\r\n`)
    expect(await statusOf(socket)).toBe(413)
    expect(simulator.ledger().entries).toMatchObject([{ status: 413, admitted: false, route: 'chat' }])
  })

  it('is sent for a chunked body as soon as it exceeds a bound', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 200 })
    const chunk = `c9\r\n${'x'.repeat(201)}\r\n`
    const socket = await begun(
      simulator,
      `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
    )
    expect(await statusOf(socket)).toBe(413)
  })

  it('is sent for an unknown key, before the size is checked', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 200, maxTotalBytes: 200, apiKeys: ['one'] })
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 201\r\n`
    expect(await statusOf(await begun(simulator, `${head}\r\n`))).toBe(401)
    expect(await statusOf(await begun(simulator, `${head}authorization: Bearer one\r\n\r\n`))).toBe(413)
    const plane = head.replace(path, '/api/v1/deployments')
    expect(await statusOf(await begun(simulator, `${plane}\r\n`))).toBe(401)
  })

  it('leaves the connection usable for the next request', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 200, maxTotalBytes: 200 })
    const body = bodyOf(200)
    const next = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const socket = await begun(simulator, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n`)
    expect(await statusOf(socket)).toBe(413)
    socket.write('x'.repeat(900) + next)
    expect(await statusOf(socket)).toBe(200)
  })
})

it('the key may be in the authorization or the api-key header', async () => {
  const { simulator } = await simulate({ apiKeys: ['one'] })
  const body = JSON.stringify({ model, messages })
  expect((await post(simulator, path, body, { 'api-key': 'one' })).status).toBe(200)
  expect((await post(simulator, path, body, { 'api-key': 'two' })).status).toBe(401)
  await clientOf(simulator, 'one').chat.completions.create({ model, messages })
})
