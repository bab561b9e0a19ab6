import { describe, expect, it } from 'vitest'
import { call, MINUTE, model, opened, order } from './deployment-setup.js'
import { messages, post } from './setup.js'

describe('a deployment', () => {
  it('has the fields of the documents’ example, in the same order', async () => {
    const { clock, simulator } = await opened({ controlPlane: { baseCapacity: { [model]: 4 } } })
    const [created, { request_id, output }] = await call(simulator, 'POST', '', order)
    expect(created).toBe(200)
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
    const name = String(output['deployed_model'])
    expect(name).toMatch(/^qwen-plus-2025-12-01-[0-9a-f]{8}$/)
    clock.advance(10_000)
    const [status, updated] = await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 1000, tpm_limit: 200 })
    expect(status).toBe(200)
    expect(Object.entries(updated.output)).toEqual([
      ['deployed_model', name],
      ['gmt_create', '2026-01-07T13:52:44'],
      ['gmt_modified', '2026-01-07T13:52:54'],
      ['status', 'PENDING'],
      ['model_name', model],
      ['base_model', model],
      ['base_capacity', 4],
      ['capacity', 4],
      ['ready_capacity', 0],
      ['workspace_id', 'llm-simulated'],
      ['charge_type', 'post_paid'],
      ['creator', 'simulated'],
      ['modifier', 'simulated'],
      ['plan', 'mu'],
      ['model_unit_spec', 'MU1'],
      ['enable_thinking', true],
      ['max_context_length', 1],
      ['rpm_limit', 1000],
      ['tpm_limit', 200],
    ])
  })

  it('is RUNNING after 5 to 10 minutes, and serves requests from then on', async () => {
    const { clock, create, status, ask } = await opened()
    const name = await create()
    const seen: unknown[] = [await status(name)]
    expect(await ask(name)).toBe(404)
    clock.advance(MINUTE)
    seen.push(await status(name))
    clock.advance(4 * MINUTE - 1)
    seen.push(await status(name))
    clock.advance(5 * MINUTE + 1)
    seen.push(await status(name))
    expect(seen).toEqual(['PENDING', 'DEPLOYING', 'DEPLOYING', 'RUNNING'])
    expect(await ask(name)).toBe(200)
  })

  it('is UPDATING with its old units while it is scaled', async () => {
    const { clock, simulator, create } = await opened({ controlPlane: { deployMs: [0, 0], scaleMs: 1000 } })
    const name = await create({ model_name: 'emo', capacity: 1, suffix: 'sample01' })
    expect(name).toMatch(/^emo-[0-9a-f]{8}-sample01$/)
    clock.advance(1500)
    const [status, { output }] = await call(simulator, 'PUT', `/${name}/scale`, { capacity: 2 })
    expect(status).toBe(200)
    expect(output).toMatchObject({
      deployed_model: name,
      gmt_create: '2026-01-07T13:52:44',
      gmt_modified: '2026-01-07T13:52:45.500',
      status: 'UPDATING',
      model_name: 'emo',
      base_capacity: 1,
      capacity: 2,
      ready_capacity: 1,
    })
    clock.advance(1000)
    expect((await call(simulator, 'GET', `/${name}`))[1].output).toMatchObject({ status: 'RUNNING', ready_capacity: 2 })
    await call(simulator, 'PUT', `/${name}/scale`, { capacity: 0 })
    clock.advance(1000)
    expect((await call(simulator, 'GET', `/${name}`))[1].output).toMatchObject({ status: 'STOPPED', ready_capacity: 0 })
  })

  it('is SCALING with scalingStatus, and FAILED if failsToDeploy says so', async () => {
    const controlPlane = {
      deployMs: [0, 0],
      scalingStatus: 'SCALING',
      failsToDeploy: (name: string) => name.endsWith('bad'),
    } as const
    const { simulator, create, status, ask } = await opened({ controlPlane })
    const name = await create()
    await call(simulator, 'PUT', `/${name}/scale`, { capacity: 5 })
    expect(await status(name)).toBe('SCALING')
    expect(await ask(name)).toBe(200)
    const bad = await create({ ...order, suffix: 'bad' })
    expect(await status(bad)).toBe('FAILED')
    expect(await ask(bad)).toBe(404)
  })

  it('has its own limits, and new ones after an update', async () => {
    const controlPlane = { deployMs: [0, 0], updateMs: 1000 } as const
    const { clock, simulator, create, status, ask } = await opened({ controlPlane })
    const name = await create({ ...order, rpm_limit: 1 })
    expect([await ask(name), await ask(name)]).toEqual([200, 429])
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 2 })
    expect([await status(name), await ask(name)]).toEqual(['UPDATING', 429])
    clock.advance(1000)
    expect([await status(name), await ask(name), await ask(name)]).toEqual(['RUNNING', 200, 429])
    expect(simulator.ledger().models[name]?.windows.rpm).toMatchObject({ limit: 2, used: 2 })
  })

  it('serves by its old limits during an update, also if it had no request before', async () => {
    const controlPlane = { deployMs: [0, 0], updateMs: 1000 } as const
    const { clock, simulator, create, ask } = await opened({ controlPlane })
    const name = await create({ ...order, rpm_limit: 1 })
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 3 })
    expect([await ask(name), await ask(name)]).toEqual([200, 429])
    clock.advance(1000)
    expect([await ask(name), await ask(name), await ask(name)]).toEqual([200, 200, 429])
  })

  it('with provisioned throughput overflows to the public limits of its model', async () => {
    const { clock, simulator, create } = await opened({ controlPlane: { deployMs: [0, 0], scaleMs: 1000 } })
    const ptu_capacity = { input_tpm: 20, output_tpm: 100, thinking_output_tpm: 50 }
    const name = await create({ model_name: model, plan: 'ptu', ptu_capacity })
    const overflow = async (): Promise<string | null> => {
      const body = JSON.stringify({ model: name, messages, max_tokens: 1 })
      return (await post(simulator, '/v1/chat/completions', body)).headers.get('x-dashscope-ptu-overflow')
    }
    expect([await overflow(), await overflow()]).toEqual([null, 'true'])
    const [, { output }] = await call(simulator, 'PUT', `/${name}/scale`, {
      ptu_capacity: { input_tpm: 40, output_tpm: 100 },
    })
    expect(output).toMatchObject({ plan: 'ptu', ptu_capacity: { input_tpm: 40, output_tpm: 100 } })
    clock.advance(1000)
    expect([await overflow(), await overflow()]).toEqual([null, 'true'])
    expect(simulator.ledger().models[model]?.windows.rpm?.used).toBe(2)
  })

  it('that is deleted is DELETING first, and gone after deleteMs', async () => {
    const { clock, simulator, create, status, ask } = await opened({
      controlPlane: { deployMs: [0, 0], deleteMs: 1000 },
    })
    const name = await create()
    expect(await ask(name)).toBe(200)
    const [deleted, { output }] = await call(simulator, 'DELETE', `/${name}`)
    expect([deleted, output['status'], output['ready_capacity']]).toEqual([200, 'DELETING', 0])
    expect((await call(simulator, 'PUT', `/${name}/scale`, { capacity: 1 }))[0]).toBe(409)
    expect(await ask(name)).toBe(404)
    clock.advance(999)
    expect(await status(name)).toBe('DELETING')
    clock.advance(1)
    expect(await call(simulator, 'GET', `/${name}`)).toMatchObject([
      404,
      { code: 'NotFound', message: `Model: ${name} not found!` },
    ])
    expect(await create()).toBe(name)
  })
})
