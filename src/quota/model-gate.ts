import type { Cost, Limits, OutputAccounting, Profile } from '../types.js'
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
import type { PhaseUs } from './windows/aligned-window.js'
import {
  amountIn,
  amountsOfNothing,
  isWithin,
  readAmounts,
  REQUESTS,
  THINKING_TOKENS,
  TOKENS,
  unknownOutput,
  writes,
  type Amounts,
  type Dimension,
} from './dimensions.js'
import { InFlightOutput } from './late-output/in-flight-output.js'
import { LateOutputMeter, meterOf } from './late-output/late-output-meter.js'
import type { Meter } from './meter.js'
import { limitRules } from './limit-rules.js'
import { Pacer } from './pacer.js'
import { GateTotals, type TokenTotals } from './gate-totals.js'

export interface ModelGateOptions {
  readonly limits: Limits
  readonly profile: Profile
  /** J, in ms. */
  readonly networkJitterMs: number
  /** When the service counts what is sent, if that is known. */
  readonly phase?: ClockPhase | undefined
  /** Since when, in the clock's ms, it is known that nothing ran; buckets fill from then on. */
  readonly idleSince: number
}

/** A gate of meters in memory. */
export class ModelGate implements Gate {
  readonly #profile: Profile
  #networkJitterMs: number
  #phase: PhaseUs | undefined
  #meters: Meter[] = []
  /** Those that count output after its request. */
  #lateMeters: readonly LateOutputMeter[] = []
  #outputAccounting: OutputAccounting | undefined
  /**
   * Whether output that was not known beforehand counts in a minute from when it is there, and is held until then: that is right
   * whenever the service counts it, and takes its part of the minute for longer. While nothing is known: since a refusal.
   */
  #movesOutput: boolean
  /** What answers in flight write, where that counts as it is written. */
  #generation: InFlightOutput | undefined
  readonly #amounts = amountsOfNothing()
  readonly #otherAmounts = amountsOfNothing()
  /** What can ever pass in each dimension, by the least of its meters. */
  readonly #largest = amountsOfNothing()
  #limits: Limits = {}
  #configured: Limits = {}
  #concurrency = Infinity
  #seq = 0
  #nowUs = 0
  #heldUntilUs = 0
  /** When a minute's meter was last charged with what it lacked. */
  #minuteMadeUpUs = -Infinity
  #pace: Pacer | undefined
  #inFlight = 0
  #notify: () => void = () => {}
  readonly totals: TokenTotals
  readonly #totals: GateTotals

  constructor(options: ModelGateOptions, now: number) {
    this.totals = this.#totals = new GateTotals()
    this.#profile = options.profile
    const { outputAccounting } = options.profile
    this.#outputAccounting = outputAccounting === 'learn' ? undefined : outputAccounting
    this.#movesOutput = this.#outputAccounting !== undefined && this.#outputAccounting !== 'reserved'
    this.#networkJitterMs = options.networkJitterMs
    this.#phase = inUs(options.phase)
    this.#nowUs = toUs(now)
    this.#apply(options.limits, options.limits, toUs(options.idleSince))
  }

