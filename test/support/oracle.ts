import type { Cost } from '../../src/types.js'

/**
 * What the meters ought to do, written down a second time: lists of what was taken, summed from the first entry on for
 * every question, in whole microseconds and BigInt. It is slow and shares nothing with the meters but the rules.
 */

const MINUTE_US = 60_000_000
const SECOND_US = 1_000_000

/** The limits of a model as the tests give them: whole numbers a minute; `perSecond` adds a sixtieth of each a second. */
export interface Row {
  readonly rpm?: number
  readonly tpm?: number
  readonly perSecond: boolean
}

/** Something that took `amount` at `at` µs. A correction changes the amount. */
export interface Entry {
  readonly at: number
  amount: number
}

/** The sum of what was taken in (at − span, at]. */
export function sumWithin(log: readonly Entry[], at: number, spanUs: number): number {
  let sum = 0
  for (const entry of log) if (entry.at > at - spanUs && entry.at <= at) sum += entry.amount
  return sum
}

export class WindowOracle {
  readonly log: Entry[] = []

  readonly limit: number
  readonly spanUs: number
  readonly takesLargeAlone: boolean

  constructor(limit: number, spanUs: number, takesLargeAlone: boolean) {
    this.limit = limit
    this.spanUs = spanUs
    this.takesLargeAlone = takesLargeAlone
  }

  fits(amount: number, at: number): boolean {
    const sum = sumWithin(this.log, at, this.spanUs)
    return sum + amount <= this.limit || (this.takesLargeAlone && amount > this.limit && sum === 0)
  }

  /** Tries now, and then each time at which something leaves. */
  earliestUs(amount: number, nowUs: number): number {
    if (amount > this.limit && !this.takesLargeAlone) return Infinity
    const leaving = this.log.map((entry) => entry.at + this.spanUs).filter((at) => at > nowUs)
    return [nowUs, ...leaving.toSorted((a, b) => a - b)].find((at) => this.fits(amount, at)) ?? Infinity
  }

  take(amount: number, at: number): Entry {
    const entry = { at, amount }
    this.log.push(entry)
    return entry
  }
}

type BucketEvent = Taking | { readonly at: number; readonly heldUntil: number }

/** Taking anything, even what was given back in full, leaves no more than the depth. */
interface Taking extends Entry {
  readonly loses: boolean
}

/** `amount` flows in during `periodUs`; levels count token·µs, so a token weighs `periodUs` and a µs brings `amount`. */
export class BucketOracle {
  readonly #amount: bigint
  readonly #period: bigint
  readonly #depth: bigint
  readonly #ceiling: bigint
  readonly #startUs: number
  readonly #events: BucketEvent[] = []

  /** As deep as what flows in during `depthUs`; a charge above that waits until it has been full for `jitterUs`. */
  constructor(amount: number, periodUs: number, depthUs: number, jitterUs: number, startUs: number) {
    this.#amount = BigInt(amount)
    this.#period = BigInt(periodUs)
    this.#depth = BigInt(amount) * BigInt(depthUs)
    this.#ceiling = this.#depth + BigInt(amount) * BigInt(jitterUs)
    this.#startUs = startUs
  }

