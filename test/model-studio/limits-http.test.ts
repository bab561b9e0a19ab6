import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createLimiter, type HeadgateEvents, type Limiter, type LimiterOptions } from '../../src/index.js'
import { joinLimits } from '../../src/limits/index.js'
import { deploymentLimits, liveLimits, ModelStudio } from '../../src/model-studio/index.js'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/index.js'
import { noLatency } from '../simulator/setup.js'
import { VirtualClock } from '../support/virtual-clock.js'

const MODEL = 'qwen-plus-2025-12-01'
const MINUTE = 60_000
const limits = { [MODEL]: { rpm: 600, tpm: 100_000 }, 'qwen-flash': { rpm: 60, tpm: 5000 } }

/** A simulator on a loopback port whose time passes only when told to, and a client of its control plane. */
async function opened(options: SimulatorOptions = {}) {
  const clock = new VirtualClock()
  const simulator: Simulator = await startSimulator({
    clock,
    limits,
    latency: noLatency,
    secondWindow: 'off',
    answer: () => 'deep',
    ...options,
  })
  const baseURL = new URL('/api/v1', simulator.url)
  const pending = new Set<Promise<unknown>>()
  /** An answer that is there in full when it comes. */
  const whole: typeof globalThis.fetch = (...request) => {
    const answer = fetch(...request).then(async (response) => new Response(await response.text(), response))
    pending.add(answer)
    const forget = () => void pending.delete(answer)
    answer.then(forget, forget)
    return answer
  }
  /** Resolves when the control plane has answered all that was asked. */
  const heard = async () => {
    do {
      await Promise.allSettled(pending)
      await new Promise((resolve) => void setImmediate(resolve))
    } while (pending.size > 0)
  }
  const studio = new ModelStudio({
    apiKey: 'sk-test',
    baseURL,
    minIntervalMs: 0,
    maxRetries: 0,
    workspace: 'llm-1',
    fetch: whole,
  })
  onTestFinished(() => simulator.close())
  const warnings: HeadgateEvents['warning'][] = []
  const limiterWith = (more: LimiterOptions) => {
    const limiter = createLimiter({ clock, perSecond: false, startFull: true, ...more })
    limiter.on('warning', (event) => void warnings.push(event))
    onTestFinished(() => limiter.close({ abandon: true }))
    return limiter
  }
  const url = new URL('/compatible-mode/v1/chat/completions', simulator.url)
  const ask = async (fetch: typeof globalThis.fetch, model: string, content = 'How deep?'): Promise<number> => {
    const body = JSON.stringify({ model, messages: [{ role: 'user', content }], max_tokens: 5 })
    const response = await fetch(url, { method: 'POST', body, headers: { authorization: 'Bearer sk-test' } })
    await response.text()
    return response.status
  }
  /** Lets so many seconds pass, each when what was sent in the one before has been answered. */
  const passSeconds = async (seconds: number, limiter: Limiter) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1000)
      do await heard()
      while (limiter.stats().inFlight > 0)
    }
  }
  return { clock, simulator, studio, warnings, limiterWith, ask, heard, passSeconds }
}

