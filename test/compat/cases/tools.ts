import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { chat, type OpenAIWorld } from './calls.js'

const EVENTS = [
  'connect',
  'message',
  'content',
  'chatCompletion',
  'functionToolCall',
  'functionToolCallResult',
  'finalFunctionToolCallResult',
  'finalContent',
  'end',
]

/** Both kinds of runner, whose types of `on` have no call in common. */
interface Listened {
  on(name: string, listener: (...args: unknown[]) => void): unknown
}

/** A tool that is called, and what it was called with. */
function levelTool() {
  const calls: unknown[] = []
  const tool = {
    type: 'function' as const,
    function: {
      name: 'level',
      description: 'The level of the water, in metres.',
      parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
      parse: JSON.parse as (input: string) => { place: string },
      function: async (args: { place: string }) => {
        calls.push(args)
        return `2.5 at ${args.place}`
      },
    },
  }
  return { calls, tool }
}

async function twoTurns(world: OpenAIWorld, stream: boolean): Promise<unknown> {
  const { calls, tool } = levelTool()
  const { completions } = world.client().chat
  const runner = stream
    ? completions.runTools({ ...chat, tools: [tool], stream: true })
    : completions.runTools({ ...chat, tools: [tool] })
  const events: unknown[] = []
  for (const name of EVENTS) {
    ;(runner as Listened).on(name, (...args) => events.push([name, structuredClone(args)]))
  }
  const content = await runner.finalContent()
  assert.equal(calls.length, 1)
  assert.equal(world.http.count, 2)
  return {
    content,
    calls,
    events,
    messages: runner.messages,
    completions: runner.allChatCompletions(),
    usage: await runner.totalUsage(),
  }
}

export const toolCases: Case[] = [
  { name: 'runTools of two turns', run: (world) => twoTurns(world, false) },
  { name: 'runTools of two turns, streamed', run: (world) => twoTurns(world, true) },
]
