import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHeadgateError } from '../../src/index.js'
import { ModelStudio, type Deployment, type ModelStudioOptions } from '../../src/model-studio/index.js'
import { json } from '../support/fake-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'
import { world } from './setup.js'
import { runs } from '../support/runs.js'

type Call = (studio: ModelStudio) => unknown

/** Runs what the types would not let through. */
async function refused(call: Call, seen?: object): Promise<string> {
  const answer = json({ output: { deployed_model: 'm', status: 'RUNNING', ...seen } })
  const { studio, service } = world([answer], { minIntervalMs: 0 })
  if (seen !== undefined) await studio.deployments.get('m')
  const before = service.sent.length
  const error = await Promise.resolve()
    .then(() => call(studio))
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  await settlePromises()
  expect(service.sent.length).toBe(before)
  expect(isHeadgateError(error, 'invalid_request'), String(error)).toBe(true)
  return (error as Error).message
}

const any = (value: unknown): never => value as never
const ptu = { inputTpm: 1, outputTpm: 1 }

describe('a wrong argument is refused, with the rule, before anything is sent:', () => {
  it.each<[string, Call, RegExp]>([
    ['update of nothing', (s) => s.deployments.update('m', {}), /at least one of them/],
    ['update of undefined', (s) => s.deployments.update('m', { rpmLimit: undefined }), /at least one of them/],
    ['update without limits', (s) => s.deployments.update('m', any(undefined)), /limits is undefined: give an object/],
    ['rpmLimit 0', (s) => s.deployments.update('m', { rpmLimit: 0 }), /rpmLimit is the number 0.*at least 1/],
    ['rpmLimit 1.5', (s) => s.deployments.update('m', { rpmLimit: 1.5 }), /whole number/],
    ['tpmLimit NaN', (s) => s.deployments.update('m', { tpmLimit: Number.NaN }), /tpmLimit/],
    ['tpmLimit Infinity', (s) => s.deployments.update('m', { tpmLimit: Infinity }), /tpmLimit/],
    ['tpmLimit as a text', (s) => s.deployments.update('m', { tpmLimit: any('5') }), /tpmLimit is the text "5"/],
    ['another name', (s) => s.deployments.update('m', any({ rpm: 5 })), /no 'rpm'/],
    ['a misspelt name', (s) => s.deployments.update('m', any({ rpmlimits: 5 })), /did you mean 'rpmLimit'/],
    ['scale of nothing', (s) => s.deployments.scale('m', any({})), /either capacity.*or ptuCapacity/],
    ['scale of both', (s) => s.deployments.scale('m', any({ capacity: 1, ptuCapacity: ptu })), /either capacity/],
    ['capacity -1', (s) => s.deployments.scale('m', { capacity: -1 }), /from 0 to 999/],
    ['capacity 1000', (s) => s.deployments.scale('m', { capacity: 1000 }), /from 0 to 999/],
    ['capacity 1.5', (s) => s.deployments.scale('m', { capacity: 1.5 }), /whole number/],
    ['half a throughput', (s) => s.deployments.scale('m', { ptuCapacity: any({ inputTpm: 1 }) }), /outputTpm is undef/],
    ['no throughput', (s) => s.deployments.scale('m', { ptuCapacity: { ...ptu, inputTpm: 0 } }), /inputTpm/],
    ['snake_case', (s) => s.deployments.scale('m', any({ ptuCapacity: { input_tpm: 1 } })), /mean 'inputTpm'/],
    ['an empty id', (s) => s.deployments.get(''), /id is the text ""/],
    ['no id', (s) => s.deployments.get(any(undefined)), /id is undefined/],
    ['an id that is a path', (s) => s.deployments.delete('../x'), /no deployment is called/],
    ['an id of dots', (s) => s.deployments.delete('..'), /no deployment is called/],
    ['the list of models', (s) => s.deployments.get('models'), /no deployment is called/],
    ['an id with a query', (s) => s.deployments.get('m?x=1'), /no deployment is called/],
    ['an id with a blank', (s) => s.deployments.waitFor('m ', 'RUNNING'), /no deployment is called/],
    ['no order', (s) => s.deployments.create(any(null)), /order is null/],
    ['no model', (s) => s.deployments.create(any({ plan: 'mu', capacity: 1 })), /modelName is missing/],
    ['no plan', (s) => s.deployments.create(any({ modelName: 'm' })), /plan is missing/],
    ['mu without capacity', (s) => s.deployments.create({ modelName: 'm', plan: 'mu' }), /capacity is missing/],
    ['ptu without it', (s) => s.deployments.create({ modelName: 'm', plan: 'ptu' }), /ptuCapacity is missing/],
    [
      'ptu with capacity',
      (s) => s.deployments.create({ modelName: 'm', plan: 'ptu', ptuCapacity: ptu, capacity: 1 }),
      /capacity is for the plan mu/,
    ],
    [
      'mu with a throughput',
      (s) => s.deployments.create({ modelName: 'm', plan: 'mu', capacity: 1, ptuCapacity: ptu }),
      /for the plan ptu alone/,
    ],
    [
      'lora with limits',
      (s) => s.deployments.create({ modelName: 'm', plan: 'lora', rpmLimit: 5 }),
      /for the plan mu alone/,
    ],
    [
      'a suffix of nine',
      (s) => s.deployments.create({ modelName: 'm', plan: 'mu', capacity: 1, suffix: 'ninechars' }),
      /at most 8 characters/,
    ],
    [
      'a model of another type',
      (s) => s.deployments.create({ modelName: any(7), plan: 'mu', capacity: 1 }),
      /modelName is the number 7/,
    ],
    ['model in place of modelName', (s) => s.deployments.create(any({ model: 'm', plan: 'mu' })), /no 'model'/],
    [
      'what is no JSON',
      (s) => s.deployments.create({ modelName: 'm', plan: 'lora', extraBody: { x: 1n } }),
      /extraBody cannot be written as JSON/,
    ],
    ['pageSize 0', (s) => s.deployments.list({ pageSize: 0 }), /pageSize.*from 1 to 100/],
    ['pageSize 101', (s) => s.quotas.list({ pageSize: 101 }), /pageSize.*from 1 to 100/],
    ['a number as model', (s) => s.quotas.list({ model: any(5) }), /model is the number 5/],
    ['a signal that is none', (s) => s.deployments.get('m', { signal: any({}) }), /AbortSignal/],
    ['an option of another name', (s) => s.deployments.get('m', any({ timeout: 5 })), /options has no 'timeout'/],
    ['no status', (s) => s.deployments.waitFor('m', any(undefined)), /status is undefined/],
    ['no statuses', (s) => s.deployments.waitFor('m', []), /status is an array/],
    ['no time', (s) => s.deployments.waitFor('m', 'RUNNING', { timeoutMs: 0 }), /timeoutMs/],
    ['no pause', (s) => s.deployments.waitFor('m', 'RUNNING', { pollMs: 0 }), /pollMs/],
    ['no function', (s) => s.deployments.waitFor('m', 'RUNNING', { onStatus: any(1) }), /onStatus/],
  ])('%s', async (_, call, rule) => {
    expect(await refused(call)).toMatch(rule)
  })

  it('what the plan of a deployment that was seen does not have', async () => {
    const capacity: Call = ({ deployments }) => deployments.scale('m', { capacity: 4 })
    const throughput: Call = ({ deployments }) => deployments.scale('m', { ptuCapacity: ptu })
    const limits: Call = ({ deployments }) => deployments.update('m', { rpmLimit: 4 })
    expect(await refused(capacity, { plan: 'ptu' })).toMatch(/has the plan ptu: capacity is for the plan mu alone/)
    expect(await refused(capacity, { plan: 'lora' })).toMatch(/has the plan lora/)
    expect(await refused(throughput, { plan: 'mu' })).toMatch(/ptuCapacity is for the plan ptu alone/)
    expect(await refused(limits, { plan: 'ptu' })).toMatch(/rpmLimit and tpmLimit are for the plan mu alone/)
    expect(await refused(capacity, { base_capacity: 3 })).toMatch(/a multiple of 3, the baseCapacity/)
  })
})

