import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'

/** One request of a load. */
export interface LoadRequest {
  readonly inputTokens: number
  /** Thinking included. */
  readonly outputTokens: number
  /** The output tokens that are priced as those of answers that think; a part of `outputTokens`. @default 0 */
  readonly thinkingOutputTokens?: number
}

/** A load that does not change: requests that come evenly, of one size or of several equally frequent ones, or the tokens a minute. */
export type SteadyLoad =
  | ({ readonly requestsPerMinute: number } & LoadRequest)
  | { readonly requestsPerMinute: number; readonly requests: readonly LoadRequest[] }
  | { readonly inputTpm: number; readonly outputTpm: number; readonly thinkingOutputTpm?: number }

/** Tokens a minute, as deployments count them: thinking output apart from other output. */
export interface Flow {
  readonly inputTpm: number
  /** Without that of answers that think. */
  readonly outputTpm: number
  readonly thinkingOutputTpm: number
}

/** A load by whether its requests stay within a number of input tokens. */
export interface SplitLoad {
  readonly within: Flow
  readonly over: Flow
  /** Undefined where only the tokens a minute are known. */
  readonly requestsOverPerMinute: number | undefined
}

/** @throws InvalidRequest for a number that is negative or none, or more thinking than output */
export function splitLoad(load: SteadyLoad, maxInputTokens = Infinity): SplitLoad {
  if ('inputTpm' in load) {
    const { inputTpm, outputTpm, thinkingOutputTpm = 0 } = load
    checkFlow({ inputTpm, outputTpm, thinkingOutputTpm })
    const within = { inputTpm, outputTpm: outputTpm - thinkingOutputTpm, thinkingOutputTpm }
    return { within, over: NOTHING, requestsOverPerMinute: undefined }
  }
  checkNumber('requestsPerMinute', load.requestsPerMinute)
  const requests = 'requests' in load ? load.requests : [load]
  if (requests.length === 0) throw new InvalidRequest('load.requests is empty: give the requests that it consists of')
  const over = requests.filter(({ inputTokens }) => inputTokens > maxInputTokens)
  const each = load.requestsPerMinute / requests.length
  return {
    within: flowOf(
      requests.filter(({ inputTokens }) => !(inputTokens > maxInputTokens)),
      each,
    ),
    over: flowOf(over, each),
    requestsOverPerMinute: over.length * each,
  }
}

/** All tokens of it a minute. */
export function totalTpm({ inputTpm, outputTpm, thinkingOutputTpm }: Flow): number {
  return inputTpm + outputTpm + thinkingOutputTpm
}

const NOTHING: Flow = { inputTpm: 0, outputTpm: 0, thinkingOutputTpm: 0 }

function flowOf(requests: readonly LoadRequest[], eachPerMinute: number): Flow {
  let { inputTpm, outputTpm, thinkingOutputTpm } = NOTHING
  for (const { inputTokens, outputTokens, thinkingOutputTokens = 0 } of requests) {
    checkFlow({ inputTokens, outputTokens, thinkingOutputTokens })
    inputTpm += inputTokens * eachPerMinute
    outputTpm += (outputTokens - thinkingOutputTokens) * eachPerMinute
    thinkingOutputTpm += thinkingOutputTokens * eachPerMinute
  }
  return { inputTpm, outputTpm, thinkingOutputTpm }
}

/** Input, output and the thinking part of the output, in this order, by their names. */
function checkFlow(flow: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(flow)) checkNumber(name, value)
  const [, output, thinking] = Object.entries(flow)
  if (thinking![1] > output![1]) {
    throw new InvalidRequest(`load.${thinking![0]} is ${thinking![1]}, above ${output![0]}, of which it is a part`)
  }
}

function checkNumber(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return
  throw new InvalidRequest(`load.${name} is ${shown(value)}: give a number, 0 or more`)
}
