import { describe, expect, it } from 'vitest'
import { call, limits, MINUTE, model, opened, order } from './deployment-setup.js'
import type { Output } from './deployment-setup.js'
import { clientOf, refusalOf } from './setup.js'

describe('the list', () => {
  it('of deployments has pages, with the newest deployment first', async () => {
    const { simulator, create } = await opened()
    const names = [await create(), await create({ ...order, suffix: 'b' }), await create({ ...order, suffix: 'c' })]
    const [status, { output }] = await call(simulator, 'GET', '?page_no=1&page_size=2')
    expect(status).toBe(200)
    expect([output['page_no'], output['page_size'], output['total']]).toEqual([1, 2, 3])
    expect((output['deployments'] as Output[]).map((one) => one['deployed_model'])).toEqual([names[2], names[1]])
    const [, second] = await call(simulator, 'GET', '?page_no=2&page_size=2')
    expect((second.output['deployments'] as Output[]).map((one) => one['deployed_model'])).toEqual([names[0]])
    expect((await call(simulator, 'GET', '?page_no=x'))[0]).toBe(400)
  })

  it('of deployable models has the base capacity of each', async () => {
    const { simulator } = await opened({
      controlPlane: { deployable: [model, 'glm-5'], baseCapacity: { 'glm-5': 16 } },
    })
    const [, { output }] = await call(simulator, 'GET', '/models')
    expect(output).toEqual({
      page_no: 1,
      page_size: 10,
      total: 2,
      models: [
        { model_name: model, base_capacity: 1, plans: ['mu', 'ptu', 'lora'] },
        { model_name: 'glm-5', base_capacity: 16, plans: ['mu', 'ptu', 'lora'] },
      ],
    })
  })

  it('of deployable models has the models of the table, without the retired ones', async () => {
    const { simulator, create } = await opened({ limits: { ...limits, retired: { rpm: 0, tpm: 0 } } })
    simulator.setLimits('added', { rpm: 1 })
    await create()
    const [, { output }] = await call(simulator, 'GET', '/models')
    expect((output['models'] as Output[]).map((one) => one['model_name'])).toEqual([model, 'emo', 'added'])
  })

  it('of all models and the live table contain a deployment while it runs, even before its first request', async () => {
    const { clock, simulator, create } = await opened()
    const listed = async (): Promise<string[]> => (await clientOf(simulator).models.list()).data.map(({ id }) => id)
    const quotas = async (): Promise<string[]> => {
      const response = await fetch(new URL('/api/v1/quotas', simulator.url))
      const { output } = (await response.json()) as { output: { quotas: { model: string }[] } }
      return output.quotas.map((quota) => quota.model)
    }
    const name = await create()
    expect([await listed(), await quotas()]).toEqual([
      [model, 'emo'],
      ['emo', model],
    ])
    clock.advance(10 * MINUTE)
    expect([await listed(), await quotas()]).toEqual([
      [model, 'emo', name],
      ['emo', model, name],
    ])
  })
})

it('a deployment is not a model of the account until it runs', async () => {
  const { clock, simulator, create } = await opened()
  const name = await create()
  const client = clientOf(simulator)
  expect((await refusalOf(client.models.retrieve(name))).status).toBe(404)
  clock.advance(10 * MINUTE)
  expect((await client.models.retrieve(name)).id).toBe(name)
})
