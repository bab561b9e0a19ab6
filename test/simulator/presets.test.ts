import { AzureOpenAI } from 'openai'
import { describe, expect, it } from 'vitest'
import { azure, lenient, modelStudio, openai, presets } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, noLatency, post, refusalOf, simulate } from './setup.js'

const model = 'gpt-any'

describe('openai()', () => {
  it('reports how much of each limit is left, and when to retry', async () => {
    const clock = new ManualClock()
    const limits = { [model]: { rpm: 2, tpm: 1000 } }
    const { simulator, client } = await simulate(openai({ clock, limits, answer: () => 'deep' }))
    expect(simulator.url).toBe(`http://127.0.0.1:${simulator.port}/v1`)
    const ask = () => client.chat.completions.create({ model, messages, max_tokens: 81 }).withResponse()
    const { response } = await ask()
    const limitHeaders = (headers: Headers): unknown =>
      Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-ratelimit') || name.startsWith('retry')))
    // The headers report the state at the time of admission.
    expect(limitHeaders(response.headers)).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '900',
      'x-ratelimit-reset-tokens': '6s',
    })
    expect(response.headers.get('openai-processing-ms')).toBe('0')
    expect(response.headers.get('req-arrive-time')).toBeNull()
    await ask()
    clock.advance(1000)
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code, refusal.type]).toEqual([429, 'rate_limit_exceeded', 'requests'])
    expect(refusal.message).toContain('requests per min (RPM): Limit 2, Used 2, Requested 1.')
    // The refused request counts too, so it must drain as well.
    expect(refusal.message).toContain('Please try again in 59s.')
    expect(refusal.headers?.get('retry-after')).toBe('59')
  })

  it('has rate_limit_exceeded for tokens, and insufficient_quota for billing', async () => {
    const limits = { [model]: { tpm: 100 } }
    const { simulator, client } = await simulate(openai({ clock: new ManualClock(), limits }))
    const refusal = await refusalOf(client.chat.completions.create({ model, messages, max_tokens: 90 }))
    expect([refusal.code, refusal.type]).toEqual(['rate_limit_exceeded', 'tokens'])
    simulator.setState({ kind: 'billing' })
    const billing = await refusalOf(client.chat.completions.create({ model, messages, max_tokens: 9 }))
    expect([billing.status, billing.code]).toEqual([429, 'insufficient_quota'])
    expect(billing.headers?.get('retry-after')).toBeNull()
  })

  it('has OpenAI’s error bodies for bad requests', async () => {
    const { simulator, client } = await simulate(openai({ apiKeys: ['sk-known'] }))
    const refusal = await refusalOf(client.chat.completions.create({ model, messages }))
    expect(refusal.message).toContain('Incorrect API key provided: sk-test. You can find your API key at')
    const bare = await post(simulator, '/v1/chat/completions', '{}')
    expect(bare.status).toBe(401)
    const bad = await post(simulator, '/v1/chat/completions', '{}', { authorization: 'Bearer sk-known' })
    expect([bad.status, ((await bad.json()) as { error: { type: string } }).error.type]).toEqual([
      400,
      'invalid_request_error',
    ])
    expect((await post(simulator, '/api/v1/deployments', '{}')).status).toBe(404)
  })
})

