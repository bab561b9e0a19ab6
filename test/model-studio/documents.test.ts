import { describe, expect, it } from 'vitest'
import { isHeadgateError } from '../../src/index.js'
import { json } from '../support/fake-fetch.js'
import { denied, errors, HOST, quotas, scale, update } from './fixtures/documents.js'
import { failure, KEY, world } from './setup.js'

describe('an update', () => {
  it('is sent and read as the documents print it', async () => {
    const { studio, service } = world([json(update.answer)])
    const deployment = await studio.deployments.update(update.id, { rpmLimit: 1000, tpmLimit: 200 })
    const [sent] = service.sent
    expect(service.sent).toHaveLength(1)
    expect([sent!.method, sent!.url, sent!.body]).toEqual([update.method, update.url, update.body])
    expect(Object.fromEntries(sent!.headers)).toEqual({
      accept: 'application/json',
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
    })
    expect(deployment).toEqual({
      deployedModel: 'qwen-plus-2025-12-01-b6d61c71',
      gmtCreate: '2026-01-07T13:52:44',
      gmtModified: '2026-01-07T14:01:41',
      status: 'PENDING',
      modelName: 'qwen-plus-2025-12-01',
      baseModel: 'qwen-plus-2025-12-01',
      baseCapacity: 4,
      capacity: 4,
      readyCapacity: 0,
      workspaceId: 'llm-8v53e*******',
      chargeType: 'post_paid',
      creator: '16542902******',
      modifier: '16542902********',
      plan: 'mu',
      modelUnitSpec: 'MU1',
      enableThinking: true,
      maxContextLength: 1,
      rpmLimit: 1000,
      tpmLimit: 200,
    })
  })

  it('sends the one limit that is given', async () => {
    const { studio, service } = world([json(update.answer)])
    await studio.deployments.update(update.id, { tpmLimit: 5 })
    expect(service.sent[0]!.text).toBe('{"tpm_limit":5}')
  })
})

describe('scaling', () => {
  it('is sent and read as the documents print it, with units and with a throughput', async () => {
    const { studio, service, after } = world([json(scale.answer)])
    const deployment = await studio.deployments.scale(scale.id, { capacity: 2 })
    expect(deployment).toMatchObject({ status: 'UPDATING', capacity: 2, readyCapacity: 1, baseCapacity: 1 })
    expect(deployment.gmtModified).toBe('2025-06-17T11:42:02.311')
    expect(deployment.plan).toBeUndefined()
    await after(studio.deployments.scale(scale.id, { ptuCapacity: { inputTpm: 10_000, outputTpm: 1000 } }))
    const [units, throughput] = service.sent
    expect([units!.method, units!.url, units!.body]).toEqual([scale.method, scale.url, scale.body])
    expect([throughput!.method, throughput!.url, throughput!.body]).toEqual([scale.method, scale.url, scale.ptuBody])
  })
})

describe('the other calls', () => {
  it('have the paths of the documents, no body where none is due, and the workspace', async () => {
    const listed = {
      request_id: 'r',
      output: { page_no: 1, page_size: 20, total: 1, deployments: [scale.answer.output] },
    }
    const { studio, service, after } = world([json(scale.answer), json(scale.answer), json(listed)], {
      workspace: 'llm-one',
    })
    await after(studio.deployments.get(scale.id))
    await after(studio.deployments.delete(scale.id))
    expect(await after(studio.deployments.list().all())).toHaveLength(1)
    expect(service.sent.map(({ method, url, text }) => [method, url, text])).toEqual([
      ['GET', `${HOST}/api/v1/deployments/${scale.id}`, ''],
      ['DELETE', `${HOST}/api/v1/deployments/${scale.id}`, ''],
      ['GET', `${HOST}/api/v1/deployments?page_no=1&page_size=20`, ''],
    ])
    for (const { headers } of service.sent) {
      expect(headers.get('x-dashscope-workspace')).toBe('llm-one')
      expect(headers.has('content-type')).toBe(false)
    }
  })

  it('create with every field as the service writes it', async () => {
    const { studio, service } = world([json(update.answer)])
    await studio.deployments.create({
      modelName: 'qwen-plus-2025-12-01',
      plan: 'mu',
      capacity: 4,
      name: 'mine',
      suffix: 'b6d61c71',
      chargeType: 'post_paid',
      rpmLimit: 1000,
      tpmLimit: 200,
      modelUnitSpec: 'MU1',
      enableThinking: true,
      maxContextLength: 1,
      extraBody: { new_field: { x: 1 } },
    })
    const [sent] = service.sent
    expect([sent!.method, sent!.url]).toEqual(['POST', `${HOST}/api/v1/deployments`])
    expect(sent!.body).toEqual({
      model_name: 'qwen-plus-2025-12-01',
      plan: 'mu',
      capacity: 4,
      name: 'mine',
      suffix: 'b6d61c71',
      charge_type: 'post_paid',
      rpm_limit: 1000,
      tpm_limit: 200,
      model_unit_spec: 'MU1',
      enable_thinking: true,
      max_context_length: 1,
      new_field: { x: 1 },
    })
  })

  it('create with a throughput', async () => {
    const { studio, service } = world([json(update.answer)])
    const ptuCapacity = { inputTpm: 10_000, outputTpm: 1000, thinkingOutputTpm: 0 }
    await studio.deployments.create({ modelName: 'm', plan: 'ptu', ptuCapacity })
    expect(service.sent[0]!.body).toEqual({
      model_name: 'm',
      plan: 'ptu',
      ptu_capacity: { input_tpm: 10_000, output_tpm: 1000, thinking_output_tpm: 0 },
    })
  })
})

