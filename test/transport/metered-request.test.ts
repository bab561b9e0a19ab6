import { describe, expect, it } from 'vitest'
import { isHeadgateError } from '../../src/errors.js'
import { hint, settingsOf, withoutHints, withSettings, type HintedInit } from '../../src/transport/hints.js'
import { readRequest, type MeteredRequest } from '../../src/transport/metered-request.js'

const BASE = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
const CHAT = `${BASE}/chat/completions`
const body = { model: 'qwen-plus', messages: [{ role: 'user', content: 'Hi' }] }
const text = JSON.stringify(body)

async function metered(input: RequestInfo | URL, init?: HintedInit): Promise<MeteredRequest> {
  const request = await readRequest(input, init)
  if (request === undefined) throw new Error('it is not metered')
  return request
}

function post(value: unknown, more: RequestInit = {}): RequestInit {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { method: 'POST', body: text, headers: { 'content-type': 'application/json' }, ...more }
}

function sent(request: MeteredRequest, model = request.model): { url: string; body: unknown; headers: Headers } {
  const [url, init] = request.sendTo(model, undefined)
  return { url, body: JSON.parse(init.body as string) as unknown, headers: new Headers(init.headers) }
}

describe('what is metered', () => {
  it.each([
    ['chat/completions', 'chat'],
    ['completions', 'completions'],
    ['embeddings', 'embeddings'],
    ['responses', 'responses'],
  ])('%s', async (path, route) => {
    expect((await metered(`${BASE}/${path}`, post(body))).route).toBe(route)
    expect((await metered(`${BASE}/${path}/`, post(body))).route).toBe(route)
    expect((await metered(new URL(`${BASE}/${path}?x=1`), post(body))).route).toBe(route)
  })

  it.each([
    ['GET', `${BASE}/chat/completions`],
    ['GET', `${BASE}/models`],
    ['POST', `${BASE}/files`],
    ['POST', `${BASE}/batches`],
    ['POST', `${BASE}/responses/resp_1/cancel`],
    ['POST', `${BASE}/chat/completions/chatcmpl_1`],
    ['POST', `${BASE}/myembeddings`],
    ['DELETE', `${BASE}/responses`],
    ['POST', 'chat/completions'],
  ])('%s %s passes', async (method, url) => {
    expect(await readRequest(url, { method, ...(method === 'POST' && { body: text }) })).toBeUndefined()
  })

  it('passes a call without init', async () => {
    expect(await readRequest(CHAT)).toBeUndefined()
  })
})

