import { describe, expect, it } from 'vitest'
import { DeploymentFailed } from '../../src/model-studio/index.js'
import { json, silence, throwing, type FakeAnswer } from '../support/fake-fetch.js'
import { errors } from './fixtures/documents.js'
import { failure, world } from './setup.js'

const at = (status: string): FakeAnswer => json({ output: { deployed_model: 'm', status, capacity: 4 } })
const gone = json(errors.notFound, 404)
const down = json({ code: 'InternalError', message: 'down' }, 500)

describe('waiting', () => {
  it('looks every ten seconds until the status is there, and tells each change once', async () => {
    const { studio, service, clock, after } = world(['PENDING', 'DEPLOYING', 'DEPLOYING', 'RUNNING'].map(at))
    const seen: string[] = []
    const start = clock.now()
    const onStatus = ({ status }: { readonly status: string }): void => void seen.push(status)
    const found = await after(studio.deployments.waitFor('m', 'RUNNING', { onStatus }))
    expect(found).toEqual({ deployedModel: 'm', status: 'RUNNING', capacity: 4 })
    expect(seen).toEqual(['PENDING', 'DEPLOYING', 'RUNNING'])
    expect(service.sent).toHaveLength(4)
    expect(clock.now() - start).toBe(30_000)
    expect(clock.pending).toBe(0)
  })

  it('ends at once where it is so already, at any of several, and at one that nobody named', async () => {
    for (const status of ['RUNNING', ['STOPPED', 'RUNNING']] as const) {
      const { studio, service } = world([at('RUNNING')])
      await studio.deployments.waitFor('m', status)
      expect(service.sent).toHaveLength(1)
    }
    const { studio, after } = world([at('RUNNING'), at('RESIZING')])
    expect(await after(studio.deployments.waitFor('m', 'RESIZING'))).toMatchObject({ status: 'RESIZING' })
  })

  it('goes on through statuses that nobody named, and STOPPED', async () => {
    const { studio, after } = world([at('RESTORING'), at('STOPPED'), at('RUNNING')])
    expect(await after(studio.deployments.waitFor('m', 'RUNNING'))).toMatchObject({ status: 'RUNNING' })
  })

  it.each(['FAILED', 'DELETING'])('ends where it is %s, which will not become what was awaited', async (status) => {
    const { studio, after } = world([at('DEPLOYING'), at(status)])
    const error = await failure(after(studio.deployments.waitFor('m', ['RUNNING', 'STOPPED'])))
    expect(error).toBeInstanceOf(DeploymentFailed)
    expect(error).toMatchObject({ code: 'deployment_failed', deployment: { deployedModel: 'm', status } })
    expect(error.message).toBe(`m is ${status}, and will not be RUNNING or STOPPED`)
    const awaited = world([at(status)])
    expect(await awaited.studio.deployments.waitFor('m', status)).toMatchObject({ status })
  })

  it('waits until it is gone, with what was seen last', async () => {
    const { studio, after } = world([at('FAILED'), at('DELETING'), gone])
    const found = await after(studio.deployments.waitFor('m', 'GONE'))
    expect(found).toEqual({ deployedModel: 'm', status: 'GONE', capacity: 4 })
    const never = world([gone])
    expect(await never.studio.deployments.waitFor('m', ['GONE', 'RUNNING'])).toEqual({
      deployedModel: 'm',
      status: 'GONE',
    })
    const running = world([at('DEPLOYING'), gone])
    const call = running.after(running.studio.deployments.waitFor('m', 'RUNNING'))
    expect(await failure(call)).toMatchObject({ code: 'not_found' })
  })

  it('ends at its time, between two looks and in the middle of one', async () => {
    for (const answers of [[at('DEPLOYING')], [at('DEPLOYING'), silence]]) {
      const { studio, clock, after } = world(answers)
      const start = clock.now()
      const call = after(studio.deployments.waitFor('m', 'RUNNING', { timeoutMs: 12_500, pollMs: 5000 }))
      const error = await failure(call)
      expect([error.code, error.message]).toEqual(['timed_out', 'm is DEPLOYING after 12500 ms of waiting for RUNNING'])
      expect(clock.now() - start).toBe(12_500)
      expect(clock.pending).toBe(0)
    }
  })

  it('waits through faults of the service, and says the last one where its time is over', async () => {
    const { studio, after } = world([at('DEPLOYING'), down, throwing(new Error('reset')), at('RUNNING')], {
      maxRetries: 0,
    })
    expect(await after(studio.deployments.waitFor('m', 'RUNNING'))).toMatchObject({ status: 'RUNNING' })
    const broken = world([down], { maxRetries: 0 })
    const error = await failure(broken.after(broken.studio.deployments.waitFor('m', 'RUNNING', { timeoutMs: 60_000 })))
    expect(error.message).toMatch(
      /^m was never seen after 60000 ms of waiting for RUNNING; the last look failed: .*down/,
    )
    expect(error.cause).toMatchObject({ code: 'service_unavailable' })
  })

  it('ends at once where it may not look, or gets what it cannot read', async () => {
    for (const [answer, code] of [
      [json({ code: 'AccessDenied', message: 'no' }, 403), 'permission_denied'],
      [json('<html></html>'), 'unexpected_answer'],
    ] as const) {
      const { studio, service } = world([answer])
      expect((await failure(studio.deployments.waitFor('m', 'RUNNING'))).code).toBe(code)
      expect(service.sent).toHaveLength(1)
    }
  })

  it('ends with the reason of its signal, and with what onStatus throws', async () => {
    const { studio, clock, after } = world([at('DEPLOYING')])
    const controller = new AbortController()
    const call = studio.deployments.waitFor('m', 'RUNNING', { signal: controller.signal })
    await clock.advance(15_000)
    controller.abort('enough')
    await expect(call).rejects.toBe('enough')
    const onStatus = (): void => {
      throw new RangeError('mine')
    }
    await expect(after(studio.deployments.waitFor('m', 'RUNNING', { onStatus }))).rejects.toThrow(RangeError)
    expect(clock.pending).toBe(0)
  })

  it('has no end where that is asked for', async () => {
    const { studio, clock, after } = world([...Array.from({ length: 1000 }, () => at('PENDING')), at('RUNNING')])
    const start = clock.now()
    await after(studio.deployments.waitFor('m', 'RUNNING', { timeoutMs: Infinity }))
    expect(clock.now() - start).toBe(10_000_000)
  })
})