describe('a capacity', () => {
  it('passes where it is whole, 0 to 999, and a multiple of the base, and nowhere else', async () => {
    const capacities = fc.oneof(fc.integer({ min: -3, max: 1003 }), fc.double({ min: -1, max: 1001 }))
    await fc.assert(
      fc.asyncProperty(capacities, fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }), async (n, base) => {
        const output = { deployed_model: 'm', status: 'RUNNING', plan: 'mu', base_capacity: base }
        const { studio, service } = world([json({ output })], { minIntervalMs: 0 })
        await studio.deployments.get('m')
        const multiples = Array.from({ length: 1000 }, (_, i) => i * (base ?? 1)).filter((i) => i < 1000)
        const passed = await studio.deployments.scale('m', { capacity: n }).then(
          () => true,
          () => false,
        )
        expect(passed).toBe(multiples.includes(n))
        expect(service.sent.length).toBe(passed ? 2 : 1)
      }),
      runs(200),
    )
  })

  it('is checked by what was seen last, and by nothing after a delete', async () => {
    const row = (more: Partial<Deployment> | object) => json({ output: { deployed_model: 'm', status: 'x', ...more } })
    const { studio, after } = world([
      row({ base_capacity: 4 }),
      row({ base_capacity: 3 }),
      row({ status: 'DELETING' }),
      row({}),
    ])
    await after(studio.deployments.get('m'))
    await expect(studio.deployments.scale('m', { capacity: 3 })).rejects.toThrow('multiple of 4')
    await after(studio.deployments.get('m'))
    await expect(studio.deployments.scale('m', { capacity: 4 })).rejects.toThrow('multiple of 3')
    await after(studio.deployments.delete('m'))
    await after(studio.deployments.scale('m', { capacity: 4 }))
  })

  it('passes for a plan that no document names', async () => {
    const output = { deployed_model: 'm', status: 'RUNNING', plan: 'new' }
    const { studio, service, after } = world([json({ output })])
    await after(studio.deployments.get('m'))
    await after(studio.deployments.scale('m', { capacity: 4 }))
    await after(studio.deployments.create({ modelName: 'm', plan: 'new', capacity: 4, rpmLimit: 1 }))
    expect(service.sent.slice(1).map(({ body }) => body)).toEqual([
      { capacity: 4 },
      { model_name: 'm', plan: 'new', capacity: 4, rpm_limit: 1 },
    ])
  })
})

