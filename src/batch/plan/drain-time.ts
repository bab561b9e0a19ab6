import { LIMIT_FIELDS, type LimitField } from '../../limits/limit-fields.js'
import { type Dimension, INPUT_TOKENS, OUTPUT_TOKENS, REQUESTS, TOKENS } from '../../quota/dimensions.js'
import { type CounterRule, SlidingCounter } from '../../quota/windows/sliding-counter.js'
import { type LimitRule, limitRules } from '../../quota/limit-rules.js'
import type { Limits, Profile } from '../../types.js'

/** What one request takes of the limits. */
export interface Amounts {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface DrainRate {
  readonly profile: Profile
  /** J, in ms. */
  readonly networkJitterMs: number
  /** How long an answer takes, in ms; without it a limit of concurrency is passed over. */
  readonly answerMs?: number | undefined
}

/** How long requests take that come all at once. */
export interface Drain {
  /** From the first start to the last; 0 where nothing limits them. */
  readonly minutes: number
  /** The limit that takes longest. */
  readonly binding: LimitField | undefined
  /** What each limit would take alone, in minutes. */
  readonly byLimit: Readonly<Partial<Record<LimitField, number>>>
}

/** So many are looked at to fill what is left of a second. The queue looks at more, and places fewer of them as well. */
const CANDIDATES = 10

/**
 * How long the limiter takes to start `requests`, in this order, by the rules by which it paces them.
 *
 * A window W that is held over W + J passes its limit once in that time. What of the limit stays unused depends on how the
 * requests fill it, so the windows of tokens are filled here as the queue does: the next one, and behind it the largest that
 * fits. One that is larger than a second's tokens goes alone and leaves a debt of its size ÷ TPS.
 *
 * Against runs of the limiter itself: within 1 % where requests bind, within 3 % where tokens do (4 % by a sliding counter), and up to 7 % too long where
 * most requests are about as large as a second's tokens. Left out: that limits of which two nearly bind take longer than
 * either, that a minute's bucket may start full, limits of thinking tokens, and what 429s, repeats and the time of the last answer add.
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
 * The limit that a request with this input can never pass, because it is larger than a whole minute's; undefined where there
 * is none. Its expected output does not count: an expectation never makes a request too large.
 */
export function neverPasses(inputTokens: number, limits: Limits): 'tpm' | 'inputTpm' | undefined {
  if (inputTokens > (limits.tpm ?? Infinity)) return 'tpm'
  return inputTokens > (limits.inputTpm ?? Infinity) ? 'inputTpm' : undefined
}

/** The output that is counted for a request of which so much is expected: as much as its input leaves of the limits. */
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
  // Output that counts when the answer is there takes of the same second's tokens, later.
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
 * How long a sliding counter keeps the amounts: by the counter itself, for what it leaves unused no share tells. Behind one that
 * has to wait goes, of the next few, the largest that fits.
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
      // What can never pass alone stands in no drain.
      if (soonest === Infinity) waiting.shift()
      else nowUs = Math.ceil(soonest)
    } else counter.charge(waiting.splice(index, 1)[0]!, nowUs, seq)
  }
}

/** How many windows of `limit` the amounts fill; the last one by its part. */
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

/** The first where it fits, else the largest that does; -1 where none does. */
function bestFit(amounts: readonly number[], room: number): number {
  if (amounts[0]! <= room) return 0
  let best = -1
  for (const [index, amount] of amounts.entries()) {
    if (amount <= room && (best === -1 || amount > amounts[best]!)) best = index
  }
  return best
}

/** How much of an answer is thinking nobody knows beforehand: as at admission, it counts nothing. */
function amountOf({ inputTokens, outputTokens }: Amounts, dimension: Dimension): number {
  if (dimension === REQUESTS) return 1
  if (dimension === TOKENS) return inputTokens + outputTokens
  if (dimension === INPUT_TOKENS) return inputTokens
  return dimension === OUTPUT_TOKENS ? outputTokens : 0
}
