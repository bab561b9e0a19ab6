import { LIMIT_FIELDS, type LimitField } from '../../limits/limit-fields.js'
import { type Dimension, INPUT_TOKENS, OUTPUT_TOKENS, REQUESTS, TOKENS } from '../../quota/dimensions.js'
import { type CounterRule, SlidingCounter } from '../../quota/windows/sliding-counter.js'
import { type LimitRule, limitRules } from '../../quota/limit-rules.js'
import type { Limits, Profile } from '../../types.js'

/** The tokens that one request charges to the limits. */
export interface Amounts {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface DrainRate {
  readonly profile: Profile
  /** The network jitter J, in ms. */
  readonly networkJitterMs: number
  /** The duration of one answer, in ms. Unless set, a concurrency limit is ignored. */
  readonly answerMs?: number | undefined
}

/** The time in which the limiter starts a set of requests that arrive together. */
export interface Drain {
  /** Minutes from the first start to the last. 0 without limits. */
  readonly minutes: number
  /** The limit that takes the longest. */
  readonly binding: LimitField | undefined
  /** The time under each limit alone, in minutes. */
  readonly byLimit: Readonly<Partial<Record<LimitField, number>>>
}

/**
 * Requests that the plan considers to fill the rest of a window. Chosen. The limiter's queue considers more.
 * A larger value fills windows better than the queue does, so the planned time is too short. A smaller value makes it too long.
 */
const CANDIDATES = 10

/**
 * Returns the time in which the limiter starts `requests`, in this order. It applies the limiter's pacing rules.
 *
 * The limiter admits one limit in each W + J, where W is the window. The unused rest of a token window depends on the sizes of
 * the requests. So this function fills the windows as the queue does: with the next request, then with the largest one that fits.
 * A request larger than the tokens of one second starts alone and leaves a debt of its size ÷ TPS.
 *
 * Compared with runs of the limiter, the error is at most 1 % where requests bind. Where tokens bind it is at most 3 %, or 4 %
 * with a sliding counter. The time is up to 7 % too long if most requests are about as large as the tokens of one second.
 *
 * Not included: two limits that nearly bind together, a minute bucket that starts full, limits of thinking tokens, 429s, retries,
 * and the time of the last answer.
 */
export function drainOf(requests: readonly Amounts[], limits: Limits, pace: DrainRate): Drain {
  const byLimit: Partial<Record<LimitField, number>> = {}
  const { outputAccounting } = pace.profile
  const accounting = outputAccounting === 'learn' ? undefined : outputAccounting
  for (const rule of limitRules(limits, pace.profile, accounting, pace.networkJitterMs)) {
    byLimit[rule.limit] = secondsOf(rule, requests, pace.networkJitterMs / 1000) / 60
  }
  const { concurrency = Infinity } = limits
  if (concurrency !== Infinity && pace.answerMs !== undefined) {
    byLimit.concurrency = (requests.length / concurrency) * (pace.answerMs / 60_000)
  }
  let binding: LimitField | undefined
  for (const limit of LIMIT_FIELDS) {
    if ((byLimit[limit] ?? 0) > (binding === undefined ? 0 : byLimit[binding]!)) binding = limit
  }
  return { minutes: binding === undefined ? 0 : byLimit[binding]!, binding, byLimit }
}

/**
 * Returns the limit that a request with this input can never pass, because the input exceeds the whole minute's limit, or
 * undefined. The expected output is ignored: an expectation never makes a request too large.
 */
export function neverPasses(inputTokens: number, limits: Limits): 'tpm' | 'inputTpm' | undefined {
  if (inputTokens > (limits.tpm ?? Infinity)) return 'tpm'
  return inputTokens > (limits.inputTpm ?? Infinity) ? 'inputTpm' : undefined
}

/** Returns the expected output, capped to the tokens that the input leaves within the limits. */
export function countedOutput({ inputTokens, outputTokens }: Amounts, limits: Limits): number {
  const { tpm = Infinity, outputTpm = Infinity } = limits
  return Math.max(0, Math.min(outputTokens, tpm - inputTokens, outputTpm))
}

function secondsOf(rule: LimitRule, requests: readonly Amounts[], jitterSeconds: number): number {
  const window = rule.window && { limit: rule.window.limit, seconds: rule.window.spanUs / 1e6 }
  const bucket = rule.bucket && {
    perSecond: (1e6 * rule.bucket.amount) / rule.bucket.periodUs,
    depth: (rule.bucket.amount * rule.bucket.burstUs) / rule.bucket.periodUs,
  }
  // Output that is charged at the end of the answer uses the same token limit, only later.
  const dimension = rule.countsOutput !== 'first' ? TOKENS : rule.dimension
  if (rule.counter !== undefined) {
    const amounts = requests.map((request) => amountOf(request, dimension)).filter((amount) => amount > 0)
    return counterSeconds(rule.counter, amounts)
  }
  const maxFitting = Math.min(window?.limit ?? Infinity, bucket?.depth ?? Infinity)
  let oversizedSeconds = 0
  let flowingSeconds = 0
  const fitting: number[] = []
  for (const request of requests) {
    const amount = amountOf(request, dimension)
    if (amount === 0) continue
    if (amount > maxFitting) {
      const debt = bucket === undefined ? 0 : amount / bucket.perSecond + jitterSeconds
      oversizedSeconds += Math.max(debt, window?.seconds ?? 0)
    } else {
      fitting.push(amount)
      if (bucket !== undefined) flowingSeconds += amount / bucket.perSecond
    }
  }
  const packed = window === undefined ? 0 : window.seconds * windowsFor(fitting, window.limit, dimension)
  return oversizedSeconds + Math.max(packed, flowingSeconds)
}

/**
 * Returns the seconds that a sliding counter takes to admit the amounts. It runs the counter, because no formula gives the unused
 * rest. While the first amount waits, the largest of the next few that fits goes ahead of it.
 */
function counterSeconds(rule: CounterRule, amounts: readonly number[]): number {
  const counter = new SlidingCounter(rule, 0)
  const waiting: number[] = []
  let nowUs = 0
  let next = 0
  for (let seq = 0; ; seq++) {
    while (waiting.length < CANDIDATES && next < amounts.length) waiting.push(amounts[next++]!)
    if (waiting.length === 0) return nowUs / 1e6
    let index = -1
    for (const [at, amount] of waiting.entries()) {
      const isBetter = index === -1 || (index > 0 && amount > waiting[index]!)
      if (isBetter && counter.earliestUs(amount, nowUs) <= nowUs) index = at
    }
    if (index === -1) {
      const soonest = counter.earliestUs(waiting[0]!, nowUs)
      // An amount that can never pass is not part of the time.
      if (soonest === Infinity) waiting.shift()
      else nowUs = Math.ceil(soonest)
    } else counter.charge(waiting.splice(index, 1)[0]!, nowUs, seq)
  }
}

/** Returns the number of windows of `limit` that the amounts fill. The last window counts by its filled share. */
function windowsFor(amounts: readonly number[], limit: number, dimension: Dimension): number {
  if (dimension === REQUESTS) return amounts.length / limit
  const waiting: number[] = []
  let windows = 0
  let room = limit
  let next = 0
  while (next < amounts.length || waiting.length > 0) {
    while (waiting.length < CANDIDATES && next < amounts.length) waiting.push(amounts[next++]!)
    const index = bestFit(waiting, room)
    if (index === -1) {
      windows++
      room = limit
    } else {
      room -= waiting[index]!
      waiting.splice(index, 1)
    }
  }
  return windows + (limit - room) / limit
}

/** Returns the index of the first amount if it fits, else of the largest that fits, else -1. */
function bestFit(amounts: readonly number[], room: number): number {
  if (amounts[0]! <= room) return 0
  let best = -1
  for (const [index, amount] of amounts.entries()) {
    if (amount <= room && (best === -1 || amount > amounts[best]!)) best = index
  }
  return best
}

/** Returns the charge of a request in one dimension. Thinking is unknown before the answer, so it counts as 0, as at admission. */
function amountOf({ inputTokens, outputTokens }: Amounts, dimension: Dimension): number {
  if (dimension === REQUESTS) return 1
  if (dimension === TOKENS) return inputTokens + outputTokens
  if (dimension === INPUT_TOKENS) return inputTokens
  return dimension === OUTPUT_TOKENS ? outputTokens : 0
}
