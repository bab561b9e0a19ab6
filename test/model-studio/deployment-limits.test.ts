import { describe, expect, test } from 'vitest'
import { InvalidLimits, InvalidRequest } from '../../src/index.js'
import { joinLimits } from '../../src/limits/index.js'
import { type Deployment, deploymentLimits, type DeploymentLimitsOptions } from '../../src/model-studio/index.js'
import { refusal, setup } from '../dispatch/setup.js'
import { FakeStudio } from './fake-studio.js'

const ID = 'qwen-plus-2025-12-01-b6d61c71'
const units: Deployment = {
  deployedModel: ID,
  status: 'RUNNING',
  modelName: 'qwen-plus-2025-12-01',
  plan: 'mu',
  baseCapacity: 4,
  capacity: 4,
  readyCapacity: 4,
  rpmLimit: 1000,
  tpmLimit: 200_000,
}
const throughput: Deployment = {
  deployedModel: ID,
  status: 'RUNNING',
  modelName: 'qwen-plus-2025-12-01',
  plan: 'ptu',
  ptuCapacity: { inputTpm: 10_000, outputTpm: 1000, thinkingOutputTpm: 500 },
}

function deployed(first: Partial<Deployment>, options: DeploymentLimitsOptions = {}) {
  const studio = new FakeStudio()
  let now: Deployment = { ...units, ...first }
  studio.deployment = () => now
  const source = deploymentLimits(studio, ID, options)
  const made = setup({ limits: joinLimits(source, { other: { rpm: 5 } }) })
  studio.clock = made.clock
  return {
    studio,
    source,
    ...made,
    become: (change: Partial<Deployment>) => void (now = { ...now, ...change }),
    limits: () => made.limiter.limitsOf(ID),
  }
}