describe('a client', () => {
  it.each<[object, RegExp]>([
    [{}, /apiKey is undefined/],
    [{ apiKey: '' }, /apiKey is empty/],
    [{ apiKey: 'k', region: 'paris' }, /region is the text "paris": there are singapore, beijing, virginia/],
    [{ apiKey: 'k', region: 'toString' }, /region/],
    [{ apiKey: 'k', region: 'beijing', baseURL: 'https://x/api/v1' }, /give one of them/],
    [{ apiKey: 'k', baseURL: 'dashscope.aliyuncs.com' }, /baseURL is no address/],
    [{ apiKey: 'k', baseURL: 'ftp://x/api/v1' }, /begins with ftp:/],
    [{ apiKey: 'k', baseURL: 'https://x/v1' }, /must end in \/api\/v1/],
    [{ apiKey: 'k', baseUrl: 'https://x/api/v1' }, /did you mean 'baseURL'/],
    [{ apiKey: 'k', timeoutMs: 0 }, /timeoutMs/],
    [{ apiKey: 'k', maxRetries: -1 }, /maxRetries/],
    [{ apiKey: 'k', minIntervalMs: -1 }, /minIntervalMs/],
    [{ apiKey: 'k', workspace: 'a b' }, /workspace/],
    [{ apiKey: 'k', quotasPath: 'quotas' }, /quotasPath/],
    [{ apiKey: 'k', quotasPath: '/../x' }, /quotasPath/],
    [{ apiKey: 'k', fetch: 5 }, /fetch is the number 5: give a function/],
  ])('of %o is refused', (options, message) => {
    expect(() => new ModelStudio(options as ModelStudioOptions)).toThrow(message)
  })

  it.each<[Partial<ModelStudioOptions>, string]>([
    [{}, 'https://dashscope-intl.aliyuncs.com/api/v1'],
    [{ region: 'beijing' }, 'https://dashscope.aliyuncs.com/api/v1'],
    [{ region: 'virginia' }, 'https://dashscope-us.aliyuncs.com/api/v1'],
    [{ baseURL: 'https://ws.cn-beijing.maas.aliyuncs.com' }, 'https://ws.cn-beijing.maas.aliyuncs.com/api/v1'],
    [{ baseURL: 'http://127.0.0.1:80/compatible-mode/v1/' }, 'http://127.0.0.1/api/v1'],
    [{ baseURL: new URL('https://proxy.example/studio/api/v1/') }, 'https://proxy.example/studio/api/v1'],
  ])('of %o asks %s', async (options, base) => {
    const { studio, service } = world([json({ output: { deployed_model: 'm', status: 'x' } })], options)
    await studio.deployments.get('m')
    expect(service.sent[0]!.url).toBe(`${base}/deployments/m`)
  })
})
