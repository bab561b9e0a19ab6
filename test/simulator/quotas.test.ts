import { describe, expect, it } from 'vitest'
import type { Simulator } from '../../src/simulator/index.js'
import { messages, post, simulate } from './setup.js'

interface Answer {
  readonly request_id: string
  readonly output: {
    readonly total: number
    readonly page_no: number
    readonly page_size: number
    readonly quotas: readonly {
      readonly model: string
      readonly workspace_id: string
      readonly workspace_limit: unknown
    }[]
  }
}

async function get(simulator: Simulator, path: string, headers: HeadersInit = {}): Promise<[number, Answer]> {
  const response = await fetch(new URL(path, simulator.url), { headers })
  return [response.status, (await response.json()) as Answer]
}

const limits = {
  'qwen-plus': { rpm: 600, tpm: 1_000_000, source: 'me' },
  'qwen-max': { rpm: 60, tpm: 100_000 },
  'text-embedding-v4': { rps: 30, tpm: 1_200_000 },
  retired: { rpm: 0, tpm: 0 },
  free: { rpm: Infinity },
}

describe('the live table of limits', () => {
  it('lists every model in the form of the service', async () => {
    const { simulator } = await simulate({ limits })
    const [status, { request_id, output }] = await get(simulator, '/api/v1/quotas')
    expect(status).toBe(200)
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(Object.keys(output)).toEqual(['total', 'page_no', 'page_size', 'quotas'])
    expect([output.total, output.page_no, output.page_size]).toEqual([4, 1, 20])
    expect(output.quotas.map(({ model }) => model)).toEqual(['free', 'qwen-max', 'qwen-plus', 'text-embedding-v4'])
    expect(output.quotas[2]).toEqual({
      model: 'qwen-plus',
      workspace_id: 'llm-simulated',
      model_limit: {
        request_limit: 600,
        request_limit_period: 60,
        usage_limit: 1_000_000,
        usage_limit_field: 'total_tokens',
        usage_limit_period: 60,
        async_user_queue_limit: null,
        async_user_concurrency_limit: null,
      },
      workspace_limit: null,
    })
    expect(output.quotas[3]).toMatchObject({ model_limit: { request_limit: 30, request_limit_period: 1 } })
    expect(output.quotas[0]).toMatchObject({ model_limit: { request_limit: null, usage_limit: null } })
  })

  it('has pages, and can be searched by a part of a name or by the exact name', async () => {
    const { simulator } = await simulate({ limits })
    const models = async (query: string): Promise<unknown> => {
      const [, { output }] = await get(simulator, `/api/v1/quotas?${query}`)
      return [output.total, output.quotas.map(({ model }) => model)]
    }
    expect(await models('page_no=2&page_size=3')).toEqual([4, ['text-embedding-v4']])
    expect(await models('page_no=9')).toEqual([4, []])
    expect(await models('name=qwen')).toEqual([2, ['qwen-max', 'qwen-plus']])
    expect(await models('model=qwen-max')).toEqual([1, ['qwen-max']])
    expect(await models('model=qwen')).toEqual([0, []])
    const [status, answer] = await get(simulator, '/api/v1/quotas?page_size=0')
    expect(status).toBe(400)
    expect(answer).toMatchObject({ code: 'InvalidParameter', message: expect.stringContaining('page_size') as unknown })
  })

  it('shows the lower limits of the workspace that asks, and follows setLimits', async () => {
    const workspaces = { 'llm-one': { 'qwen-plus': { rpm: 300 } } }
    const { simulator } = await simulate({ limits, workspaces, controlPlane: { defaultWorkspace: 'llm-main' } })
    const path = '/api/v1/quotas?model=qwen-plus'
    const [, main] = await get(simulator, path)
    expect(main.output.quotas[0]).toMatchObject({ workspace_id: 'llm-main', workspace_limit: null })
    const [, one] = await get(simulator, path, { 'X-DashScope-WorkSpace': 'llm-one' })
    expect(one.output.quotas[0]).toMatchObject({
      workspace_id: 'llm-one',
      workspace_limit: { request_limit: 300, usage_limit: null },
    })
    simulator.setLimits('qwen-plus', { rpm: 1200, tpm: 5 })
    const [, later] = await get(simulator, path)
    expect(later.output.quotas[0]).toMatchObject({ model_limit: { request_limit: 1200, usage_limit: 5 } })
  })

  it('is at quotasPath, needs a key, and fails as failOthers says', async () => {
    const path = '/api/v1/models/limits'
    const asked: unknown[] = []
    const { simulator } = await simulate({
      limits,
      apiKeys: ['sk-one'],
      controlPlane: { quotasPath: path },
      failOthers: (request) => {
        asked.push(request)
        return request.n === 3 ? { status: 503, body: { code: 'ServiceUnavailable', message: 'x' } } : undefined
      },
    })
    expect(await get(simulator, path)).toMatchObject([401, { code: 'InvalidApiKey', message: 'No API-key provided.' }])
    const [status, body] = await get(simulator, path, { authorization: 'Bearer sk-two' })
    expect([status, body]).toMatchObject([401, { code: 'InvalidApiKey', message: 'Invalid API-key provided.' }])
    const authorization = 'Bearer sk-one'
    expect(await get(simulator, path, { authorization })).toMatchObject([503, { code: 'ServiceUnavailable' }])
    expect((await get(simulator, path, { authorization }))[0]).toBe(200)
    expect(asked).toEqual([3, 4].map((n) => ({ method: 'GET', path, n })))
    expect((await fetch(new URL('/api/v1/quotas', simulator.url))).status).toBe(404)
    const wrong = await post(simulator, path, '{}', { authorization })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET'])
    expect(simulator.ledger().entries).toEqual([])
    const chat = JSON.stringify({ model: 'qwen-plus', messages })
    expect((await post(simulator, '/v1/chat/completions', chat, { authorization })).status).toBe(200)
  })
})
