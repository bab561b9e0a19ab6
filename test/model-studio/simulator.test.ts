import { describe, expect, it } from 'vitest'
import { failure, simulated } from './setup.js'

const MINUTE = 60_000
const model = 'qwen-plus-2025-12-01'
const limits = { [model]: { rpm: 120, tpm: 1_000_000 }, 'qwen-max': { rpm: 60, tpm: 100_000 } }
const order = { modelName: model, plan: 'mu', capacity: 4, rpmLimit: 600 } as const

describe('against the simulator', () => {
  it('a deployment is made, waited for, changed, scaled and deleted', async () => {
    const { studio, clock, after } = await simulated({ limits, controlPlane: { baseCapacity: { [model]: 4 } } })
    const { deployments } = studio
    const made = await after(deployments.create({ ...order, suffix: 'mine', enableThinking: true }))
    expect(made).toMatchObject({
      status: 'PENDING',
      plan: 'mu',
      capacity: 4,
      readyCapacity: 0,
      baseCapacity: 4,
      rpmLimit: 600,
    })
    const id = made.deployedModel
    const seen: string[] = []
    const running = await after(
      deployments.waitFor(id, 'RUNNING', { onStatus: ({ status }) => void seen.push(status) }),
    )
    expect(running).toMatchObject({ readyCapacity: 4, enableThinking: true })
    expect(seen).toEqual(['PENDING', 'DEPLOYING', 'RUNNING'])
    expect(clock.now()).toBeGreaterThan(5 * MINUTE)
    expect(clock.now()).toBeLessThan(10 * MINUTE + 20_000)

    expect(await after(deployments.update(id, { tpmLimit: 5000 }))).toMatchObject({
      status: 'UPDATING',
      rpmLimit: 600,
      tpmLimit: 5000,
    })
    await after(deployments.waitFor(id, 'RUNNING'))
    await expect(deployments.scale(id, { capacity: 6 })).rejects.toThrow('multiple of 4')
    expect(await after(deployments.scale(id, { capacity: 8 }))).toMatchObject({ capacity: 8, readyCapacity: 4 })
    expect(await after(deployments.waitFor(id, 'RUNNING'))).toMatchObject({ capacity: 8, readyCapacity: 8 })

    expect(await after(deployments.list().all())).toMatchObject([{ deployedModel: id, status: 'RUNNING' }])
    expect(await after(deployments.delete(id))).toMatchObject({ status: 'DELETING' })
    expect(await after(deployments.waitFor(id, 'GONE'))).toMatchObject({ status: 'GONE' })
    expect(await failure(after(deployments.get(id)))).toMatchObject({ code: 'not_found', status: 404 })
    expect(await after(deployments.list().all())).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('a throughput is bought and scaled', async () => {
    const { studio, after } = await simulated({ limits })
    const ptuCapacity = { inputTpm: 10_000, outputTpm: 1000 }
    const { deployedModel } = await after(studio.deployments.create({ modelName: model, plan: 'ptu', ptuCapacity }))
    await after(studio.deployments.waitFor(deployedModel, 'RUNNING'))
    await expect(studio.deployments.scale(deployedModel, { capacity: 1 })).rejects.toThrow('has the plan ptu')
    const larger = { inputTpm: 20_000, outputTpm: 2000, thinkingOutputTpm: 500 }
    const scaled = await after(studio.deployments.scale(deployedModel, { ptuCapacity: larger }))
    expect(scaled.ptuCapacity).toEqual(larger)
  })

  it('a deployment that fails ends the wait', async () => {
    const { studio, after } = await simulated({ limits, controlPlane: { failsToDeploy: () => true } })
    const { deployedModel } = await after(studio.deployments.create(order))
    expect(await failure(after(studio.deployments.waitFor(deployedModel, 'RUNNING')))).toMatchObject({
      code: 'deployment_failed',
      deployment: { status: 'FAILED' },
    })
  })

  it('its refusals are errors of their class, with the id of the request', async () => {
    const { studio, after } = await simulated({ limits })
    const { deployments } = studio
    const { deployedModel } = await after(deployments.create(order))
    const cases = [
      ['conflict', 409, () => deployments.create(order)],
      ['not_found', 404, () => deployments.create({ ...order, modelName: 'unheard-of' })],
      ['not_found', 404, () => deployments.update('nobody', { rpmLimit: 1 })],
      ['invalid_parameter', 400, () => deployments.create({ ...order, plan: 'other' })],
    ] as const
    for (const [code, status, call] of cases) {
      const error = await failure(after(call()))
      expect([error.code, error.status]).toEqual([code, status])
      expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/)
    }
    await after(deployments.delete(deployedModel))
    expect(await failure(after(deployments.update(deployedModel, { rpmLimit: 1 })))).toMatchObject({ code: 'conflict' })
  })

  it('a key that is not known is denied', async () => {
    const { studio, after } = await simulated({ limits, apiKeys: ['another'] })
    for (const call of [studio.quotas.list().all(), studio.deployments.get('m')]) {
      expect(await failure(after<unknown>(call))).toMatchObject({
        code: 'permission_denied',
        status: 401,
        serviceCode: 'InvalidApiKey',
      })
    }
  })

  it('lists are paged: every deployment and every quota comes once', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 47 }, (_, i) => [`model-${String(i).padStart(2, '0')}`, { rpm: i + 1 }]),
    )
    const { studio, after } = await simulated({ limits: many })
    const names: string[] = []
    for (const modelName of Object.keys(many).slice(0, 7)) {
      names.push((await after(studio.deployments.create({ modelName, plan: 'mu', capacity: 1 }))).deployedModel)
    }
    const all = await after(studio.deployments.list({ pageSize: 3 }).all())
    expect(all.map(({ deployedModel }) => deployedModel)).toEqual(names.toReversed())
    const quotas = await after(studio.quotas.list().all())
    expect(quotas.map(({ model, limits }) => [model, limits.rpm])).toEqual(
      Object.entries(many).map(([model, { rpm }]) => [model, rpm]),
    )
  })

  it('the quotas of a workspace are its own and the lower ones', async () => {
    const workspaces = { 'llm-one': { 'qwen-max': { rpm: 30 } } }
    const { studio, after } = await simulated({ limits, workspaces }, { workspace: 'llm-one' })
    const [max] = await after(studio.quotas.list({ model: 'qwen-max' }).all())
    expect(max).toMatchObject({
      model: 'qwen-max',
      workspaceId: 'llm-one',
      accountLimits: { rpm: 60, tpm: 100_000 },
      limits: { rpm: 30, tpm: 100_000 },
    })
    const [other] = await after(studio.quotas.list({ name: 'plus' }).all())
    expect(other).toMatchObject({ model, limits: limits[model] })
    expect(other!.workspaceLimit).toBeUndefined()
  })

  it('is asked elsewhere where its table is elsewhere', async () => {
    const options = { limits, controlPlane: { quotasPath: '/api/v1/models/limits' } }
    const { studio, after } = await simulated(options, { quotasPath: '/models/limits' })
    expect(await after(studio.quotas.list().all())).toHaveLength(2)
  })
})
