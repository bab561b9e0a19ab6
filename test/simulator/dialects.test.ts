import { describe, expect, it } from 'vitest'
import { azure, modelStudio, openai } from '../../src/simulator/index.js'
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.js'
import { messages, post, simulate } from './setup.js'

const model = 'any'
const stream = JSON.stringify({ model, messages, stream: true })
const paths = { openai: '/v1', azure: '/openai/v1', 'model-studio': '/v1' }

/** Sends a chat completion. Returns the status and the body. */
async function chat(simulator: Simulator, service: keyof typeof paths): Promise<[number, string]> {
  const response = await post(simulator, `${paths[service]}/chat/completions`, stream)
  return [response.status, await response.text()]
}

const presetOf = { openai, azure, 'model-studio': modelStudio }
const limits = { [model]: {} }
const vendorWords = /Throttling|ModelServing|ModelUnavailable|RequestTimeOut|InternalError|request_id|limit_requests/

describe.each(['openai', 'azure'] as const)('a scripted fault of %s', (service) => {
  it.each([400, 401, 403, 404, 429, 500, 502, 503])(
    'with status %i has an error body of that service',
    async (status) => {
      const { simulator } = await simulate(presetOf[service]({ limits, fail: () => ({ status }) }))
      const [sent, text] = await chat(simulator, service)
      expect(sent).toBe(status)
      expect(text).not.toMatch(vendorWords)
      const { error } = JSON.parse(text) as { error: Record<string, unknown> }
      expect(Object.keys(error).sort()).toEqual(
        service === 'azure' ? ['code', 'message'] : ['code', 'message', 'param', 'type'],
      )
    },
  )

  it('drawn by a rate has an error body of that service, before and in a stream', async () => {
    const faultyBy = async (options: SimulatorOptions): Promise<string[]> => {
      const { simulator } = await simulate(presetOf[service]({ limits, ...options }))
      const texts: string[] = []
      for (let i = 0; i < 20; i += 1) texts.push((await chat(simulator, service))[1])
      return texts
    }
    const refused = await faultyBy({ faultRates: { serverError: 1 } })
    expect(new Set(refused).size).toBe(2)
    const torn = await faultyBy({ faultRates: { streamError: 1 } })
    for (const text of [...refused, ...torn]) {
      expect(text).toContain('"error":')
      expect(text).not.toMatch(vendorWords)
    }
  })
})

describe('the error bodies of each service', () => {
  it.each([
    ['openai', 503, '"The engine is currently overloaded, please try again later.","type":"server_error"'],
    ['openai', 429, '"Rate limit reached for requests","type":"requests","param":null,"code":"rate_limit_exceeded"'],
    ['azure', 503, '{"error":{"code":"ServiceUnavailable",'],
    ['azure', 429, '{"error":{"code":"429","message":"Requests to the Azure OpenAI API have exceeded call rate limit'],
    ['model-studio', 503, '"code":"ModelServingError"'],
    ['model-studio', 401, '"code":"invalid_api_key"'],
  ] as const)('%s has its own body for status %i', async (service, status, text) => {
    const options = { limits, fail: () => ({ status }), errorShape: 'openai' } as const
    const { simulator } = await simulate(presetOf[service](options))
    expect((await chat(simulator, service))[1]).toContain(text)
  })
})

describe('the control plane', () => {
  const flat = async (response: Response): Promise<[number, unknown]> => {
    const body = (await response.json()) as Record<string, unknown>
    expect(Object.keys(body).sort()).toEqual(['code', 'message', 'request_id'])
    expect(body['request_id']).toBe(response.headers.get('x-request-id'))
    return [response.status, body['code']]
  }

  it('has flat errors for 401, 404, 405 and 413', async () => {
    const { simulator } = await simulate({ maxBodyBytes: 10, apiKeys: ['one'] })
    const at = (path: string): URL => new URL(path, simulator.url)
    const authorization = 'Bearer one'
    expect(await flat(await fetch(at('/api/v1/nothing')))).toEqual([404, 'NotFound'])
    expect(await flat(await fetch(at('/api/v1/quotas'), { method: 'PUT' }))).toEqual([405, 'MethodNotAllowed'])
    expect(await flat(await fetch(at('/api/v1/deployments'), { method: 'PATCH' }))).toEqual([405, 'MethodNotAllowed'])
    const long = await post(simulator, '/api/v1/deployments', ' '.repeat(11), { authorization })
    expect(await flat(long)).toEqual([413, 'RequestTooLarge'])
    expect(await flat(await post(simulator, '/api/v1/deployments', '{}'))).toEqual([401, 'InvalidApiKey'])
  })

  it('has flat errors for a scripted status, and for a script that throws', async () => {
    const statuses = [400, 403, 404, 409, 429, 500, 503]
    const { simulator } = await simulate({
      failOthers: ({ n }) => {
        const status = statuses[n - 1]
        if (status === undefined) throw new Error('in the script')
        return { status }
      },
    })
    const seen: unknown[] = []
    for (let i = 0; i <= statuses.length; i += 1) {
      seen.push(await flat(await fetch(new URL('/api/v1/quotas', simulator.url))))
    }
    expect(seen).toEqual([
      [400, 'InvalidParameter'],
      [403, 'AccessDenied'],
      [404, 'NotFound'],
      [409, 'Conflict'],
      [429, 'Throttling'],
      [500, 'InternalError'],
      [503, 'ServiceUnavailable'],
      [500, 'InternalError'],
    ])
  })

  it('does not exist for a service without one', async () => {
    const { simulator } = await simulate(openai())
    const response = await fetch(new URL('/api/v1/quotas', simulator.url))
    expect([response.status, await response.json()]).toMatchObject([404, { error: { type: 'invalid_request_error' } }])
  })
})
