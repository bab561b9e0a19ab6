import OpenAI, { APIError } from 'openai'
import { onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/index.js'
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.js'

export const messages = [{ role: 'user' as const, content: 'How deep is the water at the gate?' }]

/** The input tokens of `messages`: 9 for its 34 bytes, and 10 for the frame of a chat. */
export const MESSAGES_TOKENS = 19

export const noLatency = { firstTokenMs: 0, perTokenMs: 0, jitter: 0 }

/** Starts a simulator that answers at once. It is closed when the test ends. */
export async function simulate(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: OpenAI }> {
  const simulator = await startSimulator({ latency: noLatency, ...options })
  onTestFinished(() => simulator.close())
  return { simulator, client: clientOf(simulator) }
}

export function clientOf(simulator: Simulator, apiKey = 'sk-test'): OpenAI {
  return new OpenAI({ apiKey, baseURL: simulator.url, maxRetries: 0 })
}

/** The error that the call rejected with. */
export async function refusalOf(call: PromiseLike<unknown>): Promise<APIError> {
  const outcome = await Promise.resolve(call).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof APIError) return outcome
  throw new Error(`no APIError, but ${String(outcome)}`)
}

/** A raw POST, for requests that the client would not send. */
export function post(simulator: Simulator, path: string, body: string, headers?: HeadersInit): Promise<Response> {
  return fetch(new URL(path, simulator.url), { method: 'POST', body, ...(headers && { headers }) })
}

/** All items of a stream, read to its end. */
export async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}