describe('azure()', () => {
  const versioned = { apiKey: 'azure-key', apiVersion: '2024-10-21', maxRetries: 0 }

  it('is called by deployment, and limits the requests of each second', async () => {
    const clock = new ManualClock()
    const limits = { mine: { rpm: 120, tpm: 100_000 } }
    const { simulator } = await simulate(azure({ clock, limits, apiKeys: ['azure-key'] }))
    const client = new AzureOpenAI({ ...versioned, baseURL: simulator.url })
    const ask = () => client.chat.completions.create({ model: 'mine', messages, max_tokens: 900 }).withResponse()
    const { response } = await ask()
    expect(response.headers.get('apim-request-id')).toBe(response.headers.get('x-request-id'))
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('119')
    await ask()
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code]).toEqual([429, '429'])
    expect(refusal.message).toContain('exceeded call rate limit of your current OpenAI S0 pricing tier')
    expect(refusal.message).toContain('Please retry after 1 second.')
    expect([refusal.headers?.get('retry-after'), refusal.headers?.get('retry-after-ms')]).toEqual(['1', '1000'])
    clock.advance(1000)
    await ask()
    expect(simulator.ledger().entries.map(({ model, refusal }) => [model, refusal])).toEqual([
      ['mine', undefined],
      ['mine', undefined],
      ['mine', 'rps'],
      ['mine', undefined],
    ])
    const embedded = await client.embeddings.create({ model: 'mine', input: 'deep' }).withResponse()
    expect(embedded.data.data).toHaveLength(1)
  })

  it('refuses unknown deployments, unknown keys and paths without a version', async () => {
    const { simulator } = await simulate(azure({ limits: { mine: {} }, apiKeys: ['azure-key'] }))
    const client = new AzureOpenAI({ ...versioned, baseURL: simulator.url })
    const missing = await refusalOf(client.chat.completions.create({ model: 'yours', messages }))
    expect([missing.status, missing.code]).toEqual([404, 'DeploymentNotFound'])
    const stranger = new AzureOpenAI({ ...versioned, apiKey: 'other', baseURL: simulator.url })
    const refusal = await refusalOf(stranger.chat.completions.create({ model: 'mine', messages }))
    expect([refusal.status, refusal.code]).toEqual([401, '401'])
    const path = '/openai/deployments/mine/chat/completions'
    const body = JSON.stringify({ messages })
    const key = { 'api-key': 'azure-key' }
    expect((await post(simulator, path, body, key)).status).toBe(404)
    expect((await post(simulator, `${path}?api-version=2024-10-21`, body, key)).status).toBe(200)
    expect(
      (await post(simulator, '/openai/v1/chat/completions', JSON.stringify({ model: 'mine', messages }), key)).status,
    ).toBe(200)
    expect((await post(simulator, '/openai/deployments/mine/files?api-version=x', body, key)).status).toBe(404)
  })
})

describe('modelStudio()', () => {
  it('has limits per minute and per second, and a surge detector', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate(modelStudio({ clock, errorShape: 'openai' }))
    const ask = (name: string): Promise<unknown> =>
      client.chat.completions.create({ model: name, messages, max_tokens: 1 })
    expect((await refusalOf(ask('gpt-any'))).status).toBe(404)
    // 600 requests per minute are 50 in five seconds. An idle account may begin with half of that.
    const outcomes: unknown[] = []
    for (let i = 0; i < 30; i += 1) {
      if (i > 0 && i % 10 === 0) clock.advance(1000)
      const refusal = await ask('qwen3-32b').catch((error: { code?: unknown }) => error.code)
      outcomes.push(typeof refusal === 'string' ? refusal : 'in')
    }
    expect(outcomes).toEqual([
      ...Array.from({ length: 25 }, () => 'in'),
      ...Array.from({ length: 5 }, () => 'limit_burst_rate'),
    ])
    // Refused requests count, so the requests of the third second fill that second.
    expect((await refusalOf(ask('qwen3-32b'))).code).toBe('limit_requests')
    expect(Object.keys(simulator.ledger().models['qwen3-32b']?.windows ?? {})).toEqual(['rpm', 'rps', 'tpm', 'tps'])
  })
})

describe('lenient()', () => {
  it('refuses only requests above a limit per minute', async () => {
    const { simulator, client } = await simulate(lenient({ clock: new ManualClock() }))
    const ask = (name: string): Promise<unknown> =>
      client.chat.completions.create({ model: name, messages, max_tokens: 1 })
    for (let i = 0; i < 60; i += 1) await ask('qwen3-max-2025-09-23')
    expect((await refusalOf(ask('qwen3-max-2025-09-23'))).code).toBe('limit_requests')
    await ask('gpt-any')
    expect(Object.keys(simulator.ledger().models['qwen3-max-2025-09-23']?.windows ?? {})).toEqual(['rpm', 'tpm'])
  })
})

it('every preset starts, and options override it', async () => {
  expect(Object.keys(presets)).toContain('lenient')
  for (const preset of Object.values(presets)) {
    const { client } = await simulate(preset({ limits: { mine: {} }, latency: noLatency, seed: 4 }))
    expect((await client.models.list({ query: { 'api-version': '1' } })).data.map(({ id }) => id)).toEqual(['mine'])
  }
})