  admit(cost: Cost, now: number): Admission {
    const nowUs = this.#advance(now)
    const amounts = readAmounts(cost, this.#amounts)
    if (!this.#hasRoom(amounts, nowUs)) {
      const at = this.#earliestUs(amounts, nowUs)
      if (at > nowUs) return at === Infinity ? (this.impossible(cost) ?? UNTIL_CHANGE) : this.#notBefore(amounts, at)
    }
    if (this.#inFlight >= this.#concurrency) return UNTIL_CHANGE
    const seq = ++this.#seq
    for (const meter of this.#meters) {
      const amount = amounts[meter.dimension]!
      if (amount > 0) meter.charge(amount, nowUs, seq)
    }
    this.#pace?.charge(amounts[REQUESTS]!, nowUs)
    this.#inFlight++
    this.#totals.admitted(cost.inputTokens + cost.outputTokens)
    if (writes(cost)) this.#generation?.began(nowUs)
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
      if (amount > meter.largest)
        return { kind: 'never', limit: meter.rule.limit, effective: meter.rule.effective, amount }
    }
    return undefined
  }

  mostOutput(inputTokens: number): number {
    const { tpm = Infinity, outputTpm = Infinity } = this.#configured
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
    // What it wrote is known better once it has ended, and its second hardly is the whole answer's.
    if (writes(reservation.cost)) this.#generation?.ended(toUs(reservation.at), nowUs, actual?.outputTokens)
    let roomCame = this.#concurrency !== Infinity || this.#outputAccounting === 'generated'
    let excessSeq = 0
    if (actual !== undefined) {
      const were = readAmounts(reserved, this.#amounts)
      const are = readAmounts(actual, this.#otherAmounts)
      for (const meter of this.#meters) {
        const was = were[meter.dimension]!
        const difference = meter.bounded(are[meter.dimension]!, was, nowUs) - was
        if (difference < 0) {
          this.#giveBack(meter, -difference, reservation, nowUs)
          roomCame = true
        } else if (difference > 0) {
          excessSeq ||= ++this.#seq
          meter.charge(difference, nowUs, excessSeq)
        }
        if (this.#movesOutput && meter.rule.isMinuteOfOutput && writes(actual)) {
          const late = outputIn(actual, meter.dimension) - Math.max(0, difference)
          if (late > 0) this.#giveBack(meter, late, reservation, nowUs, (excessSeq ||= ++this.#seq))
        }
      }
    }
    const counted = actual ?? reserved
    if (writes(counted)) {
      for (const meter of this.#lateMeters) {
        if (meter.rule.countsOutput !== 'late') continue
        excessSeq ||= ++this.#seq
        meter.chargeAnswer(meter.bounded(unknownOutput(counted), 0, nowUs), nowUs, excessSeq)
      }
    }
    this.#totals.ended(reservedTokens, counted.inputTokens + counted.outputTokens)
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
    this.#totals.raised(are[TOKENS]! - were[TOKENS]!)
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
    else if (this.#pace === undefined) this.#pace = new Pacer(requestsPerSecond)
    else this.#pace.set(requestsPerSecond)
    if (nextUs > nowUs && (this.#pace?.nextUs ?? nowUs) < nextUs) this.#notify()
  }

  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void {
    if (outputAccounting === this.#outputAccounting) return
    const nowUs = this.#advance(now)
    this.#outputAccounting = outputAccounting
    this.#movesOutput = outputAccounting !== 'reserved'
    this.#apply(this.#limits, this.#configured, nowUs)
    this.#notify()
  }

  /**
   * By what it counts, the server's second held more than the request left room for; if not by ours, what ours lacks is added
   * to it, for it must have been written. More than a quarter of the limit is another matter.
   */
  accountsFor({ cost, at }: Reservation, now: number): boolean {
    const nowUs = this.#advance(now)
    let isAccounted = false
    // Where its total is known there is nothing that was not counted: then the limits are not as told.
    if (!writes(cost)) return false
    if (this.#outputAccounting === undefined) this.#movesOutput = true
    for (const meter of this.#lateMeters) {
      const most = meter.mostBesideOthers
      if (amountIn(cost, meter.dimension) > most) continue
      const lacks = most + 1 - meter.used(nowUs)
      if (lacks > most / 4) continue
      if (lacks > 0) {
        meter.chargeLate(lacks + Math.floor(BEYOND_SHARE * most), nowUs, ++this.#seq)
        this.#generation?.wasRefused()
      } else meter.metUnheard()
      isAccounted = true
    }
    return isAccounted || this.#accountsForMinute(toUs(at), nowUs)
  }

  /** The same for the minute's meters, in which answers that turned out longer than expected are not counted yet. */
  #accountsForMinute(sentUs: number, nowUs: number): boolean {
    const fullest = this.#meters.find(
      (meter) => meter.rule.isMinuteOfOutput && meter.used(nowUs) >= (1 - MINUTE_LACKS_SHARE) * meter.rule.effective,
    )
    if (fullest === undefined) return false
    // What was sent before tells nothing that was not charged for then.
    if (sentUs <= this.#minuteMadeUpUs) return true
    this.#minuteMadeUpUs = nowUs
    const { effective } = fullest.rule
    const lacks = Math.max(0, Math.floor(effective) + 1 - fullest.used(nowUs))
    fullest.charge(lacks + Math.floor(MINUTE_BEYOND_SHARE * effective), nowUs, ++this.#seq)
    return true
  }

  setLimits(limits: Limits, now: number, configured: Limits = limits): void {
    this.#apply(limits, configured, this.#advance(now))
    this.#notify()
  }

  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#networkJitterMs = networkJitterMs
    this.#apply(this.#limits, this.#configured, this.#advance(now))
    this.#notify()
  }

  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    const nowUs = this.#advance(now)
    this.#phase = inUs(phase)
    for (const meter of this.#meters) meter.setClockPhase(this.#phase, nowUs)
  }

  get limits(): Limits {
    return this.#limits
  }

  room(now: number): MeterUse[] {
    const nowUs = this.#advance(now)
    return this.#meters.map((meter) => ({
      limit: meter.rule.limit,
      effective: meter.rule.effective,
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

  /**
   * Gives back from the newest charges of a reservation first: those that stay longest in their windows. With `newSeq` it
   * counts from now on instead.
   */
  #giveBack(meter: Meter, amount: number, reservation: Reservation, nowUs: number, newSeq = 0): void {
    let left = amount
    for (let { raised } = reservation; raised !== undefined && left > 0; raised = raised.below) {
      const below = raised.below?.cost ?? reservation.cost
      const added = amountIn(raised.cost, meter.dimension) - amountIn(below, meter.dimension)
      const given = Math.min(left, added)
      if (given > 0) giveBack(meter, given, raised.seq, nowUs, newSeq)
      left -= given
    }
    if (left > 0) giveBack(meter, left, reservation.seq, nowUs, newSeq)
  }

  #notBefore(amounts: Amounts, atUs: number): NotBefore {
    for (const meter of this.#lateMeters) {
      if (meter.waitsForAnswers(amounts[meter.dimension]!, this.#nowUs)) {
        return { kind: 'not-before', at: atUs / 1000, isExpected: true }
      }
    }
    return { kind: 'not-before', at: atUs / 1000 }
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
      const after = meter.afterUs(before[meter.dimension]!, own[meter.dimension]!, nowUs, ahead.requests)
      if (after > at) at = after
    }
    if (this.#pace !== undefined && own[REQUESTS] !== 0) at = Math.max(at, this.#pace.afterUs(before[REQUESTS]!, nowUs))
    // What waits through a hold goes after it, by the room that there is now.
    return this.#heldUntilUs > nowUs ? this.#heldUntilUs + (at - nowUs) : at
  }

  /** Keeps meters whose limit goes on; a new one starts empty. */
  #apply(limits: Limits, configured: Limits, emptySinceUs: number): void {
    this.#limits = limits
    this.#configured = configured
    this.#concurrency = limits.concurrency ?? Infinity
    const rules = limitRules(limits, this.#profile, this.#outputAccounting, this.#networkJitterMs, configured)
    const isGenerated = rules.some(({ countsOutput }) => countsOutput === 'generated')
    this.#generation = isGenerated ? (this.#generation ?? new InFlightOutput()) : undefined
    this.#meters = rules.map((rule) => {
      const kept = this.#meters.find((meter) => meter.fits(rule))
      if (kept === undefined) {
        const meter = meterOf(rule, this.#generation, emptySinceUs, this.#nowUs, this.#seq + 1)
        meter.setClockPhase(this.#phase, this.#nowUs)
        // The same limit, counted otherwise: what it held is still there.
        const before = this.#meters.find(
          (each) => each.rule.limit === rule.limit && each.rule.effective === rule.effective,
        )
        const used = before?.used(this.#nowUs) ?? 0
        if (used > 0) meter.charge(used, this.#nowUs, ++this.#seq)
        return meter
      }
      kept.setRule(rule, this.#nowUs, this.#seq)
      return kept
    })
    this.#lateMeters = this.#meters.filter((meter) => meter instanceof LateOutputMeter)
    this.#largest.fill(Infinity)
    for (const { dimension, largest } of this.#meters) {
      if (largest < this.#largest[dimension]!) this.#largest[dimension] = largest
    }
  }

  /** The time in µs. It never runs backward, whatever the caller says. */
  #advance(now: number): number {
    const nowUs = toUs(now)
    if (nowUs > this.#nowUs) {
      this.#nowUs = nowUs
      this.#generation?.advance(nowUs, this.#wrote)
    }
    return this.#nowUs
  }

  readonly #wrote = (tokens: number, atUs: number): void => {
    const seq = ++this.#seq
    for (const meter of this.#lateMeters) meter.chargeLate(meter.bounded(tokens, 0, atUs), atUs, seq)
  }
}

/** The part of what a cost charges in a dimension that is output. */
function outputIn(cost: Cost, dimension: Dimension): number {
  return dimension === THINKING_TOKENS ? cost.thinkingTokens : unknownOutput(cost)
}

function giveBack(meter: Meter, amount: number, seq: number, nowUs: number, newSeq: number): void {
  if (newSeq === 0) meter.refund(amount, seq, nowUs)
  else meter.move(amount, seq, nowUs, newSeq)
}

function inUs(phase: ClockPhase | undefined): PhaseUs | undefined {
  if (phase === undefined) return undefined
  const { fromMs, toMs, untilMs } = phase
  return { fromUs: Math.floor(fromMs * 1000), toUs: Math.ceil(toMs * 1000), untilUs: toUs(untilMs) }
}

const UNTIL_CHANGE: UntilChange = { kind: 'until-change' }
/** By how much of the limit more is taken to be there than a refusal proves: it says nothing of how much more. */
const BEYOND_SHARE = 0.05
/** The same of a minute's limit, and how much may lack of it. */
const MINUTE_BEYOND_SHARE = 0.01
const MINUTE_LACKS_SHARE = 0.05