/** Lets time pass until something holds: answers come over real sockets. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 })

describe('live limits over HTTP', () => {
  test('are the account’s and the workspace’s, follow what changes, and outlast the service', async () => {
    const workspaces = { 'llm-1': { [MODEL]: { rpm: 100, tpm: 40_000 } } }
    const { clock, simulator, studio, warnings, limiterWith, ask } = await opened({ workspaces })
    const source = liveLimits(studio, { refreshMs: 30_000, fallbackTable: {}, scope: 'account' })
    const limiter = limiterWith({ limits: source })
    const team = limiter.workspace('team', source.workspace('llm-1'))
    const key = limiterWith({ limits: liveLimits(studio, { fallbackTable: {} }) })
    await until(() => {
      expect(limiter.limitsOf(MODEL)).toMatchObject({ rpm: 600, tpm: 100_000 })
      expect(team.limitsOf(MODEL)).toMatchObject({ rpm: 100, tpm: 40_000 })
      expect(key.limitsOf(MODEL)).toMatchObject({ rpm: 100, tpm: 40_000 })
      expect(key.limitsOf('qwen-flash')).toMatchObject({ rpm: 60, tpm: 5000 })
    })
    expect(await ask(limiter.fetch, MODEL)).toBe(200)
    simulator.setLimits(MODEL, { rpm: 1200, tpm: 200_000 })
    await clock.advance(30_000)
    await until(() => expect(limiter.limitsOf(MODEL)).toMatchObject({ rpm: 1200, tpm: 200_000 }))
    await simulator.close()
    await clock.advance(30_000)
    await until(() => expect(warnings).toHaveLength(1))
    expect(warnings[0]!.message).toMatch(
      /^The table of quotas of Model Studio could not be read, and what was known last/,
    )
    expect(limiter.limitsOf(MODEL)).toMatchObject({ rpm: 1200, tpm: 200_000 })
  })

  test('are read again after a 429, and what was refused goes through', async () => {
    const { clock, simulator, studio, limiterWith, ask, passSeconds } = await opened()
    const limiter = limiterWith({ limits: liveLimits(studio, { refreshMs: 3_600_000 }) })
    await until(() => expect(limiter.limitsOf(MODEL).rpm).toBe(600))
    await clock.advance(MINUTE)
    simulator.setLimits(MODEL, { rpm: 3, tpm: 100_000 })
    const answers = Promise.all(Array.from({ length: 5 }, () => ask(limiter.fetch, MODEL)))
    await until(() => expect(limiter.stats().models[MODEL]!.throttled.requests).toBeGreaterThan(0))
    await clock.advance(0)
    await until(() => expect(limiter.limitsOf(MODEL).rpm).toBe(3))
    const refused = limiter.stats().models[MODEL]!.failures
    await passSeconds(120, limiter)
    expect(await answers).toEqual([200, 200, 200, 200, 200])
    expect(limiter.stats().models[MODEL]!.failures).toBe(refused)
  })
})

describe('a deployment over HTTP', () => {
  const controlPlane = { deployMs: [MINUTE, MINUTE], pendingMs: 10_000, updateMs: 20_000, scaleMs: 20_000 } as const

  test('has its limits once it runs; new ones hold after an update, and not before', async () => {
    const { clock, studio, limiterWith, ask, heard } = await opened({ controlPlane })
    const order = { modelName: MODEL, plan: 'mu', capacity: 1, rpmLimit: 30, tpmLimit: 9000 }
    const { deployedModel: id } = await studio.deployments.create(order)
    const limiter = limiterWith({ limits: deploymentLimits(studio, id, { fallbackLimits: { rpm: 1 } }) })
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 5000) {
        await clock.advance(Math.min(left, 5000))
        await heard()
      }
    }
    await pass(30_000)
    expect(limiter.limitsOf(id).rpm).toBe(1)
    await pass(50_000)
    expect(limiter.limitsOf(id)).toMatchObject({ rpm: 30, tpm: 9000, source: `deployment ${id}` })
    expect(await ask(limiter.fetch, id)).toBe(200)
    await studio.deployments.update(id, { rpmLimit: 90 })
    await pass(15_000)
    expect(limiter.limitsOf(id).rpm).toBe(30)
    await pass(90_000)
    expect(limiter.limitsOf(id)).toMatchObject({ rpm: 90, tpm: 9000 })
  })

  test('of provisioned throughput overflows to the public limits: no 429, and each overflow is counted', async () => {
    const { clock, simulator, studio, limiterWith, ask, passSeconds } = await opened({
      controlPlane: { ...controlPlane, deployMs: [0, 0], pendingMs: 0 },
      limits: { [MODEL]: { rpm: 9, tpm: 2000 } },
    })
    const ptuCapacity = { inputTpm: 100, outputTpm: 100 }
    const { deployedModel: id } = await studio.deployments.create({ modelName: MODEL, plan: 'ptu', ptuCapacity })
    await clock.advance(1)
    const limiter = limiterWith({ limits: joinLimits(deploymentLimits(studio, id), liveLimits(studio)), maxRetries: 0 })
    await until(() => {
      expect(limiter.limitsOf(id)).toMatchObject({ inputTpm: 100, outputTpm: 100 })
      expect(limiter.limitsOf(MODEL)).toMatchObject({ rpm: 9, tpm: 2000 })
    })
    // Another client takes all that was bought: the limiter cannot know.
    await ask(fetch, id, 'x'.repeat(320))
    const asked: Promise<number>[] = []
    for (let i = 0; i < 20; i++) asked.push(ask(limiter.fetch, id))
    // Longer than what was bought for a minute.
    for (let i = 0; i < 3; i++) asked.push(ask(limiter.fetch, id, 'x'.repeat(600)))
    await passSeconds(600, limiter)
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 23 }, () => 200))
    const { overflowed, throttled, calls } = limiter.stats().models[id]!
    expect(calls).toBe(23)
    expect(throttled).toMatchObject({ requests: 0, tokens: 0 })
    const seen = simulator.ledger().entries.slice(1)
    expect(overflowed).toBe(seen.filter(({ overflow }) => overflow === true).length)
    expect(overflowed).toBeGreaterThanOrEqual(8)
  })
})
