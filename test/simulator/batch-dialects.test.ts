import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { azure, openai } from '../../src/simulator/index.js'
import { line, model, opened, quick } from './batch-setup.js'
import { refusalOf } from './setup.js'

const presets = { openai, azure, 'model-studio': undefined } as const

describe.each([
  [
    'openai',
    '/v1',
    { type: 'invalid_request_error', param: 'id', code: null, message: 'No such File object: gone' },
    { type: 'invalid_request_error', param: null, code: null, message: "No batch found with id 'gone'." },
    { type: 'invalid_request_error', param: null, code: null },
  ],
  [
    'azure',
    '/openai/v1',
    { code: 'notFound', message: 'No such File object: gone' },
    { code: 'notFound', message: 'No such Batch object: gone' },
    { code: 'conflict' },
  ],
  [
    'model-studio',
    '/compatible-mode/v1',
    { type: 'invalid_request_error', param: null, code: 'not_found', message: 'No such File object: gone' },
    { type: 'invalid_request_error', param: null, code: 'not_found', message: 'No such Batch object: gone' },
    { type: 'invalid_request_error', param: null, code: 'conflict' },
  ],
] as const)('files and batches of %s', (service, path, noFile, noBatch, ended) => {
  it('have its error bodies for a missing file, a missing batch and a batch that cannot be cancelled', async () => {
    const options = { limits: { [model]: {} }, batch: quick }
    const { clock, simulator } = await opened(presets[service]?.(options) ?? options)
    const client = new OpenAI({ apiKey: 'x', baseURL: new URL(path, simulator.url).href, maxRetries: 0 })
    for (const call of [client.files.retrieve('gone'), client.files.delete('gone'), client.files.content('gone')]) {
      const { status, error } = await refusalOf(call)
      expect([status, error]).toEqual([404, noFile])
    }
    for (const call of [client.batches.retrieve('gone'), client.batches.cancel('gone')]) {
      const { status, error } = await refusalOf(call)
      expect([status, error]).toEqual([404, noBatch])
    }
    const content = JSON.stringify(line('a'))
    const file = await client.files.create({ file: new File([content], 'in.jsonl'), purpose: 'batch' })
    const order = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
    const { id } = await client.batches.create(order)
    clock.advance(10_000)
    const { status, error } = await refusalOf(client.batches.cancel(id))
    const message = "Cannot cancel a batch with status 'completed'."
    expect([status, error]).toEqual([409, { ...ended, message }])
  })
})
