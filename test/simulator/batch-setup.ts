import type OpenAI from 'openai'
import { toFile } from 'openai'
import type { BatchOptions, Simulator, SimulatorOptions } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, simulate } from './setup.js'

export const model = 'qwen-plus'
export const endpoint = '/v1/chat/completions'

/** One line of an input file. */
export function line(custom_id: string, body: object = {}, rest: object = {}): object {
  return { custom_id, method: 'POST', url: endpoint, body: { model, messages, ...body }, ...rest }
}

export function jsonl(lines: readonly (object | string)[]): string {
  return lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
}

/** Starts a simulator. `start` uploads lines and creates a batch from them. */
export async function opened(options: SimulatorOptions = {}): Promise<{
  clock: ManualClock
  simulator: Simulator
  client: OpenAI
  start: (lines: readonly (object | string)[], params?: object) => Promise<OpenAI.Batch>
}> {
  const clock = new ManualClock(500)
  const { simulator, client } = await simulate({
    clock,
    epochMs: 1_750_000_000_000,
    limits: { [model]: { rpm: 1 } },
    ...options,
  })
  return {
    clock,
    simulator,
    client,
    start: async (lines, params = {}) => {
      const file = await client.files.create({
        file: await toFile(Buffer.from(jsonl(lines)), 'in.jsonl'),
        purpose: 'batch',
      })
      const order = { input_file_id: file.id, endpoint, completion_window: '24h', ...params }
      return client.batches.create(order as OpenAI.BatchCreateParams)
    },
  }
}

export interface OutputLine {
  readonly id: string
  readonly custom_id: string
  readonly response: { status_code: number; request_id: string; body: Record<string, unknown> }
  readonly error: unknown
}

/** The lines of an output file. */
export async function linesOf(client: OpenAI, file: string | null | undefined): Promise<OutputLine[]> {
  const text = await (await client.files.content(file ?? 'none')).text()
  return text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as OutputLine)
}

/** Options of a batch: two lines per second, and one second for each other step. */
export const quick: BatchOptions = { validateMs: 1000, linesPerSecond: 2, finalizeMs: 1000, cancelMs: 1000 }
