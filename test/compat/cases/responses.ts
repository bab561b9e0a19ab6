import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { MODEL } from '../world.js'
import { readAll } from './calls.js'

const ask = { model: MODEL, input: 'How high is the water at the gate?', instructions: 'Answer in metres.' }

export const responsesCases: Case[] = [
  {
    name: 'responses',
    async run(world) {
      const response = await world.client().responses.create(ask)
      assert(response.output_text.length > 0)
      return response
    },
  },
  {
    name: 'responses, streamed',
    async run(world) {
      const events = await readAll(await world.client().responses.create({ ...ask, stream: true }))
      assert.equal(events.at(-1)?.type, 'response.completed')
      return events
    },
  },
  {
    name: 'responses.stream() and finalResponse()',
    async run(world) {
      const stream = world.client().responses.stream(ask)
      const deltas: string[] = []
      stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta))
      const response = await stream.finalResponse()
      assert.equal(response.status, 'completed')
      assert(JSON.stringify(response.output).includes(deltas.join('')))
      return { response, deltas }
    },
  },
  {
    name: 'responses.parse()',
    service: { answer: () => '{"metres":2.5}' },
    async run(world) {
      const schema = { type: 'object', properties: { metres: { type: 'number' } }, required: ['metres'] }
      const text = { format: { type: 'json_schema', name: 'level', schema } } as const
      const response = await world.client().responses.parse({ ...ask, text })
      assert.deepEqual(response.output_parsed, { metres: 2.5 })
      return response
    },
  },
]
