import { appendFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BatchApiCalls } from '../../../src/batch/batch-api/batch-api-calls.js'
import { uploadForm, type UploadFile } from '../../../src/batch/batch-api/upload-form.js'
import { createLimiter } from '../../../src/limiter.js'
import { answering, httpService } from '../../support/http-service.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

async function fileOf(content: string | Uint8Array): Promise<UploadFile> {
  const path = join(await temporaryFolder(), 'part')
  await writeFile(path, content)
  return { path, filename: 'headgate-1.jsonl', bytes: Buffer.byteLength(content) }
}

/** Uploads through a limiter, as a run does. */
function callsTo(baseURL: string): BatchApiCalls {
  const limiter = createLimiter({ limits: {} })
  onTestFinished(() => limiter.close({ abandon: true }))
  const service = { limiter, baseURL, apiKey: undefined, headers: {}, tenant: undefined, fetch: globalThis.fetch }
  return new BatchApiCalls({ ...service, timeoutMs: 60_000, maxAttempts: 1 })
}

async function serverWith(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const { signal } = new AbortController()

describe('a form with a file', () => {
  it('arrives as it was, with its length', async () => {
    const content = `{"a":"深い"}\r\n--not the boundary\r\n${'x'.repeat(200_000)}\n`
    const file = await fileOf(content)
    const { url, received } = await httpService(answering({ id: 'file-1', created_at: 7 }))
    expect(await callsTo(url).upload(file, signal)).toEqual({ id: 'file-1', createdAt: 7 })
    const [{ headers, body }] = received as [(typeof received)[number]]
    expect(headers['content-length']).toBe(String(body.length))
    expect(headers['transfer-encoding']).toBeUndefined()
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type']! },
    }).formData()
    expect([...form.keys()]).toEqual(['purpose', 'file'])
    expect(form.get('purpose')).toBe('batch')
    const sent = form.get('file') as File
    expect([sent.name, sent.type, await sent.text()]).toEqual(['headgate-1.jsonl', 'application/jsonl', content])
  })

  it('has the length that it says, each time', async () => {
    const file = await fileOf('{}\n')
    for (let i = 0; i < 20; i++) {
      const { headers, body } = await uploadForm({ purpose: 'batch' }, file)
      const sent = await new Response(body).arrayBuffer()
      expect(new Headers(headers).get('content-length')).toBe(String(sent.byteLength))
    }
  })

  it('is not kept in memory', async () => {
    const bytes = 64 * 1024 * 1024
    const file = await fileOf('')
    await truncate(file.path, bytes)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    let heldAtEnd = Infinity
    collect()
    const heldBefore = process.memoryUsage().arrayBuffers
    const url = await serverWith((request, response) => {
      request.resume().on('end', () => {
        collect()
        heldAtEnd = process.memoryUsage().arrayBuffers
        response.end('{"id":"file-1"}')
      })
    })
    await callsTo(url).upload({ ...file, bytes }, signal)
    expect(heldAtEnd - heldBefore).toBeLessThan(bytes / 2)
  })

  it('is broken off by its signal', async () => {
    const file = await fileOf(new Uint8Array(32 * 1024 * 1024))
    const controller = new AbortController()
    let isClosed: Promise<void> | undefined
    const url = await serverWith((request) => {
      isClosed = new Promise((resolve) => void request.on('close', resolve))
      // Nobody reads on: the rest cannot be sent.
      request.once('data', () => {
        request.pause()
        controller.abort(new Error('enough'))
      })
    })
    await expect(callsTo(url).upload(file, controller.signal)).rejects.toThrow('enough')
    await isClosed
  })

  it('is not sent a second time, nor to where a server redirects it', async () => {
    const file = await fileOf('{}\n')
    for (const status of [302, 307, 503]) {
      const { url, received } = await httpService((response) => {
        response.writeHead(status, { location: '/elsewhere' }).end('{}')
      })
      await expect(callsTo(url).upload(file, signal)).rejects.toMatchObject({ fault: 'unknown' })
      expect(received.map(({ path }) => path)).toEqual(['/files'])
    }
  })
})

describe('a file that', () => {
  it('has vanished or changed is not sent', async () => {
    const { url, received } = await httpService(answering({ id: 'file-1' }))
    const file = await fileOf('{}\n')
    const calls = callsTo(url)
    await appendFile(file.path, '{}\n')
    await expect(calls.upload(file, signal)).rejects.toMatchObject({
      fault: 'unknown',
      message: `'${file.path}', the lines of a batch, cannot be read: it has 6 bytes, not 3`,
    })
    await rm(file.path)
    await expect(calls.upload(file, signal)).rejects.toMatchObject({
      fault: 'unknown',
      message: expect.stringContaining('cannot be read'),
    })
    expect(received).toEqual([])
  })
})
