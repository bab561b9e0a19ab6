import { describe, expect, it } from 'vitest'
import { call, limits, model, opened, order } from './deployment-setup.js'

const atOnce = { deployMs: [0, 0], scaleMs: 1000, updateMs: 1000, deleteMs: 1000 } as const

describe('a deployment without model units', () => {
  it('is STOPPED and serves no requests, whether it was created or scaled to 0 units', async () => {
    const { clock, simulator, create, status, ask } = await opened({ controlPlane: atOnce })
    const name = await create({ ...order, capacity: 0 })
    expect([await status(name), await ask(name)]).toEqual(['STOPPED', 404])
    const other = await create({ ...order, suffix: 'other' })
    await call(simulator, 'PUT', `/${other}/scale`, { capacity: 0 })
    expect(await ask(other)).toBe(200)
    clock.advance(1000)
    expect([await status(other), await ask(other)]).toEqual(['STOPPED', 404])
  })

  it('serves requests only when the units that it is scaled to are ready', async () => {
    const { clock, simulator, create, status, ask } = await opened({ controlPlane: atOnce })
    const name = await create({ ...order, capacity: 0 })
    const [, { output }] = await call(simulator, 'PUT', `/${name}/scale`, { capacity: 2 })
    expect(output).toMatchObject({ status: 'UPDATING', capacity: 2, ready_capacity: 0 })
    expect(await ask(name)).toBe(404)
    clock.advance(999)
    expect(await ask(name)).toBe(404)
    clock.advance(1)
    expect([await status(name), await ask(name)]).toEqual(['RUNNING', 200])
  })

  it('stays STOPPED when its limits are updated', async () => {
    const { clock, simulator, create, status, ask } = await opened({ controlPlane: atOnce })
    const name = await create({ ...order, capacity: 0 })
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 5 })
    expect([await status(name), await ask(name)]).toEqual(['UPDATING', 404])
    clock.advance(1000)
    expect([await status(name), await ask(name)]).toEqual(['STOPPED', 404])
  })
})

describe('two changes at once', () => {
  it('are complete when the slower one is', async () => {
    const { clock, simulator, create, status } = await opened({ controlPlane: { ...atOnce, updateMs: 10 } })
    const name = await create()
    await call(simulator, 'PUT', `/${name}/scale`, { capacity: 8 })
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 5 })
    clock.advance(999)
    expect(await status(name)).toBe('UPDATING')
    clock.advance(1)
    expect((await call(simulator, 'GET', `/${name}`))[1].output).toMatchObject({ ready_capacity: 8, rpm_limit: 5 })
  })
})

describe('the status of an update', () => {
  it('is PENDING with updatingStatus, and the deployment still serves by its old limits', async () => {
    const { clock, simulator, create, status, ask } = await opened({
      controlPlane: { ...atOnce, updatingStatus: 'PENDING' },
    })
    const name = await create({ ...order, rpm_limit: 1 })
    expect(await ask(name)).toBe(200)
    const [, { output }] = await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 2 })
    expect([output['status'], await ask(name)]).toEqual(['PENDING', 429])
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 3 })
    clock.advance(1000)
    expect([await status(name), await ask(name), await ask(name), await ask(name)]).toEqual(['RUNNING', 200, 200, 429])
  })
})

describe('limits that setLimits sets for a deployment', () => {
  it('replace its own limits, and end with it', async () => {
    const { clock, simulator, create, ask } = await opened({ controlPlane: atOnce })
    const name = await create()
    simulator.setLimits(name, { rpm: 1 })
    expect([await ask(name), await ask(name)]).toEqual([200, 429])
    await call(simulator, 'DELETE', `/${name}`)
    expect(await ask(name)).toBe(404)
    clock.advance(60_000)
    expect(await ask(name)).toBe(404)
    expect(await create()).toBe(name)
    expect([await ask(name), await ask(name)]).toEqual([200, 200])
  })

  it('do not make it serve before it is RUNNING', async () => {
    const { clock, simulator, create, ask } = await opened({ controlPlane: { ...atOnce, deployMs: [5000, 5000] } })
    const name = await create()
    simulator.setLimits(name, { rpm: 1 })
    expect(await ask(name)).toBe(404)
    clock.advance(5000)
    expect([await ask(name), await ask(name)]).toEqual([200, 429])
  })

  it('leave its provisioned throughput unchanged', async () => {
    const { simulator, create, ask } = await opened({ controlPlane: atOnce })
    const name = await create({ model_name: model, plan: 'ptu', ptu_capacity: { input_tpm: 20, output_tpm: 100 } })
    simulator.setLimits(name, { rpm: 5 })
    expect([await ask(name), await ask(name)]).toEqual([200, 200])
    expect(simulator.ledger().entries.map(({ overflow }) => overflow === true)).toEqual([false, true])
  })
})

describe('the limits of an update', () => {
  it('apply from the end of the update, not from the next request, as the ledger shows', async () => {
    const { clock, simulator, create, ask } = await opened({ limits, minuteWindow: 'bucket', controlPlane: atOnce })
    const name = await create({ ...order, rpm_limit: 1 })
    await ask(name)
    await call(simulator, 'PUT', `/${name}/update`, { rpm_limit: 60 })
    clock.advance(2000)
    // One second drains at one per minute, the next at one per second. The bucket is then empty.
    expect(simulator.ledger().models[name]?.windows.rpm).toEqual({ limit: 60, used: 0, peak: 1 })
  })
})

describe('the plan lora', () => {
  it('has the limits of its model, also after they change', async () => {
    const { simulator, create, ask } = await opened({ controlPlane: atOnce })
    const name = await create({ model_name: model, plan: 'lora' })
    expect(await ask(name)).toBe(200)
    simulator.setLimits(model, { rpm: 1 })
    expect(await ask(name)).toBe(429)
    expect(simulator.ledger().models[name]?.windows.rpm).toMatchObject({ limit: 1, used: 1 })
  })
})
