import { APIConnectionError, BadRequestError, RateLimitError } from 'openai'
import { describe, expect, it } from 'vitest'
import { DeadlineImpossible, headgateErrorOf, isHeadgateError, LimiterClosed } from '../../src/index.js'
import { hint, limitOpenAI } from '../../src/openai/index.js'
import { chat, failureOf, model, stillSimulator, Wrapped } from './setup.js'

describe('isHeadgateError recognises a refusal of the limiter in an error of the client', () => {
  it('for an impossible deadline, with the predicted wait and a Retry-After, and the client does not retry', async () => {
    const simulator = await stillSimulator()
    const limits = { [model]: { rpm: 1 } }
    const world = new Wrapped(simulator.url, { limits, perSecond: false }, { maxRetries: 5 })
    await world.client.chat.completions.create(chat)
    const hurried = { fetchOptions: hint({ deadlineMs: 100 }) }
    for (const options of [hurried, { ...hurried, maxRetries: 5 }]) {
      const error = await failureOf(world.client.chat.completions.create(chat, options))
      expect(error).toBeInstanceOf(RateLimitError)
      expect(isHeadgateError(error, 'deadline_impossible')).toBe(true)
      expect(isHeadgateError(error, 'queue_full')).toBe(false)
      const found = headgateErrorOf(error, 'deadline_impossible')!
      expect(found).toBeInstanceOf(DeadlineImpossible)
      expect(found.cause).toBe(error)
      expect(found.predictedWaitMs).toBeGreaterThan(59_000)
      const { headers } = error as RateLimitError
      expect(headers.get('retry-after-ms')).toBe(String(Math.ceil(found.predictedWaitMs!)))
      expect(headers.get('retry-after')).toBe(String(Math.ceil(found.predictedWaitMs! / 1000)))
    }
    expect(simulator.ledger().entries).toHaveLength(1)
    await world.rest()
  })

  it('for an exhausted quota, with the time of its reset', async () => {
    const simulator = await stillSimulator({ fail: () => ({ status: 429, headers: { 'retry-after': '3600' } }) })
    const world = new Wrapped(simulator.url)
    const first = await failureOf(world.client.chat.completions.create(chat))
    expect(first).toBeInstanceOf(RateLimitError)
    expect(isHeadgateError(first)).toBe(false)
    const before = Date.now()
    const second = await failureOf(world.client.chat.completions.create(chat))
    expect(second).toBeInstanceOf(RateLimitError)
    const resetAt = headgateErrorOf(second, 'quota_exhausted')?.resetAt
    expect(Math.abs(resetAt!.getTime() - before - 3_600_000)).toBeLessThan(60_000)
    expect(Number((second as RateLimitError).headers.get('retry-after'))).toBeGreaterThan(3500)
    expect(simulator.ledger().entries).toHaveLength(1)
    await world.rest()
  })

  it('for a request that is too large, as a BadRequestError', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url, { limits: { [model]: { tpm: 10 } } })
    const error = await failureOf(world.client.chat.completions.create({ ...chat, max_tokens: 1000 }))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(isHeadgateError(error, 'request_too_large')).toBe(true)
    expect((error as BadRequestError).headers.get('retry-after')).toBeNull()
  })

  it('for a closed limiter, as an APIConnectionError', async () => {
    const simulator = await stillSimulator()
    const world = new Wrapped(simulator.url)
    await world.limiter.close()
    const error = await failureOf(world.client.chat.completions.create(chat))
    expect(error).toBeInstanceOf(APIConnectionError)
    expect([isHeadgateError(error), isHeadgateError(error, 'limiter_closed')]).toEqual([true, true])
    expect(headgateErrorOf(error, 'limiter_closed')).toBeInstanceOf(LimiterClosed)
  })

  it('and does not recognise an error of the service or the connection', async () => {
    for (const fault of [{ status: 400 }, { status: 401 }, { drop: true as const }]) {
      const simulator = await stillSimulator({ fail: () => fault })
      const world = new Wrapped(simulator.url, {}, { maxRetries: 0 })
      const error = await failureOf(world.client.chat.completions.create(chat))
      expect([isHeadgateError(error), headgateErrorOf(error)]).toEqual([false, undefined])
    }
  })
})

it('a client that is wrapped by limiter.with() has its hints and shares the limits of the limiter', async () => {
  const simulator = await stillSimulator()
  const world = new Wrapped(simulator.url)
  const client = limitOpenAI(world.raw, world.limiter.with({ tenant: 'web', priority: 5 }))
  await client.chat.completions.create(chat)
  await client.chat.completions.create(chat, { fetchOptions: hint({ tenant: 'own' }) })
  await client.withOptions({ timeout: 1000 }).chat.completions.create(chat)
  await world.client.chat.completions.create(chat)
  const { tenants, models } = world.limiter.stats()
  expect(tenants).toMatchObject({ web: { calls: 2 }, own: { calls: 1 } })
  expect(models[model]).toMatchObject({ calls: 4 })
  await world.rest()
})
