import { describe, expect, it } from 'vitest'
import { json, silence, throwing, type FakeAnswer } from '../support/fake-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'
import { errors, scale } from './fixtures/documents.js'
import { failure, world } from './setup.js'

const done = json(scale.answer)
const busy = json({ code: 'Throttling', message: 'Requests throttling triggered.', request_id: 'r' }, 429)
const down = json({ code: 'InternalError', message: 'Try again later.' }, 500)
const reset = throwing(new TypeError('fetch failed', { cause: new Error('read ECONNRESET') }))
const order = { modelName: 'emo', plan: 'mu', capacity: 1 } as const
const size = { capacity: 2 }

describe('what failed for now', () => {
  it.each<[string, FakeAnswer]>([
    ['429', busy],
    ['500', down],
    ['503 of a proxy', json('<html><body>Service Unavailable</body></html>', 503)],
    ['a connection that breaks', reset],
  ])('%s is repeated where it may be, after 0.5, 1 and 2 s', async (_, fails) => {
    for (const call of ['get', 'update', 'scale', 'delete'] as const) {
      const { studio, service, clock, after } = world([fails, fails, fails, done])
      const start = clock.now()
      const { deployments } = studio
      const calls = {
        get: () => deployments.get(scale.id),
        update: () => deployments.update(scale.id, { rpmLimit: 1 }),
        scale: () => deployments.scale(scale.id, size),
        delete: () => deployments.delete(scale.id),
      }
      expect(await after(calls[call]())).toMatchObject({ deployedModel: scale.id })
      expect(service.sent).toHaveLength(4)
      expect(clock.now() - start).toBe(3500)
      expect(clock.pending).toBe(0)
    }
  })

  it('is given up after maxRetries, with what was said last', async () => {
    const { studio, service, after } = world([busy, down], { maxRetries: 2 })
    const error = await failure(after(studio.deployments.get(scale.id)))
    expect([error.code, error.status, error.serviceCode]).toEqual(['service_unavailable', 500, 'InternalError'])
    expect(service.sent).toHaveLength(3)
  })

  it('is not repeated where the service asks for more than a minute', async () => {
    const { studio, service } = world([json({}, 429, { 'retry-after': '61' })])
    const error = await failure(studio.deployments.get(scale.id))
    expect(error).toMatchObject({ code: 'throttled', retryAfterMs: 61_000 })
    expect(service.sent).toHaveLength(1)
  })

  it('is repeated when the service says, and all other calls wait for that too', async () => {
    const { studio, service, clock, after } = world([json({}, 429, { 'retry-after': '7' }), done])
    const start = clock.now()
    const first = studio.deployments.get(scale.id)
    await settlePromises()
    const second = studio.deployments.get('other')
    await after(Promise.all([first, second]))
    expect(service.sent.map(({ url }) => url.split('/').at(-1))).toEqual([scale.id, 'other', scale.id])
    expect(clock.now() - start).toBeGreaterThanOrEqual(7200)
  })
})

describe('a create', () => {
  it.each<[string, FakeAnswer, string, boolean]>([
    ['429', busy, 'throttled', false],
    ['500', down, 'service_unavailable', true],
    ['a connection that breaks', reset, 'connection_failed', true],
    ['silence', silence, 'timed_out', true],
    ['200 of a proxy', json('<html></html>'), 'unexpected_answer', true],
    ['400', json(errors.invalidParameter, 400), 'invalid_parameter', false],
  ])('is never sent twice: %s', async (_, fails, code, isUnknown) => {
    const { studio, service, after } = world([fails, done])
    const error = await failure(after(studio.deployments.create(order)))
    expect(error.code).toBe(code)
    expect(error.message.includes('whether the deployment was made is not known')).toBe(isUnknown)
    expect(service.sent).toHaveLength(1)
  })
})

