import { describe, expect, it } from 'vitest'
import { ModelStudio } from '../../src/model-studio/index.js'
import { Feed, json, streamed, type FakeAnswer } from '../support/fake-fetch.js'
import { answering, httpService, type HttpAnswer } from '../support/http-service.js'
import { settlePromises } from '../support/virtual-clock.js'
import { scale } from './fixtures/documents.js'
import { failure, KEY, world } from './setup.js'

const page = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>'

async function over(...answers: HttpAnswer[]): Promise<{ studio: ModelStudio; received: readonly unknown[] }> {
  const { url, received } = await httpService(...answers)
  return { studio: new ModelStudio({ apiKey: KEY, baseURL: url, maxRetries: 0, minIntervalMs: 0 }), received }
}

describe('an answer over HTTP', () => {
  it.each<[string, HttpAnswer, string, RegExp]>([
    ['HTML with 200', answering(page, 200, 'text/html'), 'unexpected_answer', /page of HTML, as a proxy does.*Sign in/],
    ['HTML that calls itself JSON', answering(page), 'unexpected_answer', /page of HTML/],
    ['HTML with 502', answering(page, 502, 'text/html'), 'service_unavailable', /502 with a page of HTML/],
    ['HTML with 403', answering(page, 403, 'text/html'), 'permission_denied', /403 with a page of HTML/],
    ['no JSON', answering('{"output":'), 'unexpected_answer', /no JSON \(application\/json\): \{"output":/],
    ['an empty body', answering(''), 'unexpected_answer', /200 with an empty body/],
    ['a list', answering('[]'), 'unexpected_answer', /JSON that is no object/],
    ['null', answering('null'), 'unexpected_answer', /JSON that is no object/],
    ['no output', answering('{"request_id":"r-7"}'), 'unexpected_answer', /without 'output' \(request r-7\)/],
    ['an output that is none', answering('{"output":[]}'), 'unexpected_answer', /without 'output'/],
    ['no deployment', answering('{"output":{"status":"RUNNING"}}'), 'unexpected_answer', /without 'deployed_model'/],
    ['no status', answering('{"output":{"deployed_model":"m"}}'), 'unexpected_answer', /without 'status'/],
    ['a socket that closes', (response) => void response.destroy(), 'connection_failed', /no whole answer/],
    [
      'a body that breaks off',
      (response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"output":')
        setImmediate(() => response.destroy())
      },
      'connection_failed',
      /no whole answer/,
    ],
  ])('%s says what it is', async (_, answer, code, message) => {
    const { studio } = await over(answer)
    const error = await failure(studio.deployments.get(scale.id))
    expect(error.message).toMatch(message)
    expect(error.message).toContain('/api/v1/deployments/emo')
    expect(error.code).toBe(code)
  })

  it.each([301, 302, 307, 308])('%d is not followed: the key goes nowhere else', async (status) => {
    const elsewhere = await httpService(answering(scale.answer))
    const { studio, received } = await over((response) =>
      response.writeHead(status, { location: `${elsewhere.url}/login?user=me`, 'x-request-id': 'r-3' }).end(),
    )
    for (const call of [
      studio.deployments.get('a'),
      studio.deployments.delete('a'),
      studio.deployments.scale('a', { capacity: 1 }),
    ]) {
      const error = await failure(call)
      expect([error.code, error.status, error.requestId]).toEqual(['unexpected_answer', status, 'r-3'])
      expect(error.message).toContain(`redirected to ${elsewhere.url}/login: it is not followed`)
      expect(error.message).not.toContain('user=me')
    }
    expect(received).toHaveLength(3)
    expect(elsewhere.received).toHaveLength(0)
  })

  it('of a host that is not there says so, with the causes', async () => {
    const studio = new ModelStudio({ apiKey: KEY, baseURL: 'http://127.0.0.1:1', maxRetries: 0 })
    const error = await failure(studio.quotas.list().all())
    expect([error.code, error.status, error.requestId]).toEqual(['connection_failed', undefined, undefined])
    expect(error.message).toMatch(/ECONNREFUSED|bad port/)
    expect((error.cause as Error).message).toBe('fetch failed')
  })
})

describe('an answer that does not end', () => {
  it('is given up at the timeout, and its socket freed', async () => {
    const feed = new Feed('application/json')
    const { studio, clock } = world([feed.answer()], { maxRetries: 0 })
    const call = failure(studio.deployments.get(scale.id))
    await settlePromises()
    for (let second = 0; second < 29; second++) {
      feed.push(' ')
      await clock.advance(1000)
    }
    await clock.advance(1000)
    const error = await call
    expect(error).toMatchObject({ code: 'timed_out' })
    expect(error.message).toContain('no whole answer after 30000 ms')
    expect(clock.pending).toBe(0)
  })

  it('is given up when it is longer than any answer is, and not asked for again', async () => {
    const piece = new Uint8Array(1024 * 1024).fill(32)
    const { studio, service } = world([streamed(Array.from({ length: 100 }, () => piece))])
    const error = await failure(studio.deployments.get(scale.id))
    expect(error.code).toBe('unexpected_answer')
    expect(error.message).toContain('a body of more than 16 MiB')
    expect(service.sent).toHaveLength(1)
  })

  it('of a delete is read to its end before it counts', async () => {
    const { studio, after, service } = world([streamed(['{"request_id"'], new Error('cut')), json(scale.answer)])
    expect(await after(studio.deployments.delete(scale.id))).toMatchObject({ deployedModel: scale.id })
    expect(service.sent).toHaveLength(2)
  })
})

it('a redirect that a browser hides is told as well', async () => {
  const hidden: FakeAnswer = () => Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })
  const { studio } = world([hidden])
  expect(await failure(studio.deployments.get('a'))).toMatchObject({ code: 'unexpected_answer' })
})

