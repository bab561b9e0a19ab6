import { strict as assert } from 'node:assert'
import type { World } from '../world.js'
import { MODEL } from '../world.js'
import type { OpenAISdk } from '../sdk.js'

export type OpenAIWorld = World<OpenAISdk>

export const messages = [{ role: 'user' as const, content: 'How high is the water at the gate?' }]
export const chat = { model: MODEL, messages }

/** The error that a call ends with. */
export async function failureOf(call: PromiseLike<unknown>): Promise<Error & { status?: number }> {
  return Promise.resolve(call).then(
    (value) => assert.fail(`it resolved to ${JSON.stringify(value)}`),
    (error: unknown) => {
      assert(error instanceof Error)
      return error
    },
  )
}

export async function readAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What could be read, and the error that ended it. */
export async function readToError<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: Error }> {
  const all: T[] = []
  const error = await failureOf(
    (async () => {
      for await (const item of items) all.push(item)
    })(),
  )
  return { items: all, error }
}
