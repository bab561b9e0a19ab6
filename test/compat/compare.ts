import type { Case, Outcome, SentRequest } from './case.js'
import type { Headgate } from './sdk.js'
import { differencesOf } from './seen.js'
import { runOnce } from './world.js'

/** How a case went with one version of an SDK. */
export interface Result {
  readonly name: string
  /** `'differs'`: by design, and just so. */
  readonly result: 'same' | 'differs' | 'failed'
  /** Why it failed, or differs. */
  readonly reason: string
}

/** How often the request's sender has tried; a case of its own is about it. */
export const RETRY_COUNT = 'x-stainless-retry-count'

/** Runs a case with the raw client and with the wrapped one, and compares what came of it. */
export async function compare<Sdk>(one: Case<Sdk>, sdk: Sdk, headgate: Headgate): Promise<Result> {
  const { name, difference } = one
  try {
    const raw = await runOnce(one, sdk, headgate, false).catch(saying('raw'))
    const wrapped = await runOnce(one, sdk, headgate, true).catch(saying('wrapped'))
    const differences = differencesOf(comparable(raw), comparable(wrapped))
    if (difference !== undefined && difference.shows?.(raw) !== false) {
      if (differences.length === 0) return { name, result: 'failed', reason: `differs no more: ${difference.why}` }
      difference.check(raw, wrapped)
      return { name, result: 'differs', reason: difference.why }
    }
    return { name, result: differences.length === 0 ? 'same' : 'failed', reason: differences.join('\n') }
  } catch (error) {
    return { name, result: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function saying(who: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${who}: ${error instanceof Error ? firstLines(error) : String(error)}`, { cause: error })
  }
}

/** What it says, and where it was thrown. */
function firstLines({ stack = '', message }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return [message, ...frames.slice(0, 3)].join('\n')
}

function comparable({ seen, requests }: Outcome): object {
  return { seen, count: requests.length, requests: requests.map(withoutRetryCount) }
}

function withoutRetryCount({ headers, ...rest }: SentRequest): SentRequest {
  const { [RETRY_COUNT]: _, ...others } = headers
  return { ...rest, headers: others }
}
