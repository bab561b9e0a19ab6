import { describe, expect, it } from 'vitest'
import { isHeadgateError } from '../../src/errors.js'
import { startSimulator } from '../../src/simulator/index.js'
import type { SimulatorOptions } from '../../src/simulator/index.js'
import { messages, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'

/** An untyped value, as a JavaScript program can pass it. */
type Anything = Record<string, unknown>

async function refused(options: unknown): Promise<{ code: unknown; message: string }> {
  const error = await startSimulator(options as SimulatorOptions).then(
    (simulator) => simulator.close(),
    (error: unknown) => error,
  )
  if (isHeadgateError(error)) return { code: error.code, message: error.message }
  throw new Error(`not refused, but ${String(error)}`)
}

describe('an option out of range', () => {
  it.each<[SimulatorOptions, string, RegExp]>([
    [{ limits: { [model]: { rpm: -1 } } }, 'invalid_limits', /qwen-plus: rpm must be a number of at least 0, not -1/],
    [{ defaultLimits: { tps: Number.NaN } }, 'invalid_limits', /defaultLimits: tps .* not NaN/],
    [
      { minuteWindow: 'rolling' as never },
      'invalid_request',
      /minuteWindow must be one of fixed, sliding, bucket, not the text "rolling"/,
    ],
    [{ secondWindow: 'on' as never }, 'invalid_request', /secondWindow .* off/],
    [{ latency: { jitter: 2 } }, 'invalid_request', /latency\.jitter must be a number from 0 to 1, not 2/],
    [{ latency: { firstTokenMs: -1 } }, 'invalid_request', /latency\.firstTokenMs/],
    [{ chunkTokens: 0 }, 'invalid_request', /chunkTokens must be a number of at least 1, not 0/],
    [{ maxOutputTokens: 1.5 }, 'invalid_request', /maxOutputTokens must be a whole number, not 1.5/],
    [{ imageTokens: -1 }, 'invalid_request', /imageTokens must be a number of at least 0, not -1/],
    [{ maxTotalBytes: 0 }, 'invalid_request', /maxTotalBytes must be a number of at least 1, not 0/],
    [
      { limits: 'model-studio/paris' as never },
      'invalid_request',
      /limits must be one of model-studio\/international-2025/,
    ],
    [{ perSecond: 'tokens' as never }, 'invalid_request', /perSecond must be true, false or 'requests', not .*tokens/],
    [{ surge: { windowMs: 0 } }, 'invalid_request', /surge\.windowMs must be a number of at least 1/],
    [
      { provisioned: { [model]: { inputTpm: 5 } as never } },
      'invalid_limits',
      /provisioned qwen-plus: outputTpm is missing/,
    ],
    [{ floors: { [model]: { spare: 2 } } }, 'invalid_request', /floors\.qwen-plus\.spare/],
    [{ limitChanges: [{ afterMs: -1, model, limits: {} }] }, 'invalid_request', /limitChanges\.afterMs/],
    [
      { state: { kind: 'free-tier', status: 200 } },
      'invalid_request',
      /state\.status must be a number from 400 to 599/,
    ],
    [{ service: 'other' as never }, 'invalid_request', /service must be one of model-studio, openai, azure/],
    [
      { controlPlane: { deployMs: [5, 4] } },
      'invalid_request',
      /controlPlane\.deployMs must be a number of at least 5, not 4/,
    ],
    [{ controlPlane: { updatingStatus: 'X' as never } }, 'invalid_request', /one of UPDATING, PENDING, not/],
    [{ batch: { linesPerSecond: 0 } }, 'invalid_request', /batch\.linesPerSecond/],
    [{ epochMs: 9e15 }, 'invalid_request', /epochMs must be a number from 0 to 253402300799999, not 9000000000000000/],
    [{ state: { kind: 'token-plan', resetAt: 9e15 } }, 'invalid_request', /state\.resetAt must be a number from 0 to/],
    [{ port: 70_000 }, 'invalid_request', /port must be a number from 0 to 65535/],
  ])('makes startSimulator throw an error that names it: %o', async (options, code, message) => {
    const error = await refused(options)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })
})

describe('an unknown option', () => {
  it.each<[Anything, string]>([
    [{ limit: {} }, 'simulator option limit is unknown: did you mean limits?'],
    [{ Minute_Window: 'fixed' }, 'simulator option Minute_Window is unknown: did you mean minuteWindow?'],
    [{ latency: { firstTokensMs: 1 } }, 'latency.firstTokensMs is unknown: did you mean latency.firstTokenMs?'],
    [{ surge: { window: 1 } }, 'surge.window is unknown: did you mean surge.windowMs?'],
    [{ floors: { m: { spar: 1 } } }, 'floors.m.spar is unknown: did you mean floors.m.spare?'],
    [{ faultRates: { drops: 1 } }, 'faultRates.drops is unknown: did you mean faultRates.drop?'],
    [{ provisioned: { m: { inputTpm: 1, outputTpm: 1, snapshots: 'x' } } }, 'did you mean provisioned.m.snapshot?'],
    [{ limitChanges: [{ afterS: 1, model, limits: {} }] }, 'limitChanges[0].afterS is unknown: did you mean'],
    [{ state: { kind: 'budget', until: 5 } }, 'simulator option state.until is unknown: there are kind, afterTokens'],
    [{ modelStates: { m: { knd: 'budget' } } }, 'modelStates.m.knd is unknown: did you mean modelStates.m.kind?'],
    [{ controlPlane: { deploysMs: 1 } }, 'controlPlane.deploysMs is unknown: did you mean controlPlane.deployMs?'],
    [{ batch: { maxLine: 1 } }, 'batch.maxLine is unknown: did you mean batch.maxLines?'],
    [{ zzzzzzzz: 1 }, 'simulator option zzzzzzzz is unknown: there are limits, defaultLimits'],
  ])('makes startSimulator suggest the nearest name: %o', async (options, message) => {
    const error = await refused(options)
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(message) as unknown })
  })

  it.each<[Anything, string]>([
    [{ limits: { m: { rmp: 60 } } }, 'm: rmp is not a limit: did you mean rpm?'],
    [{ defaultLimits: { qpm: 60 } }, 'defaultLimits: qpm is not a limit: did you mean rpm?'],
    [{ workspaces: { w: { m: { tokens: 6 } } } }, 'workspace w, m: tokens is not a limit: did you mean tpm?'],
  ])('in a row of limits makes startSimulator suggest the nearest limit: %o', async (options, message) => {
    expect(await refused(options)).toEqual({ code: 'invalid_limits', message })
  })
})

