import type { Cost, Limits, Profile } from '../types.js'
import {
  chargedBy,
  toUs,
  type Admission,
  type ClockPhase,
  type Gate,
  type MeterUse,
  type Never,
  type NotBefore,
  type Reservation,
  type UntilChange,
} from './gate.js'
import type { PhaseUs } from './aligned-window.js'
import { amountIn, amountsOfNothing, isWithin, readAmounts, REQUESTS, TOKENS, type Amounts } from './dimensions.js'
import { Meter, meterRules } from './meter.js'
import { Pace } from './pace.js'

/** Exact sums of tokens: `reserved + excess = settled + refunded + inFlight`. */
export interface GateTotals {
  readonly reserved: number
  readonly settled: number
  readonly refunded: number
  readonly excess: number
  readonly inFlight: number
}

export interface MeterGateOptions {
  readonly limits: Limits
  readonly profile: Profile
  /** J, in ms. */
  readonly jitterMs: number
  /** When the service counts what is sent, if that is known. */
  readonly phase?: ClockPhase | undefined
  /** Since when, in the clock's ms, it is known that nothing ran; buckets fill from then on. */
  readonly idleSince: number
}

/** A gate of meters in memory. */
export class MeterGate implements Gate {
  readonly #profile: Profile
  #jitterMs: number
  #phase: PhaseUs | undefined
  #meters: Meter[] = []
  /** Those that count the output when the answer is there. */
  #lateMeters: readonly Meter[] = []
  readonly #amounts = amountsOfNothing()
  readonly #otherAmounts = amountsOfNothing()
  /** What can ever pass in each dimension, by the least of its meters. */
  readonly #largest = amountsOfNothing()
  #limits: Limits = {}
  #told: Limits = {}
  #concurrency = Infinity
  #seq = 0
  #nowUs = 0
  #heldUntilUs = 0
  #pace: Pace | undefined
  #inFlight = 0
  #notify: () => void = () => {}
  #reserved = 0
  #settledTokens = 0
  #refunded = 0
  #excess = 0
  #inFlightTokens = 0

  constructor(options: MeterGateOptions, now: number) {
    this.#profile = options.profile
    this.#jitterMs = options.jitterMs
    this.#phase = inUs(options.phase)
    this.#nowUs = toUs(now)
    this.#apply(options.limits, options.limits, toUs(options.idleSince))
  }

