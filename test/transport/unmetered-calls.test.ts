import { describe, expect, it } from 'vitest'
import { json } from '../support/fake-fetch.js'
import { BASE, chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const ROOT = 'https://dashscope-intl.aliyuncs.com'
const ok = json({ id: 'x' })

/** The paths that were warned of after these calls. */
async function warnedOf(...calls: [url: string, init: RequestInit][]): Promise<string[]> {
  const world = new LimitedFetch([ok])
  for (const [url, init] of calls) await world.limiter.fetch(url, init)
  await settlePromises()
  return world.warned.map(({ message }) => /^POST (\S+) looks like/.exec(message)![1]!)
}

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('a call that looks like a model’s and is not metered is a warning', () => {
  it.each([
    ['messages', `${ROOT}/v1/messages`, { model: 'm', messages: [] }],
    ['input', `${ROOT}/api/v1/services/aigc/text-generation/generation`, { model: 'm', input: { messages: [] } }],
    ['a prompt', `${ROOT}/v1/images/generations`, { model: 'm', prompt: 'A gate' }],
  ])('by its model and its %s', async (_, url, body) => {
    expect(await warnedOf([url, post(body)])).toEqual([new URL(url).pathname])
  })

  it('once a path, whatever its query, with a code', async () => {
    const world = new LimitedFetch([ok])
    for (const path of ['/v1/messages', '/v1/messages?key=secret', '/v2/messages'])
      await world.limiter.fetch(ROOT + path, post(chatBody))
    expect(world.warned).toEqual([
      { code: 'unmetered_call', message: expect.stringMatching(/^POST \/v1\/messages looks like/) },
      { code: 'unmetered_call', message: expect.stringMatching(/^POST \/v2\/messages looks like/) },
    ])
    expect(world.service.sent).toHaveLength(3)
  })

  it('once for all views of a limiter', async () => {
    const world = new LimitedFetch([ok])
    await world.limiter.with({ tenant: 'a' }).fetch(`${ROOT}/v1/messages`, post(chatBody))
    await world.limiter.with({ tenant: 'b' }).fetch(`${ROOT}/v1/messages`, post(chatBody))
    expect(world.warned).toHaveLength(1)
  })

  it('also of a Request, whose body goes out whole', async () => {
    const world = new LimitedFetch([async () => Response.json({ id: 'x' })])
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const request = new Request(`${ROOT}/v1/messages`, { ...post(chatBody), headers })
    await world.limiter.fetch(request)
    await settlePromises()
    expect(world.warned).toHaveLength(1)
    expect(request.bodyUsed).toBe(false)
    expect(await request.json()).toEqual(chatBody)
  })

  it('of a hundred paths at the most', async () => {
    const calls = Array.from({ length: 120 }, (_, i): [string, RequestInit] => [`${ROOT}/v1/${i}`, post(chatBody)])
    expect(await warnedOf(...calls)).toHaveLength(100)
  })
})

describe('no warning', () => {
  it.each<[string, string, RequestInit]>([
    ['of what is metered', `${BASE}/chat/completions`, post(chatBody)],
    ['of a GET', `${BASE}/models`, { method: 'GET' }],
    ['of a body without a model', `${BASE}/batches`, post({ input_file_id: 'file-1', endpoint: '/v1/x' })],
    ['of a model alone', `${BASE}/fine_tuning/jobs`, post({ model: 'm', training_file: 'file-1' })],
    ['of a model that is no text', `${ROOT}/v1/messages`, post({ model: 5, messages: [] })],
    ['of a list', `${ROOT}/v1/messages`, post([{ model: 'm', messages: [] }])],
    ['of null', `${ROOT}/v1/messages`, post('null "model"')],
    ['of a form', `${BASE}/files`, { method: 'POST', body: new URLSearchParams({ model: 'm', prompt: 'x' }) }],
    ['of a body of megabytes', `${ROOT}/v1/messages`, post({ model: 'm', prompt: 'x'.repeat(1_100_000) })],
  ])('%s', async (_, url, init) => {
    expect(await warnedOf([url, init])).toEqual([])
  })
})