  earliestUs(amount: number, nowUs: number): number {
    const scaled = BigInt(amount) * this.#period
    const need = scaled > this.#depth ? this.#ceiling : scaled
    const { level, at } = this.#replay(nowUs)
    if (level >= need) return Math.max(nowUs, at)
    return at + Number((need - level + this.#amount - 1n) / this.#amount)
  }

  /** `loses`: whether what it held above its depth is lost even if `amount` is corrected to nothing. */
  take(amount: number, at: number, loses = true): Entry {
    const entry = { at, amount, loses: loses && amount > 0 }
    this.#events.push(entry)
    return entry
  }

  hold(untilUs: number, nowUs: number): void {
    this.#events.push({ at: nowUs, heldUntil: untilUs })
  }

  /** The level at `nowUs`, or at the end of a hold that lies ahead. */
  #replay(nowUs: number): { level: bigint; at: number } {
    let level = 0n
    let at = this.#startUs
    const fillTo = (time: number): void => {
      if (time <= at) return
      level += BigInt(time - at) * this.#amount
      if (level > this.#ceiling) level = this.#ceiling
      at = time
    }
    for (const event of this.#events) {
      fillTo(event.at)
      if ('heldUntil' in event) {
        fillTo(event.heldUntil)
        if (level > 0n) level = 0n
      } else if (event.amount > 0 || event.loses) {
        if (level > this.#depth) level = this.#depth
        level -= BigInt(event.amount) * this.#period
      }
    }
    fillTo(nowUs)
    return { level, at }
  }
}

export type Counted = 'requests' | 'tokens'

/** One limit: the window that bounds it, the bucket that paces it, and how late a refund still counts in the bucket. */
export interface LimitOracle {
  readonly counts: Counted
  readonly window: WindowOracle
  readonly bucket: BucketOracle
  readonly refundableUs: number
}

/** How much of what is counted a cost takes. */
export function countedIn(cost: Cost, counts: Counted): number {
  return counts === 'requests' ? cost.requests : cost.inputTokens + cost.outputTokens
}

/** The limits of a row, each as the pair of rules that holds it against a server that nothing is known of. */
export function limitOracles(row: Row, jitterUs: number, startUs: number): LimitOracle[] {
  const of = (counts: Counted, perMinute: number, windowUs: number): LimitOracle => {
    const second = windowUs === SECOND_US
    const whole = second ? Math.floor(perMinute / 60) : perMinute
    return {
      counts,
      window: new WindowOracle(Math.max(1, whole), windowUs + jitterUs, second),
      bucket: new BucketOracle(perMinute, MINUTE_US, windowUs - jitterUs, jitterUs, startUs),
      refundableUs: windowUs + jitterUs,
    }
  }
  /** Less than two requests a second, or a fraction below three: one at a time, 60/RPM s and J apart. */
  const spaced = (rpm: number): LimitOracle => {
    const spacingUs = Math.ceil(MINUTE_US / rpm) + jitterUs
    return {
      counts: 'requests',
      window: new WindowOracle(Math.ceil(rpm / 60), SECOND_US + jitterUs, true),
      bucket: new BucketOracle(1, spacingUs, spacingUs, 0, startUs),
      refundableUs: spacingUs,
    }
  }
  const { rpm, tpm, perSecond } = row
  const limits: LimitOracle[] = []
  if (rpm !== undefined) {
    limits.push(of('requests', rpm, MINUTE_US))
    const isSpaced = rpm < 120 || (rpm < 180 && rpm % 60 !== 0)
    if (perSecond) limits.push(isSpaced ? spaced(rpm) : of('requests', rpm, SECOND_US))
  }
  if (tpm !== undefined) {
    limits.push(of('tokens', tpm, MINUTE_US))
    if (perSecond) limits.push(of('tokens', tpm, SECOND_US))
  }
  return limits
}

/** What one admission took from each limit, the window's entry and the bucket's. */
export interface Taken {
  readonly cost: Cost
  readonly at: number
  readonly entries: readonly { readonly limit: LimitOracle; readonly window: Entry; readonly bucket: Entry }[]
}

/**
 * A whole gate. A refund is the rewriting of history: the entry becomes as small as it should have been. In the bucket,
 * one that comes when the window has gone may give nothing: a generous oracle still gives it, a strict one does not.
 */
export class GateOracle {
  readonly limits: readonly LimitOracle[]
  readonly #generous: boolean
  readonly #frozen = new Set<Entry>()
  #heldUntilUs = 0

  constructor(row: Row, jitterUs: number, startUs: number, generous: boolean) {
    this.limits = limitOracles(row, jitterUs, startUs)
    this.#generous = generous
  }

  earliestUs(cost: Cost, nowUs: number): number {
    let earliest = Math.max(nowUs, this.#heldUntilUs)
    for (const { counts, window, bucket } of this.limits) {
      const amount = countedIn(cost, counts)
      if (amount > 0) earliest = Math.max(earliest, window.earliestUs(amount, nowUs), bucket.earliestUs(amount, nowUs))
    }
    return earliest
  }

  take(cost: Cost, at: number): Taken {
    const entries = this.limits.map((limit) => {
      const amount = countedIn(cost, limit.counts)
      return { limit, window: limit.window.take(amount, at), bucket: limit.bucket.take(amount, at, !this.#generous) }
    })
    return { cost, at, entries }
  }

  settle(taken: Taken, actual: Cost, nowUs: number): void {
    for (const { limit, window, bucket } of taken.entries) {
      const reserved = countedIn(taken.cost, limit.counts)
      const used = countedIn(actual, limit.counts)
      if (used > reserved) {
        limit.window.take(used - reserved, nowUs)
        limit.bucket.take(used - reserved, nowUs)
      } else if (used < reserved) {
        window.amount = used
        const late = nowUs - taken.at >= limit.refundableUs
        if (!this.#frozen.has(bucket) && (this.#generous || !late)) bucket.amount = used
      }
    }
  }

  /** `takenBefore`: everything admitted so far; the buckets that are emptied take no refund for it. */
  hold(untilUs: number, empties: Counted | 'all' | 'none', nowUs: number, takenBefore: readonly Taken[]): void {
    this.#heldUntilUs = Math.max(this.#heldUntilUs, untilUs)
    for (const limit of this.limits) {
      if (empties !== 'all' && empties !== limit.counts) continue
      limit.bucket.hold(untilUs, nowUs)
      for (const { entries } of takenBefore) {
        for (const entry of entries) if (entry.limit === limit) this.#frozen.add(entry.bucket)
      }
    }
  }
}

/** A limit of a server: `amount` in each `windowUs`, a fraction `amount / per`. */
export interface ServerLimit {
  readonly counts: Counted
  readonly windowUs: number
  readonly amount: number
  readonly per: number
}

/** What a server enforces for a row. */
export function serverLimits(row: Row): ServerLimit[] {
  const limits: ServerLimit[] = []
  for (const [counts, amount] of [
    ['requests', row.rpm],
    ['tokens', row.tpm],
  ] as const) {
    if (amount === undefined) continue
    limits.push({ counts, windowUs: MINUTE_US, amount, per: 1 })
    if (row.perSecond) limits.push({ counts, windowUs: SECOND_US, amount, per: 60 })
  }
  return limits
}

export type ServerKind = 'fixed' | 'sliding' | 'bucket' | 'counter'

/**
 * One limit of a server that counts in one way. It takes an amount above its limit when nothing else stands in its window
 * (or its bucket is full), which for the limits of a minute no client should ever try.
 *
 * A window that counts requests counts whole ones. Where a second holds less than three and a fraction, a client that
 * spaces them evenly puts the fraction's next whole number into some seconds; a server that refused it would grant less
 * than the rate it states, so it is taken to grant it. A bucket always has room for one request. A sliding counter, which counts
 * fractions, grants fractions.
 */
export class ServerOracle {
  readonly #taken: Entry[] = []
  readonly #allowed: bigint
  readonly #per: bigint

  readonly #limit: ServerLimit
  readonly #kind: ServerKind
  readonly #phaseUs: number

  constructor(limit: ServerLimit, kind: ServerKind, phaseUs: number) {
    this.#limit = limit
    this.#kind = kind
    this.#phaseUs = phaseUs
    const { amount, per, counts } = limit
    const roundsUp = (kind === 'fixed' || kind === 'sliding') && counts === 'requests' && amount < 3 * per
    this.#per = BigInt(per)
    this.#allowed = BigInt(roundsUp ? Math.ceil(amount / per) * per : amount)
  }

  /** Takes `amount` at `at` µs, or refuses. Calls come in the order of time. */
  take(amount: number, at: number): boolean {
    if (amount === 0) return true
    const passes = this.#passes(amount, at)
    if (passes) this.#taken.push({ at, amount })
    return passes
  }

  #passes(amount: number, at: number): boolean {
    if (this.#kind === 'bucket') return this.#passesBucket(amount, at)
    return this.#kind === 'counter' ? this.#passesCounter(amount, at) : this.#passesWindow(amount, at)
  }

  /** The current window, and of the one before it as much as is not over of the current one. */
  #passesCounter(amount: number, at: number): boolean {
    const { windowUs } = this.#limit
    const windowOf = (time: number): number => Math.floor((time - this.#phaseUs) / windowUs)
    const index = windowOf(at)
    const left = (index + 1) * windowUs + this.#phaseUs - at
    let counted = 0n
    for (const entry of this.#taken) {
      if (windowOf(entry.at) === index) counted += BigInt(entry.amount) * BigInt(windowUs)
      else if (windowOf(entry.at) === index - 1) counted += BigInt(entry.amount) * BigInt(left)
    }
    const asked = BigInt(amount) * BigInt(windowUs)
    return (counted + asked) * this.#per <= this.#allowed * BigInt(windowUs) || counted === 0n
  }

  #passesWindow(amount: number, at: number): boolean {
    const { windowUs } = this.#limit
    const windowOf = (time: number): number => Math.floor((time - this.#phaseUs) / windowUs)
    let sum = 0
    for (const entry of this.#taken) {
      const counts = this.#kind === 'fixed' ? windowOf(entry.at) === windowOf(at) : entry.at > at - windowUs
      if (counts) sum += entry.amount
    }
    return BigInt(sum + amount) * this.#per <= this.#allowed || sum === 0
  }

  #passesBucket(amount: number, at: number): boolean {
    const token = BigInt(this.#limit.windowUs) * this.#per
    const full = this.#allowed * BigInt(this.#limit.windowUs)
    const burst = this.#limit.counts === 'requests' && full < token ? token : full
    let level = burst
    let time = this.#taken[0]?.at ?? at
    for (const entry of [...this.#taken, { at, amount: 0 }]) {
      level += BigInt(entry.at - time) * this.#allowed
      if (level > burst) level = burst
      level -= BigInt(entry.amount) * token
      time = entry.at
    }
    return level >= BigInt(amount) * token || level === burst
  }
}
