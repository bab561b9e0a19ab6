import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat } from './calls.js'

const schema = {
  type: 'object',
  properties: { metres: { type: 'number' }, place: { type: 'string' } },
  required: ['metres', 'place'],
  additionalProperties: false,
}
const response_format = { type: 'json_schema', json_schema: { name: 'level', strict: true, schema } } as const
const tool = { type: 'function', function: { name: 'level', strict: true, parameters: schema } } as const

export const parseCases: Case[] = [
  {
    name: '.parse() of a format',
    service: { answer: () => '{"metres":2.5,"place":"gate"}' },
    async run(world) {
      const completion = await world.client().chat.completions.parse({ ...chat, response_format })
      assert.deepEqual(completion.choices[0]?.message.parsed, { metres: 2.5, place: 'gate' })
      return completion
    },
  },
  {
    name: '.parse() of a strict tool',
    async run(world) {
      const completion = await world.client().chat.completions.parse({ ...chat, tools: [tool] })
      const [call] = completion.choices[0]?.message.tool_calls ?? []
      assert.equal(call?.type, 'function')
      assert.equal(typeof (call.function.parsed_arguments as { metres: unknown }).metres, 'number')
      return completion
    },
  },
  {
    name: '.parse() of what was cut at the cap',
    service: { answer: () => '{"metres":2.5,"place":"gate"}' },
    async run(world) {
      const body = { ...chat, response_format, max_tokens: 2 }
      return world
        .client()
        .chat.completions.parse(body)
        .then(
          () => assert.fail('it was parsed'),
          (error: unknown) => error,
        )
    },
  },
]
