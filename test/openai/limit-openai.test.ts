import OpenAI, { AzureOpenAI } from 'openai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createLimiter } from '../../src/index.js'
import { hint, limitOpenAI } from '../../src/openai/index.js'
import { answering, httpService } from '../support/http-service.js'
import { chat, completion, model, stillSimulator, Wrapped } from './setup.js'

const tooMany = { error: { message: 'Requests rate limit exceeded', type: 'limit_requests', code: 'limit_requests' } }

describe('the wrapped client', () => {
  it('is a new client of the same class, and the given client does not change', async () => {
    const simulator = await stillSimulator()
    const raw = new OpenAI({
      apiKey: 'sk',
      baseURL: simulator.url,
      timeout: 1234,
      maxRetries: 5,
      defaultQuery: { a: 'b' },
    })
    const before = { ...raw }
    const limiter = createLimiter()
    const client = limitOpenAI(raw, limiter)
    expect(client).toBeInstanceOf(OpenAI)
    expect(client).not.toBe(raw)
    expect({ ...raw }).toEqual(before)
    expect([raw.timeout, raw.maxRetries]).toEqual([1234, 5])
    await raw.chat.completions.create(chat)
    expect(limiter.stats().models).toEqual({})
  })

  it('keeps the key, headers, query, base URL and organization of the given client', async () => {
    const service = await httpService(answering(completion))
    const world = new Wrapped(
      `${service.url}/v1`,
      {},
      {
        apiKey: 'sk-mine',
        organization: 'org-1',
        project: 'proj-1',
        defaultHeaders: { 'x-mine': '1' },
        defaultQuery: { version: '7' },
      },
    )
    await world.client.chat.completions.create(chat)
    expect(service.received[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions?version=7',
      headers: {
        authorization: 'Bearer sk-mine',
        'openai-organization': 'org-1',
        'openai-project': 'proj-1',
        'x-mine': '1',
        'content-type': 'application/json',
      },
    })
    expect(JSON.parse(service.received[0]!.body.toString())).toEqual(chat)
    await world.rest()
  })

  it('has the type of the given client', () => {
    const limiter = createLimiter()
    expectTypeOf(limitOpenAI(new OpenAI({ apiKey: 'sk' }), limiter)).toEqualTypeOf<OpenAI>()
    class Mine extends OpenAI {
      mine = 1
    }
    const mine = limitOpenAI(new Mine({ apiKey: 'sk' }), limiter)
    expectTypeOf(mine).toEqualTypeOf<Mine>()
    expect(mine.mine).toBe(1)
    const azure = new AzureOpenAI({ apiKey: 'k', apiVersion: '1', endpoint: 'https://me.openai.azure.com' })
    expectTypeOf(limitOpenAI(azure, limiter)).toEqualTypeOf<AzureOpenAI>()
    expect(limitOpenAI(azure, limiter)).toBeInstanceOf(AzureOpenAI)
    expectTypeOf(hint({ priority: 1 })).toExtend<NonNullable<OpenAI.RequestOptions['fetchOptions']>>()
    // @ts-expect-error an unknown hint
    expect(() => hint({ urgency: 1 })).toThrow(/no 'urgency'/)
    // @ts-expect-error not a client
    expect(() => limitOpenAI({}, limiter)).toThrow(/openai package/)
    // @ts-expect-error not a limiter
    expect(() => limitOpenAI(new OpenAI({ apiKey: 'sk' }), {})).toThrow(/createLimiter/)
  })

  it('stays limited when it is cloned with withOptions()', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const again = world.client.withOptions({ defaultHeaders: { 'x-mine': '1' }, timeout: 5000 })
    await again.chat.completions.create(chat)
    expect(world.admitted).toHaveLength(1)
    await world.rest()
  })

  it('uses the fetch that the client was created with', async () => {
    const urls: string[] = []
    const fetch: typeof globalThis.fetch = (input) => {
      urls.push(String(input))
      return Promise.resolve(Response.json(completion))
    }
    const world = new Wrapped('http://localhost/v1', {}, { fetch })
    await world.client.chat.completions.create(chat)
    await world.client.models.list()
    expect(urls).toEqual(['http://localhost/v1/chat/completions', 'http://localhost/v1/models'])
    await world.rest()
  })

  it('can be wrapped again by another limiter', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    const outer = createLimiter({ limits: { [model]: { rpm: 60_000 } }, startFull: true })
    await limitOpenAI(world.client, outer).chat.completions.create(chat)
    expect(world.admitted).toHaveLength(1)
    expect(outer.stats().models[model]?.calls).toBe(1)
    await world.rest()
  })
})

describe('AzureOpenAI', () => {
  const azureOptions = { apiKey: 'key', apiVersion: '2024-10-21' }
  const pathOf = (deployment: string) =>
    `/openai/deployments/${deployment}/chat/completions?api-version=${azureOptions.apiVersion}`

  it('with fetch: limiter.fetch calls its own deployment, and then the deployment of a backup model', async () => {
    const service = await httpService(answering(tooMany, 429), answering(completion))
    const world = new Wrapped(service.url, { fallback: { [model]: ['qwen-flash'] } })
    const client = new AzureOpenAI({
      ...azureOptions,
      endpoint: service.url,
      fetch: world.limiter.fetch,
      maxRetries: 0,
    })
    await client.chat.completions.create(chat)
    expect(service.received.map(({ path }) => path)).toEqual([pathOf(model), pathOf('qwen-flash')])
    expect(service.received.map(({ headers }) => headers['api-key'])).toEqual(['key', 'key'])
    expect(service.received.map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model)).toEqual([
      model,
      'qwen-flash',
    ])
    await world.rest()
  })

  it.each([
    ['named by the model', {}, pathOf(model)],
    ['named by the client', { deployment: 'my-deployment' }, pathOf('my-deployment')],
  ])('keeps its version, its key and its deployment when it is wrapped: deployment %s', async (_, own, path) => {
    const service = await httpService(answering(completion))
    const world = new Wrapped(service.url)
    const azure = new AzureOpenAI({ ...azureOptions, ...own, endpoint: service.url })
    for (const client of [azure, limitOpenAI(azure, world.limiter)]) await client.chat.completions.create(chat)
    expect(service.received.map((request) => request.path)).toEqual([path, path])
    expect(service.received.map(({ headers }) => headers['api-key'])).toEqual(['key', 'key'])
    await world.rest()
  })
})