describe('the table of quotas', () => {
  it('is read as the service writes it, and in our terms', async () => {
    const { studio, service } = world([json(quotas.answer)])
    const [plus, embedding] = await studio.quotas.list().all()
    expect(service.sent.map(({ method, url }) => [method, url])).toEqual([['GET', quotas.url]])
    expect(plus).toEqual({
      model: 'qwen-plus',
      workspaceId: 'llm-v71tlv3dezezp2en',
      modelLimit: {
        requestLimit: 15_000,
        requestLimitPeriod: 60,
        usageLimit: 1_200_000,
        usageLimitField: 'total_tokens',
        usageLimitPeriod: 60,
      },
      accountLimits: { rpm: 15_000, tpm: 1_200_000 },
      limits: { rpm: 15_000, tpm: 1_200_000 },
    })
    expect(embedding!.accountLimits).toEqual({ rps: 30 })
    expect(embedding!.limits).toEqual({ rps: 30, rpm: 600, tpm: 5000 })
  })

  it('is asked for by part of a name or by the whole, elsewhere where that is said', async () => {
    const { studio, service, after } = world([json(quotas.answer)], { quotasPath: '/models/limits' })
    await after(studio.quotas.list({ name: 'qwen', pageSize: 50 }).all())
    await after(studio.quotas.list({ model: 'a&b' }).all())
    expect(service.sent.map(({ url }) => url)).toEqual([
      `${HOST}/api/v1/models/limits?name=qwen&page_no=1&page_size=50`,
      `${HOST}/api/v1/models/limits?model=a%26b&page_no=1&page_size=20`,
    ])
  })
})

describe('the errors of the documents', () => {
  it.each([
    ['NotFound', 'not_found', errors.notFound, 404],
    ['NotFound', 'not_found', errors.notFound, 400],
    ['Conflict', 'conflict', errors.conflict, 409],
    ['Conflict', 'conflict', errors.conflict, 400],
    ['InvalidParameter', 'invalid_parameter', errors.invalidParameter, 400],
    // Some gateways refuse with status 200.
    ['NotFound', 'not_found', errors.notFound, 200],
  ] as const)('%s is told by its code (%s), whatever its status: %o with %d', async (name, code, body, status) => {
    const { studio, service } = world([json(body, status)])
    const error = await failure(studio.deployments.get('one'))
    expect([error.name, error.code, error.serviceCode, error.status]).toEqual([name, code, body.code, status])
    expect(error.requestId).toBe(body.request_id)
    expect(error.message).toContain(body.message)
    expect(error.message).toContain(body.request_id)
    expect(isHeadgateError(error, code)).toBe(true)
    expect(service.sent).toHaveLength(1)
  })

  it.each(denied)('%s: permission denied', async (message) => {
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [400, 'Forbidden'],
      [400, 'InvalidOperation'],
    ] as const) {
      const { studio } = world([json({ request_id: 'r-1', code, message }, status)])
      const error = await failure(studio.deployments.get('one'))
      expect([error.code, error.serviceCode, error.requestId]).toEqual(['permission_denied', code, 'r-1'])
    }
  })

  it.each([
    [401, { code: 'InvalidApiKey', message: 'Invalid API-key provided.' }, 'permission_denied'],
    [
      400,
      { error: { code: 'Arrearage', message: 'Access denied, please make sure your account is in good standing.' } },
      'permission_denied',
    ],
    [429, { code: 'PrepaidBillOverdue', message: 'The prepaid bill is overdue.' }, 'throttled'],
    [404, {}, 'not_found'],
    [409, {}, 'conflict'],
    [422, {}, 'invalid_parameter'],
    [403, '', 'permission_denied'],
  ] as const)('%d %o is %s, and is not repeated', async (status, body, code) => {
    const { studio, service } = world([json(body, status, { 'x-request-id': 'from-header' })])
    const error = await failure(studio.deployments.get('one'))
    expect([error.code, error.requestId]).toEqual([code, 'from-header'])
    expect(service.sent).toHaveLength(1)
  })
})
