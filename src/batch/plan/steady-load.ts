import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'

/** One request of a load. */
export interface LoadRequest {
  readonly inputTokens: number
  /** Output tokens, including thinking. */
  readonly outputTokens: number
  /** Output tokens of answers with thinking, which may have their own price. Part of `outputTokens`. @default 0 */
  readonly thinkingOutputTokens?: number
}

/** A constant load: evenly spaced requests of one size or of several equally frequent sizes, or tokens a minute. */
export type SteadyLoad =
  | ({ readonly requestsPerMinute: number } & LoadRequest)
  | { readonly requestsPerMinute: number; readonly requests: readonly LoadRequest[] }
  | { readonly inputTpm: number; readonly outputTpm: number; readonly thinkingOutputTpm?: number }

/** Tokens a minute, as deployments count them. Output with thinking is separate from other output. */
export interface Flow {
  readonly inputTpm: number
  /** Output of answers without thinking. */
  readonly outputTpm: number
  readonly thinkingOutputTpm: number
}

/** A load, split into requests within a number of input tokens and longer ones. */
export interface SplitLoad {
  readonly within: Flow
  readonly over: Flow
  /** Longer requests a minute. Undefined if the load is given in tokens a minute. */
  readonly requestsOverPerMinute: number | undefined
}

/** Splits a load by `maxInputTokens`. @throws InvalidRequest for a negative or missing number, or more thinking than output */
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

/** Returns the total tokens a minute. */
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

/** Checks input, output and the thinking part of the output, in this order. The keys are their names in messages. */
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
