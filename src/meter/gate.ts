import type { Cost, Limits, Profile } from '../types.js'
import { amountOf, Meter, meterRules, type MeteredLimit } from './meter.js'

/** A charge that was admitted and waits for what was really used. */
export interface Reservation {
  readonly cost: Cost
  /** When it was admitted, in the clock's ms. */
  readonly at: number
  /** Number of the charge within its gate. */
  readonly seq: number
  /** Whether it was settled; that happens once. */
  settled: boolean
}

/** Not now: at `at` (the clock's ms, exact), if nothing else is admitted before. */
export interface NotBefore {
  readonly kind: 'not-before'
  readonly at: number
}
/** Not until something else changes: a settlement, a limit. */
export interface UntilChange {
  readonly kind: 'until-change'
}
/** Never: larger than `limit` allows in its whole window. */
export interface Never {
  readonly kind: 'never'
  readonly limit: MeteredLimit
  readonly stated: number
  readonly amount: number
}
export type Refusal = NotBefore | UntilChange | Never
/** The answer to {@link Gate.admit}: a refusal has a `kind`. */
export type Admission = (Reservation & { readonly kind?: undefined }) | Refusal

/** How full a window is. */
export interface MeterUse {
  readonly limit: MeteredLimit
  /** The limit as stated. */
  readonly stated: number
  /** What counts against it now. */
  readonly used: number
}

/** Exact sums of tokens: `reserved + excess = settled + refunded + inFlight`. */
export interface GateTotals {
  readonly reserved: number
  readonly settled: number
  readonly refunded: number
  readonly excess: number
  readonly inFlight: number
}

/**
 * The seam for sharing a quota: all meters of one model as one, synchronous. Time is an argument, in the clock's ms.
 * In memory it is {@link MeterGate}.
 */
export interface Gate {
  /** Charges all meters or none. */
  admit(cost: Cost, now: number): Admission
  /** What {@link admit} would answer, without charging: the time of admission, or why there is none. */
  earliest(cost: Cost, now: number): NotBefore | UntilChange | Never
  /** Why `cost` can never pass under the limits in force; undefined if it can. */
  impossible(cost: Cost): Never | undefined
  /** Corrects a reservation to what was used; `undefined`: the reservation stands. False if it was settled before. */
  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean
  /** Admits nothing until `until`, and lets the meters of `empties` start from nothing then. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void
  /** Until when it is held, in the clock's ms; 0 if it never was. */
  readonly heldUntil: number
  /** Takes new limits, keeping what was charged under the old ones. */
  setLimits(limits: Limits, now: number): void
  /** The use of each window. */
  room(now: number): MeterUse[]
  /** When the oldest charge of a minute's window leaves it; `now` if there is none. */
  minuteFreesAt(now: number): number
  /** Calls `listener` when room may have come by other means than time. One listener at most. */
  onChange(listener: () => void): void
  /** Reservations not settled yet. */
  readonly inFlight: number
}

export interface MeterGateOptions {
  readonly limits: Limits
  readonly profile: Profile
  /** J, in ms. */
  readonly jitterMs: number
  /** Since when, in the clock's ms, it is known that nothing ran; buckets fill from then on. */
  readonly idleSince: number
}