describe('an option of the wrong type', () => {
  it.each<[unknown, string]>([
    [null, "the simulator's options must be an object, not null"],
    [7, "the simulator's options must be an object, not 7"],
    [[], "the simulator's options must be an object, not an array"],
    ['x', `the simulator's options must be an object, not the text "x"`],
  ])('in place of all options makes startSimulator throw: %o', async (options, message) => {
    expect(await refused(options)).toEqual({ code: 'invalid_request', message })
  })

  it.each<[Anything, string]>([
    [{ apiKeys: 'x' }, 'apiKeys must be a list of strings, not the text "x"'],
    [{ apiKeys: [7] }, 'apiKeys[0] must be a non-empty string, not 7'],
    [{ seed: '1' }, 'seed must be a number, not the text "1"'],
    [{ seed: null }, 'seed must not be null: leave it out'],
    [{ port: '8080' }, 'port must be a number from 0 to 65535, not the text "8080"'],
    [{ host: 5 }, 'host must be a non-empty string, not 5'],
    [{ countsRejected: 'yes' }, 'countsRejected must be true or false, not the text "yes"'],
    [{ showsReasoning: 0 }, 'showsReasoning must be true or false, not 0'],
    [{ rateLimitHeaders: 1 }, 'rateLimitHeaders must be true or false, not 1'],
    [{ surge: true }, 'surge must be an object with windowMs, baselineMs, factor, minimum, measures, countsRejected'],
    [{ surge: { countsRejected: 1 } }, 'surge.countsRejected must be true or false, not 1'],
    [{ latency: 5 }, 'latency must be an object with firstTokenMs, perTokenMs, jitter, not 5'],
    [{ answer: 'deep' }, 'answer must be a function, not the text "deep"'],
    [{ fail: {} }, 'fail must be a function, not an object'],
    [{ failOthers: 1 }, 'failOthers must be a function, not 1'],
    [{ thinks: true }, 'thinks must be a function, not true'],
    [{ countTokens: 4 }, 'countTokens must be a function, not 4'],
    [{ workspaces: [] }, 'workspaces must be an object with a limits table for each workspace, not an array'],
    [{ workspaces: { w: 'x' } }, 'workspaces.w must be an object with limits for each model, not the text "x"'],
    [{ provisioned: { m: 5 } }, 'provisioned.m must be an object with inputTpm, outputTpm'],
    [
      { provisioned: { m: { inputTpm: 1, outputTpm: 1, snapshot: 1 } } },
      'provisioned.m.snapshot must be a non-empty string',
    ],
    [{ floors: 'm' }, 'floors must be an object with a floor for each model, not the text "m"'],
    [{ floors: { m: { spare: 'half' } } }, 'floors.m.spare must be a number from 0 to 1, not the text "half"'],
    [{ floors: { m: { says: 'no' } } }, 'floors.m.says must be one of limit, capacity'],
    [{ limitChanges: {} }, 'limitChanges must be a list of changes, not an object'],
    [{ limitChanges: [{ afterMs: 1, limits: {} }] }, 'limitChanges.model must be a non-empty string, not undefined'],
    [{ state: 'budget' }, 'state must be an object with kind'],
    [{ state: { kind: 'budget', period: 5 } }, 'state.period must be a non-empty string, not 5'],
    [{ modelStates: 'm' }, 'modelStates must be an object with a state for each model'],
    [{ controlPlane: [] }, 'controlPlane must be an object with quotasPath'],
    [{ controlPlane: { deployable: 'm' } }, 'controlPlane.deployable must be a list of strings'],
    [{ controlPlane: { deployMs: 5 } }, 'controlPlane.deployMs must be a list of two numbers, not 5'],
    [{ controlPlane: { failsToDeploy: true } }, 'controlPlane.failsToDeploy must be a function'],
    [{ controlPlane: { quotasPath: 5 } }, 'controlPlane.quotasPath must be a non-empty string'],
    [{ batch: 5 }, 'batch must be an object with maxFileBytes'],
    [{ batch: { failLine: 5 } }, 'batch.failLine must be a function, not 5'],
    [{ faultRates: 0.5 }, 'faultRates must be an object with drop'],
    [{ clock: {} }, 'clock must be an object with the functions now, setTimeout, clearTimeout, not an object'],
  ])('makes startSimulator throw, with the expected and the given value: %o', async (options, message) => {
    const error = await refused(options)
    expect(error.code).toBe('invalid_request')
    expect(error.message).toContain(`simulator option ${message}`)
  })

  it.each<[Anything, string]>([
    [{ limits: 7 }, 'limits: a table of limits must be an object, not the number 7'],
    [{ limits: { m: 60 } }, 'm: the limits must be an object, not the number 60'],
    [{ limits: { m: { rpm: '60' } } }, 'm: rpm must be a number of at least 0, not the text "60"'],
    [{ defaultLimits: [] }, 'defaultLimits: the limits must be an object, not an array'],
  ])('in limits makes startSimulator throw InvalidLimits: %o', async (options, message) => {
    expect(await refused(options)).toEqual({ code: 'invalid_limits', message })
  })
})

it('an undefined option has its default', async () => {
  const { simulator, client } = await simulate({ limits: undefined, seed: undefined, surge: undefined } as never)
  await client.chat.completions.create({ model, messages })
  expect(simulator.ledger().entries).toHaveLength(1)
})

it('setLimits and setState throw as startSimulator does, and then change nothing', async () => {
  const { simulator, client } = await simulate({ limits: {} })
  expect(() => simulator.setLimits(model, { rpm: -1 })).toThrow('rpm must be a number')
  expect(() => simulator.setLimits(model, { rmp: 1 } as never)).toThrow('did you mean rpm?')
  expect(() => simulator.setState('budget' as never)).toThrow('state must be an object with kind')
  expect((await refusalOf(client.chat.completions.create({ model, messages }))).status).toBe(404)
})
