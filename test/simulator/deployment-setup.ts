import type { Simulator, SimulatorOptions } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, post, simulate } from './setup.js'

export type Output = Record<string, unknown>
export interface Answer {
  readonly request_id: string
  readonly output: Output
  readonly code?: string
  readonly message?: string
}

/** Sends a request to the control plane. Returns the status and the body. */
export async function call(
  simulator: Simulator,
  method: string,
  path: string,
  body?: object,
): Promise<[number, Answer]> {
  const url = new URL(`/api/v1/deployments${path}`, simulator.url)
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })
  return [response.status, (await response.json()) as Answer]
}

export const model = 'qwen-plus-2025-12-01'
export const limits = { [model]: { rpm: 120, tpm: 1_000_000 }, emo: { rpm: 60, tpm: 1 } }
export const order = { model_name: model, plan: 'mu', capacity: 4, enable_thinking: true, max_context_length: 1 }
export const MINUTE = 60_000

/** Starts a simulator with deployments. The functions do the steps that tests share. */
export async function opened(options: SimulatorOptions = {}): Promise<{
  clock: ManualClock
  simulator: Simulator
  create: (body?: object) => Promise<string>
  status: (name: string) => Promise<unknown>
  ask: (name: string) => Promise<number>
}> {
  const clock = new ManualClock()
  const { simulator } = await simulate({
    clock,
    limits,
    epochMs: Date.UTC(2026, 0, 7, 13, 52, 44),
    secondWindow: 'off',
    ...options,
  })
  return {
    clock,
    simulator,
    create: async (body = order) => String((await call(simulator, 'POST', '', body))[1].output['deployed_model']),
    status: async (name) => (await call(simulator, 'GET', `/${name}`))[1].output?.['status'],
    ask: async (name) =>
      (await post(simulator, '/v1/chat/completions', JSON.stringify({ model: name, messages, max_tokens: 1 }))).status,
  }
}
