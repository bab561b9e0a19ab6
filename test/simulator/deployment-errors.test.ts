import { describe, expect, it } from 'vitest'
import { call, model, opened, order } from './deployment-setup.js'
import type { Answer } from './deployment-setup.js'

describe('the errors of the control plane', () => {
  it('have the form and the messages of the documents', async () => {
    const { simulator, create } = await opened({ controlPlane: { baseCapacity: { [model]: 4 } } })
    const name = await create()
    const missing = await call(simulator, 'PUT', '/qwen-plus-20230703-cx7f/scale', { capacity: 1 })
    expect(missing[0]).toBe(404)
    expect(missing[1]).toEqual({
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      message: 'Model: qwen-plus-20230703-cx7f not found!',
      code: 'NotFound',
    })
    expect(await call(simulator, 'POST', '', { ...order, model_name: 'unheard-of' })).toMatchObject([
      404,
      { message: 'Model: unheard-of not found!' },
    ])
    expect(await call(simulator, 'POST', '', order)).toMatchObject([
      409,
      { code: 'Conflict', message: `Deployed model ${name} already exists, please specify a suffix.` },
    ])
    expect(await call(simulator, 'PUT', `/${name}/scale`, { capacity: 6 })).toMatchObject([
      400,
      {
        code: 'InvalidParameter',
        message:
          'Invalid capacity (6), capacity must be larger than or equal to 0 and multiples of 4 and less than 1000!',
      },
    ])
  })

  it.each<[object]>([
    [{}],
    [{ model_name: 7 }],
    [{ ...order, plan: 'other' }],
    [{ ...order, capacity: -1 }],
    [{ ...order, capacity: 1000 }],
    [{ ...order, capacity: 1.5 }],
    [{ model_name: model, plan: 'mu' }],
    [{ ...order, suffix: 'ninechars' }],
    [{ ...order, suffix: '' }],
    [{ ...order, rpm_limit: 0 }],
    [{ model_name: model, plan: 'ptu' }],
    [{ model_name: model, plan: 'ptu', ptu_capacity: { input_tpm: 1 } }],
  ])('refuse to create a deployment from %o', async (body) => {
    const { simulator } = await opened()
    expect(await call(simulator, 'POST', '', body)).toMatchObject([400, { code: 'InvalidParameter' }])
  })

  it('refuse changes that a plan does not support, and malformed bodies', async () => {
    const { simulator, create } = await opened()
    const lora = await create({ model_name: model, plan: 'lora' })
    for (const [path, body] of [
      [`/${lora}/update`, { rpm_limit: 5 }],
      [`/${lora}/update`, {}],
      [`/${lora}/update`, { rpm_limit: '5' }],
      [`/${lora}/scale`, { capacity: 2 }],
    ] as const) {
      expect(await call(simulator, 'PUT', path, body)).toMatchObject([400, { code: 'InvalidParameter' }])
    }
    const url = new URL('/api/v1/deployments', simulator.url)
    const broken = await fetch(url, { method: 'POST', body: '{' })
    expect([broken.status, ((await broken.json()) as Answer).code]).toEqual([400, 'InvalidParameter'])
    const wrong = await fetch(url, { method: 'PATCH', body: '{}' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, GET'])
  })
})