describe('the limits of a deployment', () => {
  test('are its own once it was seen running, and until then nobody’s', async () => {
    const { clock, limits, limiter } = deployed({})
    expect(limits()).toMatchObject({ rpm: 60, tpm: 100_000, source: `deployment ${ID}, not seen running yet` })
    await clock.advance(0)
    expect(limits()).toMatchObject({ rpm: 1000, tpm: 200_000, source: `deployment ${ID}` })
    expect(limiter.limitsOf('other').rpm).toBe(5)
  })

  test('are three for a throughput that was bought', async () => {
    const { clock, limits } = deployed({ rpmLimit: undefined as never, tpmLimit: undefined as never, ...throughput })
    await clock.advance(0)
    expect(limits()).toMatchObject({
      inputTpm: 10_000,
      outputTpm: 1000,
      thinkingTpm: 500,
      rpm: undefined,
      tpm: undefined,
    })
  })

  test('after an update hold once it is running again, and not before', async () => {
    const { clock, limits, become, heard, send, studio } = deployed({}, { refreshMs: 20_000, pollMs: 5000 })
    await clock.advance(0)
    send({ model: ID }, 'x')
    become({ status: 'UPDATING', rpmLimit: 3000, tpmLimit: 900_000 })
    await clock.advance(34_000)
    expect(limits()).toMatchObject({ rpm: 1000, tpm: 200_000 })
    become({ status: 'RUNNING' })
    await clock.advance(1000)
    expect(limits()).toMatchObject({ rpm: 3000, tpm: 900_000 })
    expect(studio.times).toEqual([0, 20, 25, 30, 35])
    expect(heard.limits).toHaveLength(1)
    become({ status: 'PENDING', rpmLimit: 10 })
    await clock.advance(20_000)
    expect(limits().rpm).toBe(3000)
    become({ status: 'RUNNING' })
    await clock.advance(5000)
    expect(limits().rpm).toBe(10)
  })

  test('are those of the units that are ready', async () => {
    const { clock, limits, become, studio } = deployed({ readyCapacity: 1 }, { refreshMs: 60_000, pollMs: 5000 })
    await clock.advance(0)
    expect(limits()).toMatchObject({
      rpm: 250,
      tpm: 50_000,
      source: `deployment ${ID}, 1 of 4 units ready`,
    })
    become({ readyCapacity: 4 })
    await clock.advance(5000)
    expect(limits()).toMatchObject({ rpm: 1000, tpm: 200_000 })
    // While it scales from four to eight, four serve with the limits of four.
    become({ status: 'SCALING', capacity: 8, readyCapacity: 4, rpmLimit: 2000 })
    await clock.advance(60_000)
    expect(limits()).toMatchObject({ rpm: 1000, tpm: 200_000 })
    become({ readyCapacity: 2 })
    await clock.advance(5000)
    expect(limits()).toMatchObject({ rpm: 500, tpm: 100_000 })
    become({ status: 'RUNNING', readyCapacity: 8 })
    await clock.advance(5000)
    expect(limits()).toMatchObject({ rpm: 2000, tpm: 200_000 })
    expect(studio.times).toEqual([0, 5, 65, 70, 75])
  })

  test('of one of which no unit is ready stay: the service says by itself that it cannot', async () => {
    const { clock, limits, become } = deployed({}, { refreshMs: 5000 })
    await clock.advance(0)
    become({ status: 'STOPPED', capacity: 0, readyCapacity: 0 })
    await clock.advance(5000)
    expect(limits()).toMatchObject({ rpm: 1000, tpm: 200_000 })
  })

  test.each(['PENDING', 'DEPLOYING', 'UPDATING', 'FAILED', 'Service Suspended'])(
    'seen %s first are not taken for those that hold',
    async (status) => {
      const { clock, limits, become } = deployed({ status }, { fallbackLimits: { rpm: 7 } })
      await clock.advance(0)
      expect(limits()).toMatchObject({ rpm: 7, tpm: undefined })
      become({ status: 'Running' })
      await clock.advance(10_000)
      expect(limits().rpm).toBe(1000)
    },
  )

  test.each<[what: string, deployment: Partial<Deployment>, expected: object]>([
    ['model units without limits', { plan: 'mu' }, { rpm: undefined, tpm: undefined, source: `deployment ${ID}` }],
    ['a plan by token', { plan: 'lora' }, { rpm: 60, source: `deployment ${ID}, which tells no limits` }],
  ])('of %s', async (_, deployment, expected) => {
    const { clock, limits } = deployed({ ...deployment, rpmLimit: undefined as never, tpmLimit: undefined as never })
    await clock.advance(0)
    expect(limits()).toMatchObject(expected)
  })

  test('that cannot be are a warning, and those known stand', async () => {
    const { clock, limits, become, heard } = deployed({}, { refreshMs: 20_000 })
    await clock.advance(0)
    become({ rpmLimit: 0 })
    await clock.advance(20_000)
    expect(limits().rpm).toBe(1000)
    expect(heard.warning[0]!.message).toContain('rpm is 0')
  })

  test('that cannot be read stand as they were, with one warning', async () => {
    const { clock, limits, studio, heard } = deployed({}, { refreshMs: 20_000 })
    await clock.advance(0)
    studio.deployment = () => {
      throw new Error(`Model: ${ID} not found!`)
    }
    await clock.advance(100_000)
    expect(limits().rpm).toBe(1000)
    expect(heard.warning.map(({ message }) => message)).toEqual([
      `The deployment ${ID} could not be read, and what was known last stands: Model: ${ID} not found!`,
    ])
  })

  test('are looked at again after a 429 of its own, and after none of another model', async () => {
    const { clock, studio, send } = deployed({}, { refreshMs: Infinity })
    await clock.advance(20_000)
    send({ model: 'other' }, 'x', [refusal('requests'), { returns: 5 }])
    await clock.advance(60_000)
    expect(studio.times).toEqual([0])
    send({ model: ID }, 'x', [refusal('requests'), { returns: 5 }])
    await clock.advance(60_000)
    expect(studio.times).toEqual([0, 80.01])
  })

  test('end with the limiter, and with close()', async () => {
    const one = deployed({})
    await one.clock.advance(0)
    await one.limiter.close()
    expect(one.clock.pending).toBe(0)
    const two = deployed({})
    await two.clock.advance(0)
    two.source.close()
    expect(two.clock.pending).toBe(0)
    await expect(two.source.refresh()).rejects.toThrow('closed')
  })

  test('that never come do not keep a limiter from closing', async () => {
    const { clock, studio, limiter } = deployed({})
    studio.isSilent = true
    await clock.advance(0)
    await limiter.close()
    expect(studio.reads[0]!.signal!.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })
})

describe('arguments', () => {
  const studio = new FakeStudio()
  test.each<[options: unknown, message: string]>([
    [null, 'options is null'],
    [{ refreshMS: 5 }, "did you mean 'refreshMs'?"],
    [{ refreshMs: 5 }, 'refreshMs is'],
    [{ pollMs: 0 }, 'pollMs is'],
    [{ pollMs: Infinity }, 'pollMs is'],
    [{ timeoutMs: -1 }, 'timeoutMs is'],
    [{ snapshot: '' }, 'snapshot is the text "": give the name of a model'],
    [{ maxInputTokens: 0 }, 'maxInputTokens is the number 0: give a number of tokens'],
    [{ maxInputTokens: '5' }, 'maxInputTokens is the text "5"'],
  ])('%j', (options, message) => {
    expect(() => deploymentLimits(studio, ID, options as never)).toThrow(InvalidRequest)
    expect(() => deploymentLimits(studio, ID, options as never)).toThrow(message)
  })

  test('wrong fallback limits, no client, no identifier', () => {
    expect(() => deploymentLimits(studio, ID, { fallbackLimits: { rpm: -5 } })).toThrow(InvalidLimits)
    expect(() => deploymentLimits(undefined as never, ID)).toThrow('give a ModelStudio, which has deployments.get(id)')
    expect(() => deploymentLimits(studio, '')).toThrow('give the deployedModel of a deployment')
  })
})

describe('a table’s row that overflows', () => {
  test.each([
    [{ overflowsTo: 5 }, 'overflowsTo is the number 5: give a text, or leave it out'],
    [{ overflowsTo: 'b', maxInputTokens: 0 }, 'maxInputTokens is the number 0: give a number of tokens'],
  ])('%j', (row, message) => {
    expect(() => setup({ limits: { a: { inputTpm: 5, ...row } as object } })).toThrow(message)
  })
})
