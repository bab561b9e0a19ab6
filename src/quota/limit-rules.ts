import type { Limits, OutputAccounting, Profile, WindowKind } from '../types.js'
import { MAX_LEVEL, type BucketRule } from './token-bucket.js'
import type { CounterRule } from './windows/sliding-counter.js'
import {
  type Dimension,
  FIRST_TOKENS,
  INPUT_TOKENS,
  OUTPUT_TOKENS,
  REQUESTS,
  THINKING_TOKENS,
  TOKENS,
} from './dimensions.js'
import type { WindowRule } from './windows/exact-window.js'

/** The limit that a meter holds: every one of {@link Limits} but `concurrency`. */
export type MeteredLimit = Exclude<keyof Limits, 'concurrency'>

/** One limit as the rules that hold it; see {@link limitRules}. */
export interface LimitRule {
  readonly limit: MeteredLimit
  readonly dimension: Dimension
  /** When the output counts: `first`, with the request; `late`, when the answer has ended; `generated`, as it is written. */
  readonly countsOutput: 'first' | 'late' | 'generated'
  /** Whether it is a limit a minute that counts output. */
  readonly isMinuteOfOutput: boolean
  /** The limit in force: an amount a minute, or a second for `rps` and `tps`. */
  readonly effective: number
  /** The configured limit. The one in force differs from it where refusals have shown another. */
  readonly configured: number
  readonly window: WindowRule | undefined
  /** The length of the server's windows, if they begin at whole multiples of its clock. */
  readonly alignedUs: number | undefined
  readonly bucket: BucketRule | undefined
  /** For a server that keeps a sliding counter. Then there is neither a window nor a bucket. */
  readonly counter: CounterRule | undefined
}

const MINUTE_US = 60e6
const SECOND_US = 1e6

const DIMENSIONS: Readonly<Record<MeteredLimit, Dimension>> = {
  rps: REQUESTS,
  tps: TOKENS,
  rpm: REQUESTS,
  tpm: TOKENS,
  inputTpm: INPUT_TOKENS,
  outputTpm: OUTPUT_TOKENS,
  thinkingTpm: THINKING_TOKENS,
}

/**
 * The number of slots of a sliding counter's window. Charges of one slot count as if made at its end: that loses less than a
 * thousandth of the limit. More slots make the log longer; it has at most about 2,000 entries (decision 010).
 */
const COUNTER_SLOTS = 1000
/**
 * The limit, in requests a second, below which a limit that is no whole number is held by spacing. Rounded down, 1.67 a second lose
 * 40 %, 2.9 lose 31 % and 3.9 lose 23 %. Spacing loses J × rate instead, and every burst. Chosen, not tuned; see decision 002.
 */
const FEW_REQUESTS = 3
/**
 * The least depth of a bucket, as a share of its window. A J above the window would leave no depth, and nothing would ever pass. A
 * deeper bucket would burst into a server's bucket; a tenth still lets requests pass one at a time.
 */
const MIN_DEPTH_SHARE = 1 / 10

/**
 * The rules for each limit that binds. L is the limit, W its window, and J the spread of the delays to the server. An exact window
 * of W + J with limit L is safe against a server that counts in fixed or sliding windows. A bucket of depth L − rJ and rate r = L/W
 * is safe against a server that keeps a bucket of depth L. Both hold against an unknown server. A sliding counter has a rule of its
 * own. See decisions 001 and 010.
 */
export function limitRules(
  limits: Limits,
  profile: Profile,
  outputAccounting: OutputAccounting | undefined,
  networkJitterMs: number,
  configured: Limits = limits,
): LimitRule[] {
  const jitterUs = Math.round(networkJitterMs * 1000)
  const rules: LimitRule[] = []
  for (const limit of Object.keys(DIMENSIONS) as MeteredLimit[]) {
    const effective = limits[limit]
    if (effective === undefined || effective === Infinity) continue
    const perSecond = limit === 'rps' || limit === 'tps'
    const kind = perSecond ? profile.secondWindow : profile.minuteWindow
    const build = limit === 'rps' ? requestsPerSecond : limit === 'tps' ? tokensPerSecond : perMinute
    const countsOutput = limit === 'tps' ? whenCounted(outputAccounting) : 'first'
    const dimension = countsOutput === 'first' ? DIMENSIONS[limit] : FIRST_TOKENS
    const isMinuteOfOutput = !perSecond && OF_OUTPUT.has(dimension)
    const asConfigured = configured[limit] ?? effective
    const rule = { limit, dimension, countsOutput, isMinuteOfOutput, effective, configured: asConfigured }
    const isLowered = asConfigured > effective
    if (kind === 'counter') {
      const counter = perSecond
        ? counterOfSecond(limit, effective, jitterUs)
        : counterOf(effective, 1, MINUTE_US, jitterUs, isLowered)
      rules.push({ ...rule, alignedUs: undefined, window: undefined, bucket: undefined, counter })
      continue
    }
    // With a known phase all requests go at the begin of a window. They would leave no room for output that counts later.
    const isAligned = kind === 'fixed' && profile.windowPhase === 'clock' && countsOutput === 'first'
    const alignedUs = isAligned ? (perSecond ? SECOND_US : MINUTE_US) : undefined
    const pair = onlyWhatBinds(kind, build(effective, jitterUs, isLowered))
    rules.push({ ...rule, alignedUs, ...pair, counter: undefined })
  }
  return rules
}