it('a refusal says in one line what it says, without what moves the cursor, and no more than is read', async () => {
  const { studio } = world([json({ code: 'Bad\u001b[2J', message: `one\ntwo\u0000${'x'.repeat(9000)}` }, 400)])
  const error = await failure(studio.deployments.get('m'))
  expect(error.message).toContain('was answered 400 Bad [2J: one two x')
  expect(error.message).not.toMatch(/\p{Cc}/u)
  expect(error.message.length).toBeLessThan(1200)
  const silent = world([json({ code: 'Silent' }, 400)])
  expect((await failure(silent.studio.deployments.get('m'))).message).toMatch(/400 Silent: without a message$/)
})

describe('fields', () => {
  it('that are not known are kept as they came, and statuses that nobody named', async () => {
    const output = {
      deployed_model: 'm',
      status: 'RESTORING_SOON',
      new_field: { inner_one: [1, null] },
      phase2_state: null,
      __proto__x: 1,
      deploy_2_x: 'y',
    }
    const { studio } = world([json({ output })])
    expect(await studio.deployments.get('m')).toEqual({
      deployedModel: 'm',
      status: 'RESTORING_SOON',
      newField: { inner_one: [1, null] },
      phase2State: null,
      __proto__x: 1,
      deploy2X: 'y',
    })
  })

  it('that are known are what their type says, or are not there', async () => {
    const output = {
      deployed_model: 'm',
      status: 'RUNNING',
      capacity: '8',
      base_capacity: 'four',
      ready_capacity: null,
      creator: 17,
      enable_thinking: 'yes',
      ptu_capacity: { input_tpm: '5', output_tpm: null, other_tpm: 1 },
      rpm_limit: '',
    }
    const { studio } = world([json({ output })])
    expect(await studio.deployments.get('m')).toEqual({
      deployedModel: 'm',
      status: 'RUNNING',
      capacity: 8,
      creator: '17',
      ptuCapacity: { inputTpm: 5, otherTpm: 1 },
    })
  })

  it('called __proto__ are fields like others', async () => {
    const { studio } = world([
      json('{"output":{"total":1,"quotas":[{"model":"m","model_limit":{"__proto__":{"x":1}}}]}}'),
    ])
    const [quota] = await studio.quotas.list().all()
    expect(Object.getPrototypeOf(quota!.modelLimit)).toBe(Object.prototype)
    expect(Object.keys(quota!.modelLimit!)).toEqual(['__proto__'])
  })
})