  admit(cost: Cost, now: number): Admission {
    const nowUs = this.#advance(now)
    const amounts = readAmounts(cost, this.#amounts)
    if (!this.#hasRoom(amounts, nowUs)) {
      const at = this.#earliestUs(amounts, nowUs)
      if (at > nowUs)
        return at === Infinity ? (this.impossible(cost) ?? UNTIL_CHANGE) : { kind: 'not-before', at: at / 1000 }
    }
    if (this.#inFlight >= this.#concurrency) return UNTIL_CHANGE
    const seq = ++this.#seq
    for (const meter of this.#meters) {
      const amount = amounts[meter.dimension]!
      if (amount > 0) meter.charge(amount, nowUs, seq)
    }
    this.#pace?.charge(amounts[REQUESTS]!, nowUs)
    const tokens = cost.inputTokens + cost.outputTokens
    this.#inFlight++
    this.#inFlightTokens += tokens
    this.#reserved += tokens
    return { cost, at: nowUs / 1000, seq, settled: false, raised: undefined }
  }

  earliest(cost: Cost, now: number, ahead?: Cost): NotBefore | UntilChange | Never {
    const nowUs = this.#advance(now)
    const at =
      ahead === undefined
        ? this.#earliestUs(readAmounts(cost, this.#amounts), nowUs)
        : this.#afterUs(ahead, cost, nowUs)
    // Held without end, it is for a new hold or new limits to say.
    if (at === Infinity) return this.impossible(cost) ?? UNTIL_CHANGE
    // A place that what goes ahead takes comes back when that ends, which no time tells.
    const places = this.#concurrency - this.#inFlight
    if (ahead === undefined ? at <= nowUs && places <= 0 : places <= ahead.requests) return UNTIL_CHANGE
    // The caller's time may lie in the first half of a microsecond: what may go now must not be told to wait for the whole one.
    return { kind: 'not-before', at: at > nowUs || nowUs !== toUs(now) ? at / 1000 : Math.min(at / 1000, now) }
  }

  impossible(cost: Cost): Never | undefined {
    if (isWithin(cost, this.#largest)) return undefined
    const amounts = readAmounts(cost, this.#amounts)
    for (const meter of this.#meters) {
      const amount = amounts[meter.dimension]!
      if (amount > meter.largest) return { kind: 'never', limit: meter.rule.limit, stated: meter.rule.stated, amount }
    }
    return undefined
  }

  mostOutput(inputTokens: number): number {
    const { tpm = Infinity, outputTpm = Infinity } = this.#told
    return Math.max(0, Math.min(tpm - inputTokens, outputTpm))
  }

  shareOf(cost: Cost): number {
    if (this.#meters.length === 0) return cost.requests
    const amounts = readAmounts(cost, this.#amounts)
    let share = 0
    for (const meter of this.#meters) share = Math.max(share, amounts[meter.dimension]! / meter.perMinute)
    return share
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (reservation.settled) return false
    reservation.settled = true
    const nowUs = this.#advance(now)
    const reserved = chargedBy(reservation)
    const reservedTokens = reserved.inputTokens + reserved.outputTokens
    this.#inFlight--
    this.#inFlightTokens -= reservedTokens
    let roomCame = this.#concurrency !== Infinity
    let excessSeq = 0
    if (actual !== undefined) {
      const were = readAmounts(reserved, this.#amounts)
      const are = readAmounts(actual, this.#otherAmounts)
      for (const meter of this.#meters) {
        const was = were[meter.dimension]!
        const difference = meter.bounded(are[meter.dimension]!, was, nowUs) - was
        if (difference < 0) {
          this.#refund(meter, -difference, reservation, nowUs)
          roomCame = true
        } else if (difference > 0) {
          excessSeq ||= ++this.#seq
          meter.charge(difference, nowUs, excessSeq)
        }
      }
    }
    const { outputTokens } = actual ?? reserved
    if (outputTokens > 0) {
      for (const meter of this.#lateMeters) {
        excessSeq ||= ++this.#seq
        meter.charge(meter.bounded(outputTokens, 0, nowUs), nowUs, excessSeq)
      }
    }
    const actualTokens = actual === undefined ? reservedTokens : actual.inputTokens + actual.outputTokens
    this.#settledTokens += actualTokens
    if (actualTokens < reservedTokens) this.#refunded += reservedTokens - actualTokens
    else this.#excess += actualTokens - reservedTokens
    if (roomCame) this.#notify()
    return true
  }

  /**
   * A raise is a charge of its own, so that a refund of it can give back no more than that of any charge. It is made in full or
   * not at all: what counts of a debt without end is for {@link settle} to say.
   */
  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    if (reservation.settled) return false
    const nowUs = this.#advance(now)
    const charged = chargedBy(reservation)
    const were = readAmounts(charged, this.#amounts)
    const are = readAmounts(cost, this.#otherAmounts)
    if (are.some((amount, dimension) => amount < were[dimension]!)) return false
    for (const meter of this.#meters) {
      const amount = are[meter.dimension]!
      if (meter.bounded(amount, were[meter.dimension]!, nowUs) < amount) return false
    }
    const seq = ++this.#seq
    for (const meter of this.#meters) {
      const difference = are[meter.dimension]! - were[meter.dimension]!
      if (difference > 0) meter.charge(difference, nowUs, seq)
    }
    const tokens = are[TOKENS]! - were[TOKENS]!
    this.#inFlightTokens += tokens
    this.#excess += tokens
    reservation.raised = { cost, seq, below: reservation.raised }
    return true
  }

  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    const nowUs = this.#advance(now)
    const untilUs = toUs(until)
    if (untilUs > this.#heldUntilUs) this.#heldUntilUs = untilUs
    if (empties === 'none') return
    for (const meter of this.#meters) {
      if (empties === 'all' || (meter.dimension === REQUESTS) === (empties === 'requests')) {
        meter.emptyUntil(untilUs, nowUs, this.#seq)
      }
    }
  }

  get heldUntil(): number {
    return this.#heldUntilUs / 1000
  }

  pace(requestsPerSecond: number | undefined, now: number): void {
    const nowUs = this.#advance(now)
    const nextUs = this.#pace?.nextUs ?? nowUs
    if (requestsPerSecond === undefined) this.#pace = undefined
    else if (this.#pace === undefined) this.#pace = new Pace(requestsPerSecond)
    else this.#pace.set(requestsPerSecond)
    if (nextUs > nowUs && (this.#pace?.nextUs ?? nowUs) < nextUs) this.#notify()
  }

  setLimits(limits: Limits, now: number, told: Limits = limits): void {
    this.#apply(limits, told, this.#advance(now))
    this.#notify()
  }

  setJitter(jitterMs: number, now: number): void {
    this.#jitterMs = jitterMs
    this.#apply(this.#limits, this.#told, this.#advance(now))
    this.#notify()
  }

  setPhase(phase: ClockPhase | undefined, now: number): void {
    const nowUs = this.#advance(now)
    this.#phase = inUs(phase)
    for (const meter of this.#meters) meter.setPhase(this.#phase, nowUs)
  }

  get limits(): Limits {
    return this.#limits
  }

  room(now: number): MeterUse[] {
    const nowUs = this.#advance(now)
    return this.#meters.map((meter) => ({
      limit: meter.rule.limit,
      stated: meter.rule.stated,
      used: meter.used(nowUs),
    }))
  }

  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): { minute: number; second: number } | undefined {
    const nowUs = this.#advance(now)
    let minute: number | undefined
    let second: number | undefined
    for (const meter of this.#meters) {
      if ((meter.dimension === REQUESTS) !== (kind === 'requests')) continue
      if (meter.isPerSecond) second = Math.max(second ?? 0, meter.usedShare(nowUs, 0))
      else minute = Math.max(minute ?? 0, meter.usedShare(nowUs, amountIn(refused, meter.dimension)))
    }
    if (minute === undefined && second === undefined) return undefined
    return { minute: minute ?? second!, second: second ?? minute! }
  }

  minuteFreesAt(now: number): number {
    const nowUs = this.#advance(now)
    const minutes = this.#meters.filter(({ isPerSecond }) => !isPerSecond)
    return Math.max(nowUs, ...minutes.map((meter) => meter.nextExpiryUs(nowUs))) / 1000
  }

  onChange(listener: () => void): void {
    this.#notify = listener
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get totals(): GateTotals {
    return {
      reserved: this.#reserved,
      settled: this.#settledTokens,
      refunded: this.#refunded,
      excess: this.#excess,
      inFlight: this.#inFlightTokens,
    }
  }

  /** Gives back from the newest charges of a reservation first: those that stay longest in their windows. */
  #refund(meter: Meter, amount: number, reservation: Reservation, nowUs: number): void {
    let left = amount
    for (let { raised } = reservation; raised !== undefined && left > 0; raised = raised.below) {
      const below = raised.below?.cost ?? reservation.cost
      const added = amountIn(raised.cost, meter.dimension) - amountIn(below, meter.dimension)
      const given = Math.min(left, added)
      if (given > 0) meter.refund(given, raised.seq, nowUs)
      left -= given
    }
    if (left > 0) meter.refund(left, reservation.seq, nowUs)
  }

  /** Whether all meters are certain to let it pass now; if not, {@link #earliestUs} says. */
  #hasRoom(amounts: Amounts, nowUs: number): boolean {
    if (this.#heldUntilUs > nowUs) return false
    if (this.#pace !== undefined && amounts[REQUESTS] !== 0 && this.#pace.nextUs > nowUs) return false
    for (const meter of this.#meters) {
      const amount = amounts[meter.dimension]!
      if (amount !== 0 && !meter.hasRoom(amount, nowUs)) return false
    }
    return true
  }

  #earliestUs(amounts: Amounts, nowUs: number): number {
    let at = this.#heldUntilUs > nowUs ? this.#heldUntilUs : nowUs
    if (this.#pace !== undefined && amounts[REQUESTS] !== 0) at = Math.max(at, this.#pace.nextUs)
    for (const meter of this.#meters) {
      const amount = amounts[meter.dimension]!
      if (amount === 0) continue
      const earliest = meter.earliestUs(amount, nowUs)
      if (earliest > at) at = earliest
    }
    return at
  }

  #afterUs(ahead: Cost, cost: Cost, nowUs: number): number {
    const before = readAmounts(ahead, this.#otherAmounts)
    const own = readAmounts(cost, this.#amounts)
    let at = nowUs
    for (const meter of this.#meters) {
      const after = meter.afterUs(before[meter.dimension]!, own[meter.dimension]!, nowUs)
      if (after > at) at = after
    }
    if (this.#pace !== undefined && own[REQUESTS] !== 0) at = Math.max(at, this.#pace.afterUs(before[REQUESTS]!, nowUs))
    // What waits through a hold goes after it, by the room that there is now.
    return this.#heldUntilUs > nowUs ? this.#heldUntilUs + (at - nowUs) : at
  }

  /** Keeps meters whose limit goes on; a new one starts empty. */
  #apply(limits: Limits, told: Limits, emptySinceUs: number): void {
    this.#limits = limits
    this.#told = told
    this.#concurrency = limits.concurrency ?? Infinity
    this.#meters = meterRules(limits, this.#profile, this.#jitterMs, told).map((rule) => {
      const kept = this.#meters.find((meter) => meter.fits(rule))
      if (kept === undefined) {
        const meter = new Meter(rule, emptySinceUs, this.#nowUs, this.#seq + 1)
        meter.setPhase(this.#phase, this.#nowUs)
        return meter
      }
      kept.setRule(rule, this.#nowUs, this.#seq)
      return kept
    })
    this.#lateMeters = this.#meters.filter(({ rule }) => rule.countsOutputLate)
    this.#largest.fill(Infinity)
    for (const { dimension, largest } of this.#meters) {
      if (largest < this.#largest[dimension]!) this.#largest[dimension] = largest
    }
  }

  /** The time in µs. It never runs backward, whatever the caller says. */
  #advance(now: number): number {
    const nowUs = toUs(now)
    if (nowUs > this.#nowUs) this.#nowUs = nowUs
    return this.#nowUs
  }
}

function inUs(phase: ClockPhase | undefined): PhaseUs | undefined {
  if (phase === undefined) return undefined
  const { fromMs, toMs, untilMs } = phase
  return { fromUs: Math.floor(fromMs * 1000), toUs: Math.ceil(toMs * 1000), untilUs: toUs(untilMs) }
}

const UNTIL_CHANGE: UntilChange = { kind: 'until-change' }
