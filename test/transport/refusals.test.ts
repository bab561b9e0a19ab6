import { describe, expect, it } from 'vitest'
import { hint } from '../../src/transport/hints.js'
import { json } from '../support/fake-fetch.js'
import { chatBody, failure, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const answer = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }], usage }
const ok = json(answer)
const exhausted = { code: 'PrepaidBillOverdue', message: 'The prepaid bill is overdue.' }

describe('what the limiter refuses', () => {
  async function expectRefused(world: LimitedFetch, call: Promise<Response>, status: number, code: string) {
    const sent = world.service.sent.length
    const response = await call
    expect(response.status).toBe(status)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: code, param: null, code, headgate: expect.any(Object) },
    })
    expect(world.service.sent).toHaveLength(sent)
  }

  it('a full queue: 429 queue_full', async () => {
    const world = new LimitedFetch([ok], { maxQueue: 1 })
    world.limiter.pause()
    const first = world.post()
    await settlePromises()
    await expectRefused(world, world.post(), 429, 'queue_full')
    world.limiter.resume()
    expect((await first).status).toBe(200)
    world.expectAtRest()
  })

  it.each<[name: string, headers: Record<string, string>, hints: object]>([
    ['a hint', {}, hint({ deadlineMs: 0 })],
    ['a header', { 'x-headgate-deadline-ms': '0' }, {}],
  ])('a deadline that cannot be kept, by %s: 429 deadline_impossible', async (_, headers, hints) => {
    const world = new LimitedFetch([ok], { limits: { 'qwen-plus': { rpm: 1 } }, perSecond: false })
    await world.post()
    const init = { headers: { 'content-type': 'application/json', ...headers }, ...hints }
    await expectRefused(world, world.post(chatBody, init), 429, 'deadline_impossible')
    world.expectAtRest()
  })

  it('a request larger than a limit: 400 request_too_large', async () => {
    const world = new LimitedFetch([ok], { limits: { 'qwen-plus': { rpm: 60, tpm: 5 } } })
    await expectRefused(world, world.post(), 400, 'request_too_large')
    world.expectAtRest()
  })

  it('a quota that the server said is used up: 429 quota_exhausted, the first with the words of the server', async () => {
    const world = new LimitedFetch([json(exhausted, 429)])
    const first = await world.post()
    expect([first.status, first.headers.get('x-should-retry'), await first.json()]).toEqual([429, 'false', exhausted])
    await expectRefused(world, world.post(), 429, 'quota_exhausted')
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it.each([
    ['a body that is not JSON', '{"model":'],
    ['a body that is no object', '[1]'],
    ['a body without a model', { messages: [] }],
  ])('%s: 400 invalid_request', async (_, body) => {
    const world = new LimitedFetch([ok])
    await expectRefused(world, world.post(body), 400, 'invalid_request')
    world.expectAtRest()
  })

  it.each(['high', 'NaN', '1e999'])('a priority of %s: 400 invalid_request', async (priority) => {
    const world = new LimitedFetch([ok])
    const headers = { 'x-headgate-priority': priority }
    await expectRefused(world, world.post(chatBody, { headers }), 400, 'invalid_request')
    world.expectAtRest()
  })

  it('an unknown model, where these are to be rejected: 400 invalid_request', async () => {
    const world = new LimitedFetch([ok], { unknownModel: 'reject' })
    await expectRefused(world, world.post({ ...chatBody, model: 'qwen-unknown' }), 400, 'invalid_request')
    world.expectAtRest()
  })

  it('an estimator that throws: 400 invalid_request', async () => {
    const world = new LimitedFetch([ok], {
      estimator: () => {
        throw new Error('no idea')
      },
    })
    await expectRefused(world, world.post(), 400, 'invalid_request')
    world.expectAtRest()
  })

  it('a closed limiter: thrown', async () => {
    const world = new LimitedFetch([ok])
    await world.limiter.close()
    expect(await failure(world.post())).toMatchObject({ name: 'LimiterClosed', code: 'limiter_closed' })
    world.expectAtRest()
  })

  it('what waits when the limiter is closed and abandoned: thrown', async () => {
    const world = new LimitedFetch([ok])
    const caller = world.abortable()
    world.limiter.pause()
    const call = failure(world.post(chatBody, { signal: caller.signal }))
    await settlePromises()
    await world.limiter.close({ abandon: true })
    expect(await call).toMatchObject({ code: 'limiter_closed' })
    world.expectAtRest()
  })
})

describe('a body with messages missing', () => {
  it('goes to the server, whose answer the caller gets', async () => {
    const refusal = { error: { message: "'messages' is required", code: 'invalid_parameter_error' } }
    const world = new LimitedFetch([json(refusal, 400)])
    const response = await world.post({ model: 'qwen-plus' })
    expect([response.status, await response.json()]).toEqual([400, refusal])
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })
})

describe('a 429 is read as the service of its own request means it', () => {
  it('whoever named the model first', async () => {
    const refusal = json(
      { error: { code: 'insufficient_quota', message: 'Check your plan and billing details.' } },
      429,
    )
    const world = new LimitedFetch([refusal])
    await world.limiter.schedule({ model: chatBody.model }, () => 'by the default profile')
    const init = { method: 'POST', body: JSON.stringify(chatBody) }
    const response = await world.limiter.fetch('https://api.openai.com/v1/chat/completions', init)
    expect(response.status).toBe(429)
    expect(world.throttled).toMatchObject([{ class: 'billing' }])
    expect(world.service.sent).toHaveLength(1)
  })
})
