import type { Random } from '../random.js'
import { isObject } from '../requests/fields.js'
import type { SimulatedRequest } from '../requests/request.js'
import { drawnText } from './answer.js'

/** A tool call that the simulator made up. */
export interface DrawnCall {
  readonly name: string
  /** JSON that fits the types of the tool's parameters. */
  readonly arguments: string
}

interface Tool {
  readonly name: string
  readonly parameters: unknown
}

/**
 * How many levels of a tool's JSON schema are filled in. A deeper value is null.
 *
 * Chosen: deeper than the schemas of common tools. Smaller: nested required values are null. Unbounded, a very deep
 * schema could overflow the stack.
 */
const MAX_DEPTH = 5

/**
 * The tool call of an answer, or undefined.
 *
 * `tool_choice` decides: a named tool is called, and `required` calls the first tool. If the choice is free, the first
 * tool is called with probability `callRate`. After a tool's result, a free choice calls no tool.
 */
export function drawnCall(request: SimulatedRequest, random: Random, callRate: number): DrawnCall | undefined {
  const tools = toolsOf(request.body)
  const choice = request.body['tool_choice']
  if (tools.length === 0 || choice === 'none') return undefined
  const named = isObject(choice) ? nameOf(choice) : undefined
  const forced = named !== undefined || choice === 'required'
  if (!forced && (endsWithResult(request.body) || random.unit() >= callRate)) return undefined
  const tool = tools.find(({ name }) => name === named) ?? tools[0]
  if (tool === undefined) return undefined
  return { name: tool.name, arguments: JSON.stringify(valueOf(tool.parameters, random, 0)) }
}

/** The tools of a request, read in the form of chat completions and of the Responses API. */
function toolsOf({ tools }: SimulatedRequest['body']): Tool[] {
  if (!Array.isArray(tools)) return []
  return tools.flatMap((tool: unknown): Tool[] => {
    if (!isObject(tool)) return []
    const fields = isObject(tool['function']) ? tool['function'] : tool
    const { name, parameters } = fields
    return typeof name === 'string' ? [{ name, parameters }] : []
  })
}

function nameOf(choice: Record<string, unknown>): string | undefined {
  const fields = isObject(choice['function']) ? choice['function'] : choice
  return typeof fields['name'] === 'string' ? fields['name'] : undefined
}

function endsWithResult({ messages, input }: SimulatedRequest['body']): boolean {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : Array.isArray(input) ? input.at(-1) : undefined
  return isObject(last) && (last['role'] === 'tool' || last['type'] === 'function_call_output')
}

/**
 * A value of the type that a JSON schema asks for. An object gets its required properties only. Other constraints are
 * ignored, except the bounds of numbers.
 */
function valueOf(schema: unknown, random: Random, depth: number): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return depth === 0 ? {} : null
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) {
    return schema['enum'][random.uint32() % schema['enum'].length] as unknown
  }
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  if (type === 'string') return drawnText(random, 1 + (random.uint32() % 4)).trim()
  if (type === 'integer') return numberWithin(schema, random)
  if (type === 'number') return numberWithin(schema, random)
  if (type === 'boolean') return random.uint32() % 2 === 0
  if (type === 'array') return [valueOf(schema['items'], random, depth + 1)]
  if (type === 'null') return null
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : Object.keys(properties)
  return Object.fromEntries(
    required
      .filter((name): name is string => typeof name === 'string' && Object.hasOwn(properties, name))
      .map((name) => [name, valueOf(properties[name], random, depth + 1)]),
  )
}

function numberWithin({ minimum, maximum }: Record<string, unknown>, random: Random): number {
  const least = typeof minimum === 'number' ? Math.ceil(minimum) : 1
  const most = typeof maximum === 'number' ? Math.floor(maximum) : least + 99
  return most < least ? least : least + (random.uint32() % (most - least + 1))
}