describe('a delete whose answer was lost', () => {
  it.each([down, reset])('was done where it is gone then', async (lost) => {
    const { studio, service, after } = world([lost, json(errors.notFound, 404)])
    expect(await after(studio.deployments.delete(scale.id))).toBeUndefined()
    expect(service.sent).toHaveLength(2)
  })

  it('was done where it is going then, and only then', async () => {
    const going = json({ output: { ...scale.answer.output, status: 'DELETING' } })
    const one = world([reset, json(errors.conflict, 409), going])
    expect(await one.after(one.studio.deployments.delete(scale.id))).toMatchObject({ status: 'DELETING' })
    const gone = world([reset, json(errors.conflict, 409), json(errors.notFound, 404)])
    expect(await gone.after(gone.studio.deployments.delete(scale.id))).toBeUndefined()
    const other = world([reset, json(errors.conflict, 409), done])
    expect(await failure(other.after(other.studio.deployments.delete(scale.id)))).toMatchObject({ code: 'conflict' })
  })

  it('was not, where it was throttled or answered at once', async () => {
    for (const answers of [[busy, json(errors.notFound, 404)], [json(errors.notFound, 404)]]) {
      const { studio, after } = world(answers)
      expect(await failure(after(studio.deployments.delete(scale.id)))).toMatchObject({ code: 'not_found' })
    }
  })

  it('needs no body in its answer', async () => {
    for (const body of ['', { request_id: 'r' }, { request_id: 'r', output: {} }, { output: null }]) {
      const { studio } = world([json(body)])
      expect(await studio.deployments.delete(scale.id)).toBeUndefined()
    }
  })
})

describe('the pace', () => {
  it('lets calls go one after another, in their order', async () => {
    const { studio, service, clock } = world([done], { minIntervalMs: 1000 })
    const calls = ['a', 'b', 'c'].map((id) => studio.deployments.get(id))
    await settlePromises()
    const seen = (): string => service.sent.map(({ url }) => url.at(-1)).join('')
    expect(seen()).toBe('a')
    await clock.advance(999)
    expect(seen()).toBe('a')
    await clock.advance(1)
    expect(seen()).toBe('ab')
    await clock.advance(1000)
    expect(seen()).toBe('abc')
    await Promise.all(calls)
    expect(clock.pending).toBe(0)
  })

  it('passes over who gave up, who hears of it at once', async () => {
    const { studio, service, clock } = world([done], { minIntervalMs: 1000 })
    const controller = new AbortController()
    const calls = [studio.deployments.get('a'), studio.deployments.get('b', { signal: controller.signal })]
    const last = studio.deployments.get('c')
    await settlePromises()
    controller.abort('enough')
    await expect(calls[1]).rejects.toBe('enough')
    await clock.advance(1000)
    expect(service.sent.map(({ url }) => url.at(-1))).toEqual(['a', 'c'])
    await Promise.all([calls[0], last])
    const alone = new AbortController()
    const waiting = studio.deployments.get('d', { signal: alone.signal })
    alone.abort('no more')
    await expect(waiting).rejects.toBe('no more')
    expect(clock.pending).toBe(0)
  })
})

describe('a signal', () => {
  it('ends what is under way and what waits to be repeated, with its own reason', async () => {
    for (const answers of [[silence], [down]]) {
      const { studio, clock } = world(answers)
      const controller = new AbortController()
      const call = studio.deployments.get(scale.id, { signal: controller.signal })
      await clock.advance(100)
      controller.abort(new Error('stop'))
      await expect(call).rejects.toThrow('stop')
      expect(clock.pending).toBe(0)
    }
  })

  it('that has aborted already sends nothing', async () => {
    const { studio, service } = world([done])
    const signal = AbortSignal.abort('before')
    await expect(studio.deployments.get('a', { signal })).rejects.toBe('before')
    await expect(studio.quotas.list({ signal }).all()).rejects.toBe('before')
    expect(service.sent).toHaveLength(0)
  })

  it('is heeded before a fetch that heeds none, as the timeout is', async () => {
    const deaf = world([() => new Promise<Response>(() => undefined)], { maxRetries: 0 })
    const controller = new AbortController()
    const call = deaf.studio.deployments.get('a', { signal: controller.signal })
    await settlePromises()
    controller.abort('now')
    await expect(call).rejects.toBe('now')
    expect(await failure(deaf.after(deaf.studio.deployments.get('a')))).toMatchObject({ code: 'timed_out' })
  })
})

it('an attempt that takes longer than timeoutMs is repeated', async () => {
  const { studio, service, clock, after } = world([silence, done], { timeoutMs: 5000 })
  const start = clock.now()
  await after(studio.deployments.get(scale.id))
  expect(service.sent).toHaveLength(2)
  expect(clock.now() - start).toBe(5500)
})
