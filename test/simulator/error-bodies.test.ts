import { describe, expect, it } from 'vitest'
import { errorShapes, throttleBody } from '../../src/simulator/index.js'
import type { ErrorShape, RefusalClass, SimulatorOptions } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, post, simulate } from './setup.js'

const model = 'qwen-plus'
const body = JSON.stringify({ model, messages })

describe('the bodies of a 429', () => {
  const id = 'the-id'
  const requests = {
    message:
      'You have exceeded your current request limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#rate-limit',
    type: 'limit_requests',
    param: null,
    code: 'limit_requests',
  }

  it('are those that users saw', () => {
    expect(throttleBody('requests', 'openai', id)).toBe(JSON.stringify({ error: requests }))
    expect(throttleBody('tokens', 'openai', id)).toBe(
      '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit","param":null,"type":"insufficient_quota"},"request_id":"the-id"}',
    )
    expect(throttleBody('surge', 'openai', id)).toBe(
      '{"error":{"message":"Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.","type":"limit_burst_rate","param":"","code":"limit_burst_rate"}}',
    )
    expect(JSON.parse(throttleBody('requests', 'encoded-twice', id))).toEqual({
      error: JSON.stringify(requests),
      request_id: id,
    })
    expect(throttleBody('requests', 'flat', id)).toBe(
      '{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded","request_id":"the-id"}',
    )
    expect(throttleBody('tokens', 'flat', id)).toContain('"Throttling.AllocationQuota"')
    expect(throttleBody('requests', 'nested', id)).toBe(
      String.raw`{"code":"Throttling.RateQuota","message":"{\"error\":{\"message\":\"The engine is currently overloaded, please try again later\",\"type\":\"EngineOverloadedError\",\"param\":null,\"code\":\"EngineOverloadedError\"}}"}`,
    )
    expect(throttleBody('tokens', 'empty', id)).toBe('')
  })

  it.each(errorShapes)('have the form %s if errorShape names it', async (errorShape: ErrorShape) => {
    const { simulator } = await simulate({ clock: new ManualClock(), limits: { [model]: { rpm: 60 } }, errorShape })
    await post(simulator, '/v1/chat/completions', body)
    const refusal = await post(simulator, '/v1/chat/completions', body)
    const id = refusal.headers.get('x-request-id') ?? ''
    expect([refusal.status, await refusal.text()]).toEqual([429, throttleBody('requests', errorShape, id)])
  })
})

/** The texts of `count` refusals, with their ids replaced. */
async function refusals(options: SimulatorOptions, count: number): Promise<Set<string>> {
  const { simulator } = await simulate({ clock: new ManualClock(), errorShape: 'seeded', ...options })
  const seen = new Set<string>()
  for (let i = 0; i <= count; i += 1) {
    const refusal = await post(simulator, '/v1/chat/completions', body)
    const [id, text] = [refusal.headers.get('x-request-id') ?? '', await refusal.text()]
    if (refusal.status === 429) seen.add(text.replaceAll(id, 'the-id'))
  }
  return seen
}

describe('the forms and wordings of a 429', () => {
  it.each<[RefusalClass, SimulatorOptions, readonly string[]]>([
    [
      'requests',
      { limits: { [model]: { rpm: 1 } } },
      [
        '"Throttling","message":"Requests throttling triggered."',
        '"Throttling","message":"Too many requests in route. Please try again later."',
        '"Throttling.RateQuota","message":"You have exceeded your request limit."',
        '"message":"Requests rate limit exceeded, please try again later."',
        '"LimitRequests","message":"You exceeded your current requests list."',
        '"message":"You exceeded your current requests list.","type":"limit_requests"',
        'https://help.aliyun.com/zh/model-studio/error-code#rate-limit',
        'https://www.alibabacloud.com/help/en/model-studio/error-code#rate-limit',
      ],
    ],
    [
      'tokens',
      { limits: { [model]: { tpm: 1 } } },
      [
        '"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."',
        '"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit. "',
        '"Throttling.AllocationQuota","message":"You exceeded your current quota, please check your plan and billing details."',
        '{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota"',
        '#token-limit',
      ],
    ],
    [
      'surge',
      { surge: { minimum: 1 } },
      [
        '"code":"Throttling.BurstRate","message":"Request rate increased too quickly. To ensure',
        '"type":"limit_burst_rate","param":"","code":"limit_burst_rate"',
        '"message":"Request rate increased too quickly."',
      ],
    ],
  ])('are drawn by the seed, and all of class %s occur', async (refusal, options, texts) => {
    const seen = await refusals(options, 250)
    const all = Array.from({ length: 12 }, (_, wording) =>
      errorShapes.map((shape) => throttleBody(refusal, shape, 'the-id', wording)),
    )
    expect([...seen].sort()).toEqual([...new Set(all.flat())].sort())
    const joined = [...seen].join('\n')
    for (const text of texts) expect(joined).toContain(text)
    expect(await refusals(options, 50)).toEqual(await refusals(options, 50))
  })

  it('are the most frequent ones by default', () => {
    expect(throttleBody('surge', 'openai', 'x')).toBe(throttleBody('surge', 'openai', 'x', 0))
    expect(throttleBody('surge', 'openai', 'x')).not.toBe(throttleBody('surge', 'openai', 'x', 1))
  })
})