/** A gate of meters in memory. */
export class MeterGate implements Gate {
  readonly #profile: Profile
  readonly #jitterMs: number
  #meters: Meter[] = []
  #limits: Limits = {}
  #concurrency = Infinity
  #seq = 0
  #nowUs = 0
  #heldUntilUs = 0
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
    this.#nowUs = toUs(now)
    this.#apply(options.limits, toUs(options.idleSince))
  }

  admit(cost: Cost, now: number): Admission {
    const nowUs = this.#advance(now)
    const at = this.#earliestUs(cost, nowUs)
    if (at > nowUs) return at === Infinity ? this.impossible(cost)! : { kind: 'not-before', at: at / 1000 }
    if (this.#inFlight >= this.#concurrency) return UNTIL_CHANGE
    const seq = ++this.#seq
    for (const meter of this.#meters) {
      const amount = amountOf(cost, meter.dimension)
      if (amount > 0) meter.charge(amount, nowUs, seq)
    }
    const tokens = cost.inputTokens + cost.outputTokens
    this.#inFlight++
    this.#inFlightTokens += tokens
    this.#reserved += tokens
    return { cost, at: nowUs / 1000, seq, settled: false }
  }

  earliest(cost: Cost, now: number): NotBefore | UntilChange | Never {
    const nowUs = this.#advance(now)
    const at = this.#earliestUs(cost, nowUs)
    if (at === Infinity) return this.impossible(cost)!
    if (at <= nowUs && this.#inFlight >= this.#concurrency) return UNTIL_CHANGE
    return { kind: 'not-before', at: at / 1000 }
  }

  impossible(cost: Cost): Never | undefined {
    for (const meter of this.#meters) {
      const amount = amountOf(cost, meter.dimension)
      if (amount > meter.largest) return { kind: 'never', limit: meter.rule.limit, stated: meter.rule.stated, amount }
    }
    return undefined
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (reservation.settled) return false
    reservation.settled = true
    const nowUs = this.#advance(now)
    const reserved = reservation.cost
    const reservedTokens = reserved.inputTokens + reserved.outputTokens
    this.#inFlight--
    this.#inFlightTokens -= reservedTokens
    let roomCame = this.#concurrency !== Infinity
    if (actual !== undefined) {
      let excessSeq = 0
      for (const meter of this.#meters) {
        const difference = amountOf(actual, meter.dimension) - amountOf(reserved, meter.dimension)
        if (difference < 0) {
          meter.refund(-difference, reservation.seq, nowUs)
          roomCame = true
        } else if (difference > 0) {
          excessSeq ||= ++this.#seq
          meter.charge(difference, nowUs, excessSeq)
        }
      }
    }
    const actualTokens = actual === undefined ? reservedTokens : actual.inputTokens + actual.outputTokens
    this.#settledTokens += actualTokens
    if (actualTokens < reservedTokens) this.#refunded += reservedTokens - actualTokens
    else this.#excess += actualTokens - reservedTokens
    if (roomCame) this.#notify()
    return true
  }

  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    const nowUs = this.#advance(now)
    const untilUs = toUs(until)
    if (untilUs > this.#heldUntilUs) this.#heldUntilUs = untilUs
    if (empties === 'none') return
    for (const meter of this.#meters) {
      if (empties === 'all' || (meter.dimension === 'requests') === (empties === 'requests')) {
        meter.emptyUntil(untilUs, nowUs, this.#seq)
      }
    }
  }

  get heldUntil(): number {
    return this.#heldUntilUs / 1000
  }

  setLimits(limits: Limits, now: number): void {
    this.#apply(limits, this.#advance(now))
    this.#notify()
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

  minuteFreesAt(now: number): number {
    const nowUs = this.#advance(now)
    const minutes = this.#meters.filter((meter) => meter.largest < Infinity)
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

  #earliestUs(cost: Cost, nowUs: number): number {
    let at = this.#heldUntilUs > nowUs ? this.#heldUntilUs : nowUs
    for (const meter of this.#meters) {
      const amount = amountOf(cost, meter.dimension)
      if (amount === 0) continue
      const earliest = meter.earliestUs(amount, nowUs)
      if (earliest > at) at = earliest
    }
    return at
  }

  /** Keeps meters whose limit goes on; a new one starts empty. */
  #apply(limits: Limits, emptySinceUs: number): void {
    this.#limits = limits
    this.#concurrency = limits.concurrency ?? Infinity
    this.#meters = meterRules(limits, this.#profile, this.#jitterMs).map((rule) => {
      const kept = this.#meters.find((meter) => meter.fits(rule))
      if (kept === undefined) return new Meter(rule, emptySinceUs, this.#nowUs, this.#seq + 1)
      kept.setRule(rule, this.#nowUs, this.#seq)
      return kept
    })
  }

  /** The time in µs. It never runs backward, whatever the caller says. */
  #advance(now: number): number {
    const nowUs = toUs(now)
    if (nowUs > this.#nowUs) this.#nowUs = nowUs
    return this.#nowUs
  }
}

const UNTIL_CHANGE: UntilChange = { kind: 'until-change' }

/** The nearest whole microsecond: a time that was answered in ms comes back as the same one, on an epoch's clock too. */
function toUs(ms: number): number {
  return Math.round(ms * 1000)
}