/** A second's limit counts output when the service does. A minute's limit reserves it with the request; see decision 012. */
function whenCounted(outputAccounting: OutputAccounting | undefined): LimitRule['countsOutput'] {
  return outputAccounting === 'completion' ? 'late' : outputAccounting === 'generated' ? 'generated' : 'first'
}

const OF_OUTPUT: ReadonlySet<Dimension> = new Set([TOKENS, OUTPUT_TOKENS, THINKING_TOKENS])

interface RulePair {
  readonly window: WindowRule
  readonly bucket: BucketRule
}

function onlyWhatBinds(
  kind: WindowKind,
  pair: RulePair,
): { window: WindowRule | undefined; bucket: BucketRule | undefined } {
  return {
    window: kind === 'bucket' ? undefined : pair.window,
    bucket: kind === 'fixed' || kind === 'sliding' ? undefined : pair.bucket,
  }
}

function perMinute(limit: number, jitterUs: number, isLowered: boolean): RulePair {
  return {
    window: { limit, spanUs: MINUTE_US + jitterUs, takesLargeAlone: isLowered },
    bucket: bucketOf(limit, MINUTE_US, MINUTE_US, jitterUs),
  }
}

function tokensPerSecond(tps: number, jitterUs: number): RulePair {
  const { amount, periodUs } = rate(tps)
  return {
    window: { limit: Math.max(1, Math.floor(tps + 1e-9)), spanUs: SECOND_US + jitterUs, takesLargeAlone: true },
    bucket: bucketOf(amount, periodUs, SECOND_US, jitterUs),
  }
}

/** Below {@link FEW_REQUESTS} the requests go one at a time, 60/RPM seconds and J apart. The window only bounds them from above. */
function requestsPerSecond(rps: number, jitterUs: number): RulePair {
  const whole = Math.floor(rps + 1e-9)
  const isWhole = Math.abs(rps - Math.round(rps)) < 1e-9
  const spanUs = SECOND_US + jitterUs
  if (rps >= FEW_REQUESTS || (isWhole && whole >= 2)) {
    const { amount, periodUs } = rate(rps)
    return {
      window: { limit: whole, spanUs, takesLargeAlone: true },
      bucket: bucketOf(amount, periodUs, SECOND_US, jitterUs),
    }
  }
  const spacingUs = Math.ceil(SECOND_US / rps - 1e-6) + jitterUs
  return {
    window: { limit: isWhole ? Math.max(1, whole) : Math.ceil(rps), spanUs, takesLargeAlone: true },
    bucket: { amount: 1, periodUs: spacingUs, burstUs: spacingUs, jitterUs: 0, refundableUs: spacingUs },
  }
}

function counterOf(limit: number, weight: number, windowUs: number, jitterUs: number, isLowered = false): CounterRule {
  return {
    limit,
    weight,
    windowUs,
    jitterUs,
    slotUs: windowUs / COUNTER_SLOTS,
    takesLargeAlone: windowUs === SECOND_US || isLowered,
  }
}

/**
 * A sliding counter holds few requests a second by their exact number. With 1.67 a second the next one may go while a third of
 * the last still counts. With one or less it goes when nothing counts any more, 2 s and J later.
 */
function counterOfSecond(limit: 'rps' | 'tps', effective: number, jitterUs: number): CounterRule {
  if (limit === 'rps' && effective < FEW_REQUESTS) {
    const { amount, periodUs } = rate(effective)
    return counterOf(amount, periodUs / SECOND_US, SECOND_US, jitterUs)
  }
  return counterOf(Math.max(1, Math.floor(effective + 1e-9)), 1, SECOND_US, jitterUs)
}

/** A bucket for whose requests a server's bucket of depth `windowUs` always has room, up to J later: b = L − rJ. */
function bucketOf(amount: number, periodUs: number, windowUs: number, jitterUs: number): BucketRule {
  const burstUs = Math.max(windowUs - jitterUs, Math.ceil(windowUs * MIN_DEPTH_SHARE))
  return { amount, periodUs, burstUs, jitterUs, refundableUs: windowUs + jitterUs }
}

/**
 * A rate a second as whole amounts in whole microseconds, never above it: 83.33 a second is 5,000 in 60 s. What no such
 * period holds exactly is rounded down in the longest one whose sums are exact in microseconds.
 */
function rate(perSecond: number): { amount: number; periodUs: number } {
  let nearest = { amount: 1, periodUs: Math.ceil(SECOND_US / perSecond) }
  for (const seconds of [1, 60, 3600]) {
    const exact = perSecond * seconds
    const periodUs = seconds * SECOND_US
    if (seconds > 1 && exact * periodUs >= MAX_LEVEL) break
    const amount = Math.round(exact)
    if (amount >= 1 && Math.abs(amount - exact) <= 1e-9 * amount) return { amount, periodUs }
    if (exact >= 1) nearest = { amount: Math.floor(exact), periodUs }
  }
  return nearest
}