describe('the body', () => {
  it.each<[string, () => RequestInit['body']]>([
    ['a string', () => text],
    ['bytes', () => new TextEncoder().encode(text)],
    ['a buffer', () => new TextEncoder().encode(text).buffer],
    ['a blob', () => new Blob([text])],
    ['a stream', () => new Blob([text]).stream()],
  ])('may be %s', async (_, make) => {
    const init: RequestInit & { duplex: 'half' } = { ...post(text), body: make()!, duplex: 'half' }
    const request = await metered(CHAT, init)
    expect(request.body).toEqual(body)
    expect(request.sendTo('qwen-plus', undefined)[1].body).toBe(text)
  })

  it('may come in a Request, which stays unread, with all that it says', async () => {
    const given = new Request(CHAT, {
      ...post(text),
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      redirect: 'error',
      credentials: 'include',
      cache: 'no-store',
    })
    const request = await metered(given)
    expect(given.bodyUsed).toBe(false)
    expect(request.signal).toBe(given.signal)
    const [url, init] = request.sendTo('qwen-plus', undefined)
    expect(url).toBe(CHAT)
    expect(init).toMatchObject({
      method: 'POST',
      body: text,
      redirect: 'error',
      credentials: 'include',
      cache: 'no-store',
    })
    expect(new Headers(init.headers).get('authorization')).toBe('Bearer x')
    expect(() => new Request(url, init)).not.toThrow()
  })

  it('init goes before the Request', async () => {
    const given = new Request(CHAT, post({ model: 'qwen-max' }))
    const request = await metered(given, { body: text, headers: { 'x-mine': '1' } })
    expect(request.model).toBe('qwen-plus')
    expect(sent(request).headers.get('x-mine')).toBe('1')
  })

  it.each<[string, RequestInit['body'], string]>([
    ['the type of a blob', new Blob([text], { type: 'application/json' }), 'application/json'],
    ['the type that fetch gives a string', text, 'text/plain;charset=UTF-8'],
    ['JSON, where fetch gives none', new TextEncoder().encode(text), 'application/json'],
  ])('without a content type is sent with %s', async (_, body, type) => {
    const request = await metered(CHAT, { method: 'POST', body: body! })
    expect(sent(request).headers.get('content-type')).toBe(type)
  })

  it('is sent as it came, to the byte, if nothing has to change', async () => {
    const odd = '{ "model":"qwen-plus",\n "seed": 12345678901234567890, "messages":[] }'
    const request = await metered(CHAT, post(odd, { headers: { 'content-length': '999' } }))
    const [, init] = request.sendTo('qwen-plus', undefined)
    expect(init.body).toBe(odd)
    expect(new Headers(init.headers).has('content-length')).toBe(false)
  })

  it.each([
    ['that is no JSON', '{"model":', /is not JSON/],
    ['that is empty', '', /is not JSON/],
    ['that is a list', '[]', /no JSON object/],
    ['that is null', 'null', /no JSON object/],
    ['that is a text', '"qwen-plus"', /no JSON object/],
    ['without a model', '{"messages":[]}', /names no model/],
    ['with a model of null', '{"model":null}', /names no model/],
    ['with an empty model', '{"model":""}', /names no model/],
    ['with a model that is a number', '{"model":7}', /names no model/],
  ])('%s is an invalid request', async (_, text, message) => {
    const error: unknown = await readRequest(CHAT, post(text)).catch((error: unknown) => error)
    expect(isHeadgateError(error, 'invalid_request')).toBe(true)
    expect((error as Error).message).toMatch(message)
  })

  it('keeps the headers that it was called with, whatever becomes of them', async () => {
    const headers = new Headers({ 'content-type': 'application/json', authorization: 'Bearer A' })
    const reading = metered(CHAT, { method: 'POST', headers, body: text })
    headers.set('authorization', 'Bearer B')
    const request = await reading
    headers.set('authorization', 'Bearer C')
    const [, init] = request.sendTo('qwen-plus', undefined, 2)
    expect(new Headers(init.headers).get('authorization')).toBe('Bearer A')
  })

  it('that is no JSON is not quoted in the error: it may hold a prompt', async () => {
    const secret = '{"model": "qwen-plus", "messages": [my secret prompt'
    const error = (await readRequest(CHAT, post(secret)).catch((error: unknown) => error)) as Error
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('secret')
    expect(error.message).toContain('is not JSON')
  })

  it('that is a form is an invalid request', async () => {
    const form = new FormData()
    form.set('model', 'qwen-plus')
    await expect(readRequest(CHAT, { method: 'POST', body: form })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('a Request that was read already is an error of its own, as of fetch', async () => {
    const given = new Request(CHAT, post(text))
    await given.text()
    await expect(readRequest(given)).rejects.toThrow(TypeError)
  })
})

describe('the model', () => {
  it('is rewritten for a backup, and nothing else', async () => {
    const request = await metered(CHAT, post({ ...body, seed: 7, temperature: 0.5 }))
    expect(sent(request, 'qwen-flash').body).toEqual({ ...body, seed: 7, temperature: 0.5, model: 'qwen-flash' })
    expect(sent(request, 'qwen-flash').url).toBe(CHAT)
    expect(sent(request).body).toEqual({ ...body, seed: 7, temperature: 0.5 })
  })

  const azure = 'https://me.openai.azure.com/openai/deployments/my%20model/chat/completions?api-version=2024-10-21'

  it('is the deployment of an Azure path, if the body names none', async () => {
    const request = await metered(azure, post({ messages: [] }))
    expect(request.model).toBe('my model')
    expect(sent(request).url).toBe(azure)
    expect(sent(request, 'other/one')).toMatchObject({
      url: 'https://me.openai.azure.com/openai/deployments/other%2Fone/chat/completions?api-version=2024-10-21',
      body: { messages: [] },
    })
    expect(sent(request, 'other').body).not.toHaveProperty('model')
  })

  it('is rewritten in both places where both name it', async () => {
    const request = await metered(azure, post({ model: 'my model', messages: [] }))
    expect(sent(request, 'other')).toMatchObject({
      url: expect.stringContaining('/deployments/other/chat/completions?api-version='),
      body: { model: 'other', messages: [] },
    })
  })

  it('may be a deployment that is no proper escape', async () => {
    const request = await metered('https://me.openai.azure.com/openai/deployments/50%/chat/completions', post({}))
    expect(request.model).toBe('50%')
  })
})

describe('usage at the end of a stream', () => {
  const added = { ...body, stream: true, stream_options: { include_usage: true } }

  it.each([
    ['no options', {}, added],
    ['options of null', { stream_options: null }, added],
    ['a refusal of usage', { stream_options: { include_usage: false } }, added],
    [
      'other options',
      { stream_options: { include_obfuscation: false } },
      { ...added, stream_options: { include_obfuscation: false, include_usage: true } },
    ],
  ])('is asked for and hidden: %s', async (_, options, expected) => {
    const request = await metered(CHAT, post({ ...body, stream: true, ...options }))
    expect(request.hidesUsage).toBe(true)
    expect(sent(request).body).toEqual(expected)
    expect(sent(request, 'qwen-flash').body).toEqual({ ...expected, model: 'qwen-flash' })
  })

  it('is left alone where the caller asked for it', async () => {
    const request = await metered(CHAT, post(added))
    expect(request.hidesUsage).toBe(false)
    expect(sent(request).body).toEqual(added)
  })

  it.each([
    ['no stream', CHAT, body],
    ['stream: false', CHAT, { ...body, stream: false }],
    ['responses, which always tell it', `${BASE}/responses`, { model: 'qwen-plus', input: 'Hi', stream: true }],
    ['embeddings', `${BASE}/embeddings`, { model: 'text-embedding-v4', input: 'Hi', stream: true }],
  ])('is not asked for: %s', async (_, url, body) => {
    const request = await metered(url, post(body))
    expect(request.hidesUsage).toBe(false)
    expect(sent(request).body).toEqual(body)
  })
})

describe('hints', () => {
  const headers = {
    'content-type': 'application/json',
    'X-Headgate-Priority': '7',
    'x-headgate-tenant': 'web',
    'x-headgate-deadline-ms': '2000',
    'x-headgated': 'mine',
  }
  const settings = { fetch: globalThis.fetch, timeoutMs: 1, maxRetries: 1 }

  it('come as headers, which are not sent', async () => {
    const request = await metered(CHAT, post(body, { headers }))
    expect(request.hints).toEqual({ priority: 7, tenant: 'web', deadlineMs: 2000 })
    expect([...sent(request).headers.keys()]).toEqual(['content-type', 'x-headgated'])
  })

  it('come in the headers of a Request', async () => {
    const request = await metered(new Request(CHAT, post(body, { headers })))
    expect(request.hints).toEqual({ priority: 7, tenant: 'web', deadlineMs: 2000 })
    expect([...sent(request).headers.keys()]).toEqual(['content-type', 'x-headgated'])
  })

  it('come under a symbol, which is not sent either, and go before headers', async () => {
    const init = { ...post(body, { headers }), ...hint({ priority: 2, fallback: false }) }
    const request = await metered(CHAT, withSettings(init, settings))
    expect(request.hints).toEqual({ priority: 2, tenant: 'web', deadlineMs: 2000, fallback: false })
    const [, forFetch] = request.sendTo('qwen-plus', undefined)
    expect(Object.getOwnPropertySymbols(forFetch)).toEqual([])
  })

  it('are taken out of what passes', () => {
    const init = withSettings({ method: 'GET', headers, ...hint({ priority: 2 }) }, settings)
    const passed = withoutHints(`${BASE}/models`, init)
    expect(Object.getOwnPropertySymbols(passed)).toEqual([])
    expect(settingsOf(passed)).toBeUndefined()
    expect(passed.method).toBe('GET')
    expect([...new Headers(passed.headers).keys()]).toEqual(['content-type', 'x-headgated'])
    expect([...new Headers(withoutHints(new Request(CHAT, { headers }), undefined).headers).keys()]).toEqual([
      'content-type',
      'x-headgated',
    ])
  })

  it('leave headers alone that have none of ours', () => {
    const headers = [['a', 'b']] as [string, string][]
    expect(withoutHints(CHAT, { headers }).headers).toBe(headers)
    expect(withoutHints(CHAT, undefined)).toEqual({})
  })
})

it('sends other options of fetch as they are, with the signal of the attempt', async () => {
  const { signal } = new AbortController()
  const init = { ...post(body), keepalive: true, dispatcher: 'mine', signal: new AbortController().signal }
  const request = await metered(CHAT, init)
  expect(request.signal).toBe(init.signal)
  expect(request.sendTo('qwen-plus', signal)[1]).toMatchObject({ keepalive: true, dispatcher: 'mine', signal })
})
